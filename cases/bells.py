"""Redis is the doorbell: at most one waiting bell per step, rung after the commit, and never the truth."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache

import django_rq
import structlog
from django.conf import settings
from django.db import transaction
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

logger = structlog.get_logger(__name__)

QUEUE_OF = {"received": "pipeline", "classified": "pipeline", "decided": "effects"}
RING_FOR_SECONDS = 30  # a bell lost with Redis, or with the worker that took it, may be rung again after this


def ring(step: str) -> None:
    """Ring for a state after the present transaction commits. A Redis that is away costs time, never the work."""
    if str(step) in settings.PIPELINE:
        transaction.on_commit(lambda: _ring_now(str(step)), robust=True)


@lru_cache(maxsize=8)
def _redis(queue: str, url: str) -> Redis:
    """One client per process: making one reads package data from the disk, which costs more than a bell itself.

    It tries once more at once, for a connection that went stale; who rings is never kept waiting for a Redis that is away.
    """
    client: Redis = django_rq.get_connection(queue)
    client.set_retry(Retry(NoBackoff(), 1))
    return client


def redis_of(step: str) -> Redis:
    """The Redis in which a step's bell and queue are."""
    queue = QUEUE_OF[step]
    return _redis(queue, str(settings.RQ_QUEUES[queue].get("URL", "")))


def answer(step: str) -> None:
    """A job takes the bell down before it looks, so that whoever comes later rings again."""
    try:
        redis_of(step).delete(_name(step))
    except RedisError as error:
        logger.warning("bell_not_answered", step=step, error=str(error))


def _ring_now(step: str) -> None:
    try:
        if redis_of(step).set(_name(step), "1", nx=True, ex=RING_FOR_SECONDS):
            queue = django_rq.get_queue(QUEUE_OF[step])
            queue.enqueue(settings.PIPELINE[step], result_ttl=0, failure_ttl=86400, meta=_who_rings())
    except RedisError as error:
        logger.warning("bell_not_rung", step=step, error=str(error))


def _who_rings() -> dict[str, str]:
    """For the log: the request that set this off, handed on from job to job."""
    context = structlog.contextvars.get_contextvars()
    identity = context.get("rung_by") or context.get("request_id")
    return {"rung_by": str(identity)} if identity else {}


def _name(step: str) -> str:
    return f"countersign:bell:{step}"


def drain(step: str, work: Callable[[], bool], *, seconds: float) -> None:
    """Answer the bell and work batch after batch until nothing stands there, or the time is up and the bell rings anew.

    ``work`` handles one batch and tells whether there may be more.
    """
    answer(step)
    end = time.monotonic() + seconds
    while work():
        if time.monotonic() > end:
            ring(step)
            return
