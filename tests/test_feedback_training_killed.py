"""A training whose worker process is killed: the model at work stays, and the same can be run again."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from cases.models import CaseType
from feedback import runs
from feedback.models import LabelledExample, ModelVersion, Run
from tests import factories as make
from tests.servers import wait_until
from tests.test_feedback_training import SCHEMA, teach, trained

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.postgres_too, pytest.mark.timeout(600)]
EXAMPLES = 4_000  # learning from them takes seconds
SECONDS = 120


def taught(case_type: CaseType) -> None:
    rng = random.Random(7)
    words = ["".join(rng.choices("abcdefghijklmnop", k=7)) for _ in range(3_000)]
    labels = ["refund", "billing"]
    LabelledExample.objects.bulk_create(
        LabelledExample(
            case_type=case_type, source="more", external_id=str(number), output={"label": labels[number % 2]},
            payload={"text": f"{labels[number % 2]} {' '.join(rng.choices(words, k=20))}"},
        )
        for number in range(EXAMPLES)
    )  # fmt: skip


def worker() -> int:
    """RQ's own worker on the queue of trainings, in a process of its own; it ends when nothing waits."""
    connection.close()  # neither side may use the other's
    child = os.fork()
    if not child:
        call_command("rqworker", runs.QUEUE, "--burst", "--verbosity", "0")
        os._exit(0)
    return child


def reached(run: Run, wanted: Callable[[Run], bool]) -> bool:
    run.refresh_from_db()
    return wanted(run)


def models() -> list[tuple[int, str]]:
    return list(ModelVersion.objects.order_by("number").values_list("number", "status"))


def test_a_worker_killed_in_the_middle_of_training_leaves_the_model_at_work_and_it_runs_again(redis: None) -> None:
    case_type = make.make_case_type("exception_handler", output_schema=SCHEMA, classifier="local")
    teach(case_type)
    trained(case_type)
    taught(case_type)
    lead = make.make_user("supervisor")
    run = runs.start(Run.Kind.TRAIN, case_type, by=lead, origin="test")
    killed = worker()
    wait_until(lambda: reached(run, lambda row: row.progress >= 0.1), seconds=SECONDS, what="a training under way")
    os.kill(killed, signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(killed, 0)[1]) == signal.SIGKILL
    time.sleep(0.5)  # a child of the worker, if it has one, would go on
    assert (reached(run, lambda row: row.status == "running"), models()) == (True, [(1, "active")])

    Run.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert runs.look_after() == 1
    assert (reached(run, lambda row: row.status == "failed"), models()) == (True, [(1, "active")])

    again = runs.again(run, by=lead, origin="test")
    assert os.waitpid(worker(), 0)[1] == 0
    assert reached(again, lambda row: row.status == "done"), again.message
    assert [number for number, _status in models()] == [1, 2]
    assert [status for _number, status in models()].count("active") == 1
