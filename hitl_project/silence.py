"""Queues on which nobody works: not at the first missed beat, but once it has lasted."""

from __future__ import annotations

import time

from django.conf import settings
from redis import Redis, RedisError

from hitl_project.workers import alive_key

LASTS = 45  # seconds: a stack that starts, or a worker that is replaced, is silent for less
FORGOTTEN = 7 * 24 * 3600


def silent_queues() -> list[str]:
    """For alerts. Where Redis is away nobody can tell, and that is another fault."""
    connection = Redis.from_url(settings.REDIS_URL, socket_connect_timeout=1, socket_timeout=1)
    try:
        return [queue for queue in settings.RQ_QUEUES if _is_silent(connection, queue)]
    except RedisError:
        return []
    finally:
        connection.close()


def _is_silent(connection: Redis, queue: str) -> bool:
    since = f"countersign:silent:{queue}"
    if connection.exists(alive_key(queue)):
        connection.delete(since)
        return False
    connection.set(since, str(time.time()), nx=True, ex=FORGOTTEN)
    begun: object = connection.get(since)
    return begun is not None and time.time() - float(begun) >= LASTS  # type: ignore[arg-type]  # bytes of a number
