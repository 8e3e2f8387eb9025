"""Looks an installation over and says what to fix."""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from redis import Redis, RedisError

from hitl_project import health
from hitl_project.stack import redis_server

SCARCE_BYTES = 500 * 1024 * 1024
OLDEST_SQLITE = (3, 35)
OLDEST_POSTGRESQL = 13


@dataclass(frozen=True, slots=True)
class Finding:
    """``fix`` is empty where all is well."""

    subject: str
    state: str
    fix: str = ""


def findings() -> Iterator[Finding]:
    """One finding per check, in the order in which things depend on each other."""
    for check in CHECKS:
        yield check()


def python() -> Finding:
    state = f"{sys.version_info.major}.{sys.version_info.minor}"
    return Finding("Python", state, "" if sys.version_info >= (3, 11) else "Use Python 3.11 or later.")


def data_directory() -> Finding:
    free = shutil.disk_usage(settings.DATA_DIR).free
    state = f"{settings.DATA_DIR}, {free // 2**20} MB free"
    return Finding(
        "Data directory", state, "" if free > SCARCE_BYTES else "Make room: SQLite and uploads are kept there."
    )


def file_storage() -> Finding:
    try:
        name = default_storage.save("doctor.txt", ContentFile(b"ok"))
        default_storage.delete(name)
    except OSError as error:
        return Finding("File storage", str(error), f"Make {settings.MEDIA_ROOT} writable.")
    return Finding("File storage", "writable")


def database() -> Finding:
    missing = health.what_is_missing()
    if "database" in missing:
        return Finding("Database", missing["database"], "Check DATABASE_URL, and that the server runs and lets us in.")
    if "migrations" in missing:
        return Finding("Database", missing["migrations"], "Run `manage.py migrate`.")
    return _database_version()


def _database_version() -> Finding:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT sqlite_version()")
        else:
            cursor.execute("SHOW server_version")
        version = str(cursor.fetchone()[0])
    numbers = tuple(int(part) for part in version.split(maxsplit=1)[0].split(".")[:2])
    enough = numbers >= OLDEST_SQLITE if connection.vendor == "sqlite" else numbers[0] >= OLDEST_POSTGRESQL
    return Finding("Database", f"{connection.display_name} {version}", "" if enough else "Use a later version of it.")


def redis_program() -> Finding:
    if not settings.EMBEDDED_REDIS:
        return Finding("Embedded Redis", "not needed: REDIS_URL is set")
    found = redis_server.program()
    fix = "" if found else "Install redis-server, or set REDIS_URL; the bundled one does not exist for this machine."
    return Finding("Embedded Redis", str(found or "none"), fix)


def redis() -> Finding:
    client = Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1)
    try:
        began = time.perf_counter()
        client.ping()
        return Finding("Redis", f"answers in {1000 * (time.perf_counter() - began):.1f} ms")
    except RedisError:
        fix = (
            "Start the stack: `make run`." if settings.EMBEDDED_REDIS else "Check REDIS_URL, and that the server runs."
        )
        return Finding("Redis", "does not answer", fix)
    finally:
        client.close()


def workers() -> Finding:
    missing = health.check_redis()
    if "redis" in missing:
        return Finding("Workers", "unknown while Redis is away")
    queues = " and ".join(f"`manage.py rqworker {queue}`" for queue in settings.RQ_QUEUES)
    fix = f"Start the stack (`make run`), or {queues}." if missing else ""
    return Finding("Workers", missing.get("workers", "alive on every queue"), fix)


def static_files() -> Finding:
    collected = (Path(settings.STATIC_ROOT) / "staticfiles.json").exists()
    return Finding(
        "Static files", "collected" if collected else "missing", "" if collected else "Run `manage.py collectstatic`."
    )


def https() -> Finding:
    if settings.HTTPS or settings.HOST in settings.LOOPBACK:
        return Finding("HTTPS", "on" if settings.HTTPS else "not needed on this machine alone")
    fix = "Put a proxy with TLS in front, set CSRF_TRUSTED_ORIGINS=https://your.host and ALLOWED_HOSTS=your.host."
    return Finding("HTTPS", f"off, while serving {settings.HOST}", fix)


def debug() -> Finding:
    return Finding(
        "Debug mode", "on" if settings.DEBUG else "off", "Unset DEBUG: it shows internals." if settings.DEBUG else ""
    )


CHECKS: tuple[Callable[[], Finding], ...] = (
    python, data_directory, file_storage, database, redis_program, redis, workers, static_files, https, debug,
)  # fmt: skip
