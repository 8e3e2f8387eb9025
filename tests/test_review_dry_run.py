"""A change of policy, tried on the cases of last week before anybody proposes it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from cases.models import Case, CaseType
from cases.models.choices import State
from review import dry_run
from review.dry_run import AUTOMATIC, replay
from review.models import Policy, ReviewTask
from review.policy_rules import content_of
from tests.factories import make_case, make_case_type, make_prediction, make_queue

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


@pytest.fixture
def case_type(db: None) -> CaseType:
    boss = make_queue("supervisors", kind="supervisor")
    big = {"reason": "high_risk", "when": [{"field": "output.amount", "op": "gt", "value": 500}], "queue": boss}
    rules = [big, {"default": True, "queue": make_queue()}]
    return make_case_type("exception_handler", rules=rules, policy={"threshold": 0.8})


def routed(case_type: CaseType, *, amount: float, confidence: float = 0.9, days: float = 1, **fields: Any) -> Case:
    moment = timezone.now() - timedelta(days=days)
    case = make_case(case_type, state=State.CLOSED, routed_at=moment, **fields)
    make_prediction(case, confidence=confidence, output={"label": "refund", "amount": amount})
    return case


def in_force(case_type: CaseType) -> Policy:
    return case_type.policies.get(status="active")


def changed(policy: Policy, *, above: int = 500, **more: Any) -> dict[str, Any]:
    content = content_of(policy)
    first = {**content["routing"][0], "when": [{"field": "output.amount", "op": "gt", "value": above}]}
    return {**content, "routing": [first, *content["routing"][1:]], **more}


def test_it_tells_how_many_would_have_gone_elsewhere(case_type: CaseType) -> None:
    cases = [routed(case_type, amount=amount) for amount in (100, 300, 400, 600)]
    policy = in_force(case_type)
    found = replay(case_type, policy, changed(policy, above=250))
    assert (found.cases, found.whole, found.different) == (4, True, 2)
    assert found.queues == {AUTOMATIC: (3, 1), "supervisors": (1, 3)}
    assert found.reasons == {AUTOMATIC: (3, 1), "high_risk": (1, 3)}
    assert (found.automatic, found.people) == ((3, 1), (1, 3))
    assert {one.case_id for one in found.examples} == {cases[1].pk, cases[2].pk}
    assert {(one.queue_before, one.queue_after) for one in found.examples} == {(AUTOMATIC, "supervisors")}


def test_a_threshold_and_the_order_of_the_rules_count_too(case_type: CaseType) -> None:
    routed(case_type, amount=10, confidence=0.85)
    routed(case_type, amount=900, confidence=0.5)
    policy = in_force(case_type)
    found = replay(case_type, policy, changed(policy, threshold=0.9))
    assert found.reasons == {AUTOMATIC: (1, 0), "high_risk": (1, 1), "low_confidence": (0, 1)}
    unsure_first = [{"reason": "low_confidence", "queue": "front-desk"}, *content_of(policy)["routing"]]
    found = replay(case_type, policy, changed(policy, routing=unsure_first))
    assert found.queues == {AUTOMATIC: (1, 1), "front-desk": (0, 1), "supervisors": (1, 0)}


def test_conditions_on_the_payload_are_tried_on_the_payload(case_type: CaseType) -> None:
    routed(case_type, amount=10, payload={"text": "hello", "country": "PE"})
    routed(case_type, amount=10)
    policy = in_force(case_type)
    abroad = {"reason": "high_risk", "when": [{"field": "payload.country", "op": "eq", "value": "PE"}]}
    routing = [{**abroad, "queue": "supervisors"}, *content_of(policy)["routing"]]
    assert replay(case_type, policy, changed(policy, routing=routing)).people == (0, 1)


def test_only_last_week_and_only_this_case_type_are_tried(case_type: CaseType) -> None:
    routed(case_type, amount=300, days=8)
    routed(make_case_type(), amount=300)
    policy = in_force(case_type)
    assert replay(case_type, policy, changed(policy, above=250)).cases == 0


def test_a_case_without_a_prediction_counts_as_an_error_of_the_model(case_type: CaseType) -> None:
    make_case(case_type, state=State.IN_REVIEW, routed_at=timezone.now())
    policy = in_force(case_type)
    assert replay(case_type, policy, content_of(policy)).reasons == {"classifier_error": (1, 1)}


def test_the_newest_are_tried_when_there_are_too_many(case_type: CaseType, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(5):
        routed(case_type, amount=300, days=n + 1)
    policy = in_force(case_type)
    monkeypatch.setattr(dry_run, "CHUNK", 2)
    monkeypatch.setattr(dry_run, "MOST_CASES", 4)
    found = replay(case_type, policy, changed(policy, above=250))
    assert (found.cases, found.whole) == (4, False)


def test_it_stops_when_the_time_is_up_and_says_so(case_type: CaseType, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        routed(case_type, amount=300)
    monkeypatch.setattr(dry_run, "CHUNK", 2)
    ticks = iter(range(0, 1000, 10))
    policy = in_force(case_type)
    found = replay(case_type, policy, changed(policy), clock=lambda: next(ticks))
    assert (found.cases, found.whole) == (2, False)


def test_it_writes_nothing_and_asks_little(case_type: CaseType) -> None:
    for _ in range(30):
        routed(case_type, amount=300)
    policy = in_force(case_type)
    wanted = changed(policy, above=250)
    with CaptureQueriesContext(connection) as queries:
        replay(case_type, policy, wanted)
    assert len(queries) <= 8
    assert all(query["sql"].startswith("SELECT") for query in queries)
    assert not ReviewTask.objects.exists()
    assert Policy.objects.count() == 1


def test_the_same_policy_changes_nothing(case_type: CaseType) -> None:
    for amount in (100, 900):
        routed(case_type, amount=amount, confidence=0.6)
    policy = in_force(case_type)
    found = replay(case_type, policy, content_of(policy))
    assert (found.different, found.examples) == (0, [])
