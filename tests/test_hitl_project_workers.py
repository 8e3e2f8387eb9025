"""Workers and the scheduler: JSON only, by name, and patient with a Redis that is away."""

from __future__ import annotations

import json
import zlib
from pathlib import Path

import django_rq
import pytest
from django.conf import settings
from django.core.management import call_command
from django.utils.module_loading import import_string
from redis import Redis

from hitl_project.periodic import Periodic, schedule
from hitl_project.scheduler import Scheduler
from hitl_project.workers import alive_key
from tests.servers import RedisServer

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]
MARK = "countersign:test:mark"


def leave_a_mark() -> None:
    django_rq.get_connection("pipeline").incr(MARK)


def fail() -> None:
    raise RuntimeError("on purpose")


@pytest.fixture
def scheduler() -> Scheduler:
    return Scheduler(connection=django_rq.get_connection("pipeline"))


def test_every_job_of_the_schedule_and_of_the_flow_exists() -> None:
    for path in [entry.job for entry in schedule()] + list(settings.PIPELINE.values()):
        assert callable(import_string(path))


def test_the_scheduler_puts_json_on_the_queue_that_a_plain_worker_can_run(scheduler: Scheduler) -> None:
    scheduler.add([Periodic(f"{__name__}.leave_a_mark", 60)])
    scheduler.enqueue_jobs()
    scheduler.enqueue_jobs()  # not due again yet

    redis = django_rq.get_connection("pipeline")
    (job_id,) = django_rq.get_queue("pipeline").job_ids
    stored = redis.hget(f"rq:job:{job_id}", "data")
    assert isinstance(stored, bytes)
    assert json.loads(zlib.decompress(stored)) == [f"{__name__}.leave_a_mark", None, [], {}]
    call_command("rqworker", "pipeline", "--burst", "--verbosity", "0")
    assert int(redis.get(MARK) or 0) == 1


def test_a_worker_refuses_a_pickle(scheduler: Scheduler) -> None:
    from rq import Queue

    queue = Queue("pipeline", connection=django_rq.get_connection("pipeline"))
    queue.enqueue(f"{__name__}.leave_a_mark")
    call_command("rqworker", "pipeline", "--burst", "--verbosity", "0")
    assert django_rq.get_connection("pipeline").get(MARK) is None


def test_a_failing_job_does_not_end_the_worker() -> None:
    queue = django_rq.get_queue("pipeline")
    queue.enqueue(f"{__name__}.fail")
    queue.enqueue(f"{__name__}.leave_a_mark")
    call_command("rqworker", "pipeline", "--burst", "--verbosity", "0")
    assert int(django_rq.get_connection("pipeline").get(MARK) or 0) == 1


def test_a_worker_says_that_it_is_alive() -> None:
    call_command("rqworker", "pipeline", "--burst", "--verbosity", "0")
    redis = django_rq.get_connection("pipeline")
    assert 0 < redis.ttl(alive_key("pipeline")) <= 15


def test_the_scheduler_outlasts_a_redis_that_goes_and_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = RedisServer(tmp_path)
    server.start()
    scheduler = Scheduler(connection=Redis.from_url(server.url()))
    scheduler.add([Periodic(f"{__name__}.leave_a_mark", 60)])
    with monkeypatch.context() as patch:
        patch.setattr("hitl_project.scheduler.PAUSE_SECONDS", 0)
        patch.setitem(settings.RQ_QUEUES["pipeline"], "URL", server.url())
        server.kill()
        assert scheduler.enqueue_jobs() == []
        scheduler.heartbeat()
        server.start()
        try:
            assert len(scheduler.enqueue_jobs()) == 1
        finally:
            server.kill()
