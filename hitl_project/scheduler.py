"""RQ's cron scheduler, made to write JSON jobs and to outlast a Redis that is away."""

from __future__ import annotations

import time
from collections.abc import Iterable

import django_rq
import structlog
from django.db import close_old_connections
from django_rq.cron import DjangoCronScheduler
from redis import Redis, RedisError
from redis.client import Pipeline
from rq.cron import CronJob
from rq.job import Job

from hitl_project.periodic import Periodic
from metrics.alerting.jobs import watch_workers

logger = structlog.get_logger(__name__)

FAILURE_SECONDS = 24 * 3600
PAUSE_SECONDS = 2
LOOK_SECONDS = 15


class JsonCronJob(CronJob):
    """RQ's own puts pickles on the queue and needs the function; ours puts JSON and needs only its name."""

    def enqueue(self, connection: Redis) -> Job:
        seconds = int(self.interval or 60)
        # A job that nobody took by the time of the next but one is dropped: the next one does the same.
        return django_rq.get_queue(self.queue_name).enqueue(
            self.func_name, result_ttl=0, ttl=2 * seconds, failure_ttl=FAILURE_SECONDS
        )


class Scheduler(DjangoCronScheduler):
    looked_at = 0.0

    def add(self, periodic: Iterable[Periodic]) -> None:
        for entry in periodic:
            self._cron_jobs.append(JsonCronJob(entry.queue, func_name=entry.job, interval=entry.seconds))

    def heartbeat(self) -> None:
        try:
            super().heartbeat()
        except RedisError as error:
            logger.warning("scheduler_waits_for_redis", error=str(error))
            time.sleep(PAUSE_SECONDS)

    def see_whether_anybody_works(self) -> None:
        """The one look that must not be left to a worker."""
        if time.monotonic() - self.looked_at < LOOK_SECONDS:
            return
        self.looked_at = time.monotonic()
        close_old_connections()
        try:
            watch_workers()
        except Exception:
            logger.exception("workers_not_watched")
        finally:
            close_old_connections()

    def enqueue_jobs(self) -> list[CronJob]:
        self.see_whether_anybody_works()
        try:
            return list(super().enqueue_jobs())
        except RedisError as error:
            logger.warning("scheduler_waits_for_redis", error=str(error))
            time.sleep(PAUSE_SECONDS)
            return []

    def register_death(self, pipeline: Pipeline | None = None) -> None:
        try:
            super().register_death(pipeline)
        except RedisError:
            pass  # the entry expires by itself
