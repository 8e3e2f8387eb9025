"""Is it up, is it ready: for load balancers and the supervisor. Never slow, least of all when something is down."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from functools import cache

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from redis import Redis, RedisError

from hitl_project.workers import alive_key

SECONDS = 1.5
Check = Callable[[], dict[str, str]]

# Threads, because a connection attempt to a host that swallows packets cannot be cut short in our own.
_threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="health")


def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers; nothing else is asked."""
    return JsonResponse({"status": "up"})


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """200 when work can be taken and done; else 503 and, by name, what is missing."""
    missing = what_is_missing()
    if missing:
        return JsonResponse({"status": "not ready", "missing": missing}, status=503, headers={"Retry-After": "5"})
    return JsonResponse({"status": "ready"})


def what_is_missing() -> dict[str, str]:
    """What is missing, by name, with one sentence each; both servers are asked at the same time."""
    answers = {name: _threads.submit(check) for name, check in CHECKS.items()}
    missing: dict[str, str] = {}
    for name, answer in answers.items():
        try:
            missing |= answer.result(timeout=SECONDS)
        except TooSlow:
            missing[name] = f"does not answer within {SECONDS} s"
    return missing


def check_database() -> dict[str, str]:
    try:
        unapplied = _unapplied_migrations()
    except DatabaseError:
        return {"database": "cannot be reached"}
    finally:
        connection.close()
    return {"migrations": f"{len(unapplied)} not applied, first {unapplied[0]}"} if unapplied else {}


def _unapplied_migrations() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    applied = MigrationRecorder(connection).applied_migrations()
    return [f"{app}.{name}" for app, name in sorted(_migrations_on_disk() - set(applied))]


@cache
def _migrations_on_disk() -> frozenset[tuple[str, str]]:
    loader = MigrationLoader(None, ignore_no_migrations=True)
    return frozenset(loader.disk_migrations) - {key for keys in _replaced(loader) for key in keys}


def _replaced(loader: MigrationLoader) -> list[list[tuple[str, str]]]:
    """Squashed migrations stand beside those they replace until all are applied: count only the new ones."""
    return [list(migration.replaces) for migration in loader.disk_migrations.values()]


def check_redis() -> dict[str, str]:
    connection_ = Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1)
    try:
        beats = connection_.mget([alive_key(queue) for queue in settings.RQ_QUEUES])
    except RedisError:
        return {"redis": "cannot be reached"}
    finally:
        connection_.close()
    silent = [queue for queue, seen in zip(settings.RQ_QUEUES, beats, strict=True) if seen is None]
    return {"workers": f"none alive for {', '.join(silent)}"} if silent else {}


CHECKS: dict[str, Check] = {"database": check_database, "redis": check_redis}
