"""The RQ worker of this project."""

from __future__ import annotations

import threading
import time
from typing import Any

import structlog
from django.conf import settings
from django.db import close_old_connections
from redis import Redis, RedisError
from rq import SimpleWorker
from rq.job import Job
from rq.serializers import JSONSerializer

from hitl_project import garbage

ALIVE_SECONDS = 15
BEAT_SECONDS = 3


class Worker(SimpleWorker):
    """Runs jobs in its own process: a fork per job costs six times the job. The supervisor replaces a worker that dies.

    Jobs are JSON whatever the command line says, because whoever writes to Redis could otherwise run code here.
    """

    max_connection_wait_time = 3.0  # seconds between attempts while Redis is away

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["serializer"] = JSONSerializer
        super().__init__(*args, **kwargs)

    def work(self, *args: Any, **kwargs: Any) -> bool:
        garbage.calm()
        threading.Thread(target=beat, args=(self.queue_names(),), daemon=True).start()
        return bool(super().work(*args, **kwargs))

    def perform_job(self, job: Job, *args: Any, **kwargs: Any) -> bool:
        close_old_connections()  # a database that came back since the last job needs a new connection
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**_context(job))
        try:
            return bool(super().perform_job(job, *args, **kwargs))
        finally:
            structlog.contextvars.clear_contextvars()
            close_old_connections()


def _context(job: Job) -> dict[str, Any]:
    """What every line and audit event of the job tells of it."""
    rung_by = job.meta.get("rung_by")
    return {"job": job.func_name, "job_id": job.id, "request_id": job.id, **({"rung_by": rung_by} if rung_by else {})}


def alive_key(queue: str) -> str:
    return f"countersign:alive:{queue}"


def beat(queues: list[str]) -> None:
    """Say every few seconds that somebody works on these queues. RQ's own registry does not survive a flush of Redis."""
    connection = Redis.from_url(settings.REDIS_URL)
    while True:
        try:
            for queue in queues:
                connection.set(alive_key(queue), "1", ex=ALIVE_SECONDS)
        except RedisError:
            pass  # it will be said again
        time.sleep(BEAT_SECONDS)
