"""A training whose worker is killed on a running stack: the model at work stays, and the same can be run again."""

from __future__ import annotations

import csv
import json
import random
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Launch
from tests.servers import wait_until
from tests.stacks import RunningStack

pytestmark = pytest.mark.timeout(400)
KEY, LABELS, EXAMPLES = "letters", ["refund", "billing", "other"], 4_000
START = """
from django.contrib.auth.models import Group, User
from cases.models import CaseType
from feedback import runs
from feedback.models import Run
user, _new = User.objects.get_or_create(username="lead")
user.groups.add(Group.objects.get(name="supervisor"))
before = Run.objects.order_by("pk").last()
if before is None:
    run = runs.start("train", CaseType.objects.get(key="letters"), by=user, origin="test")
else:
    run = runs.again(before, by=user, origin="test")
print("run:" + str(run.pk))
"""


def started(stack: RunningStack) -> int:
    """Start a training, or the last one again."""
    return int(stack.manage("shell", "-c", START).stdout.partition("run:")[2])


def rows(stack: RunningStack, query: str, *values: Any) -> list[tuple[Any, ...]]:
    """What the database says, asked from outside."""
    with closing(sqlite3.connect(stack.data_dir / "countersign.sqlite3", timeout=30)) as connection:
        found = connection.execute(query, values).fetchall()
        connection.commit()
    return found


def taught(stack: RunningStack, folder: Path) -> None:
    """Examples enough that learning from them takes seconds."""
    schema = {"type": "object", "required": ["label"], "properties": {"label": {"enum": LABELS}}}
    told = {"key": KEY, "name": "Letters", "impact": ["internal"], "output_schema": schema, "classifier": "local"}
    told |= {
        "action": {"backend": "log"},
        "policy": {"mode": "validator", "routing": [{"default": True, "queue": "q"}]},
    }
    queue = {"key": "q", "name": "Q", "kind": "expert", "groups": ["reviewer"]}
    (folder / "config.yaml").write_text(json.dumps({"case_types": [told], "queues": [queue]}))  # JSON is YAML
    rng = random.Random(7)
    words = ["".join(rng.choices("abcdefghijklmnop", k=7)) for _ in range(3_000)]
    with (folder / "known.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "text", "label"])
        for number in range(EXAMPLES):
            label = LABELS[number % len(LABELS)]
            writer.writerow([number, f"{label} {' '.join(rng.choices(words, k=20))}", label])
    stack.manage("apply_config", str(folder / "config.yaml"))
    columns = ("--text-column", "text", "--label-column", "label", "--truth")
    stack.manage("import_cases", str(folder / "known.csv"), "--case-type", KEY, *columns)


def run_of(stack: RunningStack, number: int) -> tuple[str, float]:
    ((status, progress),) = rows(stack, "SELECT status, progress FROM feedback_run WHERE id = ?", number)
    return status, progress


def models(stack: RunningStack) -> list[tuple[Any, ...]]:
    return rows(stack, "SELECT number, status FROM feedback_modelversion ORDER BY number")


def test_a_worker_killed_in_the_middle_of_training_leaves_the_model_at_work_and_it_runs_again(
    launch_stack: Launch, tmp_path: Path
) -> None:
    stack = launch_stack(SWEEP_SECONDS="1")
    taught(stack, tmp_path)
    stack.manage("train", KEY)
    assert models(stack) == [(1, "active")]
    run = started(stack)
    wait_until(lambda: run_of(stack, run) >= ("running", 0.1), seconds=60, what="a training under way")
    assert run_of(stack, run)[0] == "running", "it was over before it could be killed"
    assert stack.kill("learning")
    assert (run_of(stack, run)[0], models(stack)) == ("running", [(1, "active")])
    rows(stack, "UPDATE feedback_run SET lease_until = '2001-01-01 00:00:00' WHERE id = ?", run)
    wait_until(lambda: run_of(stack, run)[0] == "failed", seconds=90, what="the run given up")
    assert models(stack) == [(1, "active")]
    again = started(stack)
    wait_until(lambda: run_of(stack, again)[0] == "done", seconds=120, what="the training, run again")
    assert [number for number, _status in models(stack)] == [1, 2]
    assert [status for _number, status in models(stack)].count("active") == 1
