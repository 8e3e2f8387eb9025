"""The doorbell: one waiting bell per step, rung after the commit, and never a reason for anything to fail."""

from __future__ import annotations

from typing import Any

import django_rq
import pytest
from django.db import transaction

from cases import bells, jobs
from cases.models import Case
from cases.models.choices import State
from tests.factories import make_case

UNREACHABLE = {"URL": "redis://127.0.0.1:1/0", "SOCKET_CONNECT_TIMEOUT": 0.2}


def waiting(queue: str = "pipeline") -> list[str]:
    return [job.func_name or "" for job in django_rq.get_queue(queue).get_jobs()]


@pytest.fixture
def redis_away(settings: Any) -> None:
    """Redis is not there at all."""
    settings.RQ_QUEUES = {name: {**options, **UNREACHABLE} for name, options in settings.RQ_QUEUES.items()}


@pytest.mark.django_db(transaction=True)
def test_many_rings_make_one_waiting_bell(redis: None) -> None:
    for _ in range(50):
        bells.ring(State.RECEIVED)
    assert waiting() == ["cases.jobs.classify"]


@pytest.mark.django_db(transaction=True)
def test_the_bell_rings_after_the_commit_and_never_for_what_was_rolled_back(redis: None) -> None:
    with transaction.atomic():
        bells.ring(State.RECEIVED)
        assert waiting() == []
    assert waiting() == ["cases.jobs.classify"]

    def fails() -> None:
        with transaction.atomic():
            bells.ring(State.DECIDED)
            raise ValueError

    with pytest.raises(ValueError):
        fails()
    assert waiting("effects") == []


@pytest.mark.django_db(transaction=True)
def test_a_state_where_nothing_waits_for_a_job_has_no_bell(redis: None) -> None:
    for state in (State.IN_REVIEW, State.CLOSED, State.CANCELLED):
        bells.ring(state)
    assert waiting() + waiting("effects") == []


@pytest.mark.django_db(transaction=True)
def test_who_comes_while_a_job_works_rings_anew(redis: None) -> None:
    bells.ring(State.RECEIVED)
    bells.answer(State.RECEIVED)
    bells.ring(State.RECEIVED)
    assert len(waiting()) == 2


@pytest.mark.django_db(transaction=True)
def test_each_step_rings_in_its_own_queue(redis: None) -> None:
    for state in (State.RECEIVED, State.CLASSIFIED, State.DECIDED):
        bells.ring(state)
    assert waiting() == ["cases.jobs.classify", "review.jobs.route"]
    assert waiting("effects") == ["cases.jobs.deliver"]


@pytest.mark.django_db(transaction=True)
def test_the_sweeper_rings_for_whatever_stands_and_for_nothing_else(redis: None) -> None:
    jobs.sweep()
    assert waiting() == []
    make_case(state=State.CLASSIFIED)
    jobs.sweep()
    assert waiting() == ["review.jobs.route"]


@pytest.mark.django_db(transaction=True)
def test_without_redis_the_work_is_kept_and_nobody_gets_an_error(redis_away: None) -> None:
    with transaction.atomic():
        case = make_case()
        bells.ring(State.RECEIVED)
    assert Case.objects.filter(pk=case.pk).exists()
    jobs.sweep()
    jobs.classify()  # a job that runs all the same answers a bell nobody can take down


@pytest.mark.django_db(transaction=True)
def test_a_job_stops_after_its_time_and_rings_for_the_rest(redis: None) -> None:
    turns: list[int] = []

    def always_more() -> bool:
        turns.append(1)
        return True

    bells.drain(State.RECEIVED, always_more, seconds=0)
    assert len(turns) == 1
    assert waiting() == ["cases.jobs.classify"]
