"""Known cases among the others: they look like any, nothing comes of them, and the reader is told afterwards."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.access import can
from cases.models import AuditEvent, Case, Effect
from cases.models.choices import State
from feedback import gold, plantings
from feedback.models import Correction, Flag, Planting, Sample
from metrics import sums
from review import claims
from review.decide import Answer, decide
from review.models import Decision, ReviewTask
from review.shown import digest_of, shown_prediction
from tests import gold as drills
from tests.factories import make_case, make_case_type, make_decision, make_prediction, make_queue, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
TELLING = ("planted", "gold", "drill")


def planted(*, decided_by: User | None = None, **policy: Any) -> ReviewTask:
    case_type = make_case_type("exception_handler", policy=policy)
    case = make_case(case_type, state=State.CLOSED, label="refund", confidence=0.97)
    case.closed_at = case.decided_at = case.routed_at = timezone.now()
    case.save()
    made = make_prediction(case, label="refund", confidence=0.97)
    make_decision(case, by=decided_by or make_user("expert"), prediction=made, note="a secret of the past")
    gold.make_drill(case.pk, by=make_user("supervisor"), origin="test", shown={"label": "billing"}, why="It says so.")
    planting = plantings.plant(case_type.policies.get(status="active"), queue=make_queue())
    assert planting is not None
    assert planting.task is not None
    return planting.task


def answer(task: ReviewTask, user: User, **how: Any) -> Decision | None:
    mine = claims.claim(task.pk, user=user, origin="test")
    digest = digest_of(mine, mine.case, shown_prediction(mine))
    return decide(task.pk, user=user, lease_token=mine.lease_token, digest=digest, answer=Answer(**how), origin="test")


def test_a_planted_task_shows_the_wrong_output_and_nothing_of_the_past(client: Client) -> None:
    task, user = planted(), make_user("reviewer")
    client.force_login(user)
    body = client.post(f"/api/v1/tasks/{task.pk}/claim/", content_type="application/json").json()
    assert body["prediction"]["output"] == {"label": "billing"}
    assert body["case"]["state"] == "in_review"
    assert body["case"]["closed_at"] is None
    assert body["case"]["label"] == "billing"
    assert body["reason"] == "low_confidence"


def test_no_page_and_no_answer_tells_a_reader_that_a_case_is_known(client: Client) -> None:
    task, user = planted(), make_user("reviewer")
    client.force_login(user)
    before = [f"/api/v1/cases/{task.case_id}/", f"/api/v1/cases/{task.case_id}/events/", "/api/v1/cases/"]
    pages = [
        "/api/v1/tasks/",
        "/api/v1/decisions/",
        "/api/v1/queues/",
        reverse("desk:review", args=[task.pk]),
        reverse("desk:tasks"),
        reverse("desk:together"),
    ]
    admin = [f"/admin/cases/case/{task.case_id}/change/", "/admin/cases/case/", "/admin/review/decision/"]
    claims.claim(task.pk, user=user, origin="test")
    for address in [*before, *pages, *admin]:
        found = client.get(address, follow=True)
        text = found.content.decode()
        assert found.status_code == 200, address
        assert "a secret of the past" not in text, address
        assert not [word for word in TELLING if word in text.lower()], address
    case = client.get(before[0]).json()
    assert (case["state"], case["decisions"], case["effects"], len(case["tasks"])) == ("in_review", [], [], 1)
    assert client.get("/api/v1/decisions/").json()["results"] == []


def test_a_supervisor_and_who_decided_the_case_are_not_given_it() -> None:
    earlier = make_user("reviewer")
    task = planted(decided_by=earlier)
    for user in (earlier, make_user("supervisor")):
        assert claims.claim_next(user, origin="test") is None
    assert claims.claim_next(make_user("reviewer"), origin="test") == task


@pytest.mark.parametrize(
    ("how", "caught"),
    [
        ({"outcome": "approve"}, False),
        ({"outcome": "amend", "output": {"label": "refund"}}, True),
        ({"outcome": "amend", "output": {"label": "other"}}, False),
        ({"outcome": "reject", "reason": "wrong"}, True),
    ],
)
def test_an_answer_is_judged_and_nothing_comes_of_it(how: dict[str, Any], *, caught: bool) -> None:
    task, user = planted(), make_user("reviewer")
    before = Case.objects.values().get()
    assert answer(task, user, **how) is None
    found = Planting.objects.get()
    assert (found.user, found.caught) == (user, caught)
    assert Case.objects.values().get() == before
    assert Decision.objects.count() == 1
    assert not Effect.objects.exists()
    assert not Correction.objects.exists()
    assert not Sample.objects.exists()
    assert AuditEvent.objects.filter(action="gold.answered").exists()


def test_the_reader_is_told_afterwards_and_why(client: Client) -> None:
    task, user = planted(), make_user("reviewer")
    client.force_login(user)
    body = client.post(f"/api/v1/tasks/{task.pk}/claim/", content_type="application/json").json()
    given = {"outcome": "approve", "lease_token": body["lease_token"], "digest": body["digest"]}
    told = client.post(f"/api/v1/tasks/{task.pk}/decide/", json.dumps(given), content_type="application/json").json()
    assert "drill" in told["told"]
    assert "It says so." in told["told"]


def test_planted_tasks_are_in_no_measure() -> None:
    task = planted()
    answer(task, make_user("reviewer"), outcome="approve")
    start = timezone.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)
    part = sums.Slice(task.case_type_id, start, start + timedelta(hours=3))
    rows = list(sums.work(part))
    assert sum(row.opened + row.ended for row in rows) == 0


def test_one_waits_in_a_queue_at_a_time_and_is_taken_back_when_nobody_reads_it() -> None:
    task = planted()
    assert plantings.plant(task.policy, queue=task.queue) is None
    ReviewTask.objects.filter(pk=task.pk).update(opened_at=timezone.now() - timedelta(days=4))
    assert plantings.take_back_unread() == 1
    assert Planting.objects.get().answered_at is None
    assert plantings.plant(task.policy, queue=task.queue) is not None


def test_the_share_of_the_policy_is_planted() -> None:
    task = planted(gold_rate=1.0)
    ReviewTask.objects.filter(pk=task.pk).update(closed_at=timezone.now())
    for _number in range(24):
        case = make_case(task.case_type, state=State.IN_REVIEW)
        ReviewTask.objects.create(
            case=case,
            case_type=task.case_type,
            queue=task.queue,
            policy=task.policy,
            reason="low_confidence",
            due_at=timezone.now(),
        )
    assert plantings.plant_due() == 1
    assert plantings.plant_due() == 0


def test_a_reader_who_approves_everything_is_flagged_by_the_fourth_drill_and_once() -> None:
    user, task = make_user("reviewer"), planted(on_flag="pause")
    policy, queue = task.policy, task.queue
    for number in range(5):
        answer(task, user, outcome="approve")
        assert Flag.objects.count() == (number >= 3), number
        case = make_case(task.case_type, state=State.CLOSED)
        make_decision(case, by=make_user("expert"), prediction=make_prediction(case))
        gold.make_drill(case.pk, by=make_user("supervisor"), origin="test", shown={"label": "other"})
        planting = plantings.plant(policy, queue=queue, reader=user)
        assert planting is not None
        assert planting.task is not None
        task = planting.task
    assert Flag.objects.get().step == "pause"


def test_raising_a_planted_task_ends_it() -> None:
    task, user = planted(), make_user("reviewer")
    make_queue("experts", kind="expert", groups=("expert",))
    mine = claims.claim(task.pk, user=user, origin="test")
    claims.raise_task(task.pk, user=user, lease_token=mine.lease_token, reason="unsure", origin="test")
    assert not ReviewTask.objects.open().exists()
    found = Planting.objects.get()
    assert (found.user, found.caught) == (user, None)


def test_a_drill_meant_for_another_is_seen_by_nobody_who_held_it_in_between() -> None:
    meant, between, case_type = make_user("reviewer"), make_user("reviewer"), make_case_type("exception_handler")
    task = drills.planted(case_type, reader=meant)
    held = ReviewTask.objects.filter(pk=task.pk)
    held.update(assignee=between, closed_at=timezone.now(), ending=ReviewTask.Ending.HANDED_OVER)
    assert not can(between, "review.view_reviewtask", task)
    held.update(assignee=meant, ending=ReviewTask.Ending.DECIDED)
    assert can(meant, "review.view_reviewtask", task)
