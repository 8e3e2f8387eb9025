"""Runs in the background: progress, a worker that dies in the middle, and what the models at work make of it."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases import plugins
from cases.errors import Conflict, Forbidden
from cases.models import AuditEvent, CaseType
from feedback import jobs, runs, schedule, training
from feedback.models import LabelledExample, ModelVersion, Run
from tests import factories as make
from tests.test_feedback_training import SCHEMA, teach, trained

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def rung(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """The bells that were rung, instead of a Redis."""
    plugins.classifier.cache_clear()
    rang: list[int] = []
    monkeypatch.setattr(runs, "ring", rang.append)
    yield rang
    plugins.classifier.cache_clear()


@pytest.fixture
def letters() -> CaseType:
    return make.make_case_type("exception_handler", output_schema=SCHEMA, classifier="local", policy={"threshold": 0.3})


def started(case_type: CaseType, **about: Any) -> Run:
    return runs.start(Run.Kind.TRAIN, case_type, by=make.make_user("supervisor"), origin="test", **about)


def test_a_training_tells_how_far_it_is_and_names_the_version_it_made(
    letters: CaseType, monkeypatch: pytest.MonkeyPatch
) -> None:
    teach(letters)
    run = started(letters)
    told: list[tuple[float, str]] = []
    plain = runs.progress

    def listened(run: Run, share: float, text: str) -> None:
        told.append((share, text))
        plain(run, share, text)

    monkeypatch.setattr(runs, "progress", listened)
    jobs.carry_out(run.pk)
    run.refresh_from_db()
    version = ModelVersion.objects.get()
    assert (run.status, run.progress, run.model) == ("done", 1.0, version)
    shares = [share for share, _text in told]
    assert shares == sorted(shares)
    assert all(text for _share, text in told)
    assert AuditEvent.objects.get(action="model.trained").actor == run.started_by


def test_the_job_is_rung_for_after_the_commit(
    letters: CaseType, rung: list[int], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        run = started(letters)
    assert rung == [run.pk]


def test_only_who_may_start_runs_does_and_only_one_training_at_a_time(letters: CaseType) -> None:
    with pytest.raises(Forbidden):
        runs.start(Run.Kind.TRAIN, letters, by=make.make_user("reviewer"), origin="test")
    started(letters)
    with pytest.raises(Conflict):
        started(letters)


def test_too_little_to_learn_from_ends_in_the_message_of_the_run(letters: CaseType) -> None:
    run = started(letters)
    jobs.carry_out(run.pk)
    run.refresh_from_db()
    assert run.status == "failed"
    assert run.message
    assert not ModelVersion.objects.exists()


def test_a_training_that_breaks_in_the_middle_leaves_the_model_at_work_and_can_be_run_again(
    letters: CaseType, monkeypatch: pytest.MonkeyPatch
) -> None:
    teach(letters)
    first = trained(letters)
    run = started(letters)
    with monkeypatch.context() as broken:
        broken.setattr(training, "_store", lambda *_args, **_more: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            jobs.carry_out(run.pk)
    run.refresh_from_db()
    assert run.status == "failed"
    assert list(ModelVersion.objects.values_list("pk", "status")) == [(first.pk, "active")]
    after = runs.again(run, by=make.make_user("supervisor"), origin="test")
    jobs.carry_out(after.pk)
    after.refresh_from_db()
    assert after.status == "done"


def test_a_run_whose_worker_died_is_failed_by_the_next_look_and_can_be_run_again(letters: CaseType) -> None:
    teach(letters)
    run = started(letters)
    dead = runs.begin(run.pk)
    assert dead is not None
    assert runs.look_after() == 0, "its lease still runs"
    Run.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert runs.look_after() == 1
    run.refresh_from_db()
    assert (run.status, bool(run.finished_at)) == ("failed", True)
    with pytest.raises(runs.RunLost):
        runs.progress(dead, 0.9, "back from the dead")
    with pytest.raises(runs.RunLost):
        runs.finish(dead, "done")
    assert runs.again(run, by=make.make_user("supervisor"), origin="test").status == "waiting"


def test_a_worker_that_lost_its_run_stores_no_version(letters: CaseType, monkeypatch: pytest.MonkeyPatch) -> None:
    teach(letters)
    run = started(letters)
    plain = training.judge

    def given_up_meanwhile(*args: Any, **more: Any) -> Any:
        Run.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
        runs.look_after()
        return plain(*args, **more)

    monkeypatch.setattr(training, "judge", given_up_meanwhile)
    jobs.carry_out(run.pk)
    run.refresh_from_db()
    assert run.status == "failed"
    assert not ModelVersion.objects.exists()


def test_a_job_that_comes_twice_is_carried_out_once(letters: CaseType) -> None:
    teach(letters)
    run = started(letters)
    jobs.carry_out(run.pk)
    jobs.carry_out(run.pk)
    assert ModelVersion.objects.count() == 1


def test_a_run_that_still_waits_is_rung_for_again(letters: CaseType, rung: list[int]) -> None:
    run = started(letters)
    runs.look_after()
    assert rung == []
    Run.objects.update(created_at=timezone.now() - timedelta(minutes=5))
    runs.look_after()
    assert rung == [run.pk]


@pytest.mark.django_db(transaction=True)
def test_a_process_killed_in_the_middle_of_training_leaves_the_model_at_work(letters: CaseType) -> None:
    teach(letters)
    first = trained(letters)
    run = started(letters)
    child = os.fork()
    if not child:
        setattr(training, "_store", lambda *_args, **_more: os.kill(os.getpid(), signal.SIGKILL))  # noqa: B010 - in the child alone
        jobs.carry_out(run.pk)
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    from django.db import connection

    connection.close()  # the child had it too
    run.refresh_from_db()
    assert (run.status, run.progress > 0.5) == ("running", True)
    assert list(ModelVersion.objects.values_list("pk", "status")) == [(first.pk, "active")]
    Run.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    runs.look_after()
    after = runs.again(run, by=make.make_user("supervisor"), origin="test")
    jobs.carry_out(after.pk)
    assert ModelVersion.objects.count() == 2


def test_training_by_the_clock_waits_for_enough_new_decisions_and_for_a_day(letters: CaseType) -> None:
    teach(letters)
    assert schedule.train_what_is_due() == [], "the first model is trained by a person"
    trained(letters)
    reader, queue = make.make_user("reviewer"), make.make_queue()
    for _ in range(schedule.WEEKLY_FROM):
        case = make.make_case(letters, state="closed")
        make.make_decision(case, by=reader, task=make.make_task(case, queue=queue))
    assert schedule.train_what_is_due() == []
    ModelVersion.objects.update(created_at=timezone.now() - schedule.DAY - timedelta(minutes=1))
    assert schedule.train_what_is_due() == [], "too few for a day"
    ModelVersion.objects.update(created_at=timezone.now() - schedule.WEEK - timedelta(minutes=1))
    (run,) = schedule.train_what_is_due()
    assert (run.kind, run.started_by) == ("train", "schedule")
    assert schedule.train_what_is_due() == []
    LabelledExample.objects.all().delete()
    Run.objects.update(status="failed")
    assert schedule.train_what_is_due() == [], "an attempt counts as well"
