"""Urgent cases: on the fast track where there is one, and told to those on duty."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from cases.models import Effect
from cases.models.choices import Priority, State
from review.models import Notice, Profile, Queue, ReviewTask
from review.route import route_batch
from tests.factories import make_case, make_case_type, make_endpoint, make_prediction, make_queue, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too, pytest.mark.usefixtures("redis")]


def routed(*, rules: list[dict[str, Any]] | None = None, case_type: Any = None, **fields: Any) -> ReviewTask:
    case_type = case_type or make_case_type(rules=rules)
    case = make_case(case_type, state=State.CLASSIFIED, **{"priority": Priority.URGENT, **fields})
    make_prediction(case, output={"label": "refund", "amount": 900})
    route_batch()
    return ReviewTask.objects.select_related("queue").get(case=case)


def fast() -> Queue:
    return make_queue("fast-track", kind="fast_track")


def on_duty(role: str = "reviewer") -> User:
    user = make_user(role)
    Profile.objects.create(user=user, on_duty=True)
    return user


def test_an_urgent_case_goes_on_the_fast_track_and_a_normal_one_does_not() -> None:
    fast()
    assert routed().queue.key == "fast-track"
    assert routed(priority=Priority.NORMAL).queue.key == "front-desk"


def test_the_fast_track_that_the_rules_name_comes_before_the_houses() -> None:
    fast()
    own = make_queue("own-fast", kind="fast_track")
    rules = [{"reason": "out_of_scope", "queue": own}, {"default": True, "queue": make_queue()}]
    assert routed(rules=rules).queue.key == "own-fast"


def test_without_a_fast_track_an_urgent_case_goes_where_others_go() -> None:
    assert routed().queue.key == "front-desk"


def test_an_explicit_rule_is_stronger_than_the_fast_track() -> None:
    fast()
    big = [{"field": "output.amount", "op": "gt", "value": 500}]
    boss = make_queue("supervisors", kind="supervisor", groups=("supervisor",))
    rules = [{"reason": "high_risk", "when": big, "queue": boss}, {"default": True, "queue": make_queue()}]
    assert routed(rules=rules).queue.key == "supervisors"


def test_those_on_duty_who_may_claim_there_are_told_and_the_outside_too() -> None:
    fast()
    make_endpoint(events=["task.urgent"])
    watcher, _expert, _off = on_duty(), on_duty("expert"), make_user("reviewer")
    task = routed()
    [notice] = Notice.objects.all()
    assert (notice.user, notice.kind, notice.task_id, notice.text) == (watcher, "urgent", task.pk, "Fast Track")
    [effect] = Effect.objects.all()
    assert (effect.event, effect.blocking, effect.body["task"]["queue"]) == ("task.urgent", False, "fast-track")


def test_a_normal_case_tells_nobody() -> None:
    on_duty()
    make_endpoint(events=["task.urgent"])
    routed(priority=Priority.HIGH)
    assert not Notice.objects.exists()
    assert not Effect.objects.exists()


def test_a_flood_of_urgent_cases_is_one_notice_to_each_and_no_more_queries(
    django_assert_max_num_queries: Any,
) -> None:
    fast()
    watcher, case_type = on_duty(), make_case_type()
    for _ in range(30):
        make_prediction(make_case(case_type, state=State.CLASSIFIED, priority=Priority.URGENT))
    with django_assert_max_num_queries(22):
        route_batch()
    assert [(notice.user, notice.text) for notice in Notice.objects.all()] == [(watcher, "Fast Track: 30")]


def test_the_trace_says_that_it_went_on_the_fast_track() -> None:
    fast()
    row = routed().trace[-1]
    assert (row["queue"], row["urgent"]) == ("fast-track", True)
