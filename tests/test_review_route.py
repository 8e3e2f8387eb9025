"""classified → in_review or decided, as rows."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cases.models import AuditEvent, Case, CaseType, Effect
from cases.models.choices import Priority, State
from review.models import Decision, Policy, ReviewTask
from review.route import route_batch
from tests.factories import make_case, make_case_type, make_prediction, make_queue

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def classified(case_type: CaseType, confidence: float = 0.9, **fields: Any) -> Case:
    case = make_case(case_type, state=State.CLASSIFIED, **fields)
    make_prediction(case, confidence=confidence)
    return case


def drain() -> None:
    while route_batch():
        pass


@pytest.mark.parametrize("mode", ["teacher", "autonomous", "exception_handler"])
def test_what_the_policy_decides_acts_at_once_and_is_a_decision_like_any_other(mode: str) -> None:
    case_type = make_case_type(mode, action={"backend": "log"})
    case = classified(case_type)
    drain()
    case.refresh_from_db()
    decision = Decision.objects.get(case=case)
    assert (case.state, case.reason) == (State.DECIDED, "")
    assert case.routed_at is not None
    assert case.decided_at is not None
    assert (decision.outcome, decision.label, decision.decided_by, decision.task) == ("approve", "refund", None, None)
    assert (decision.shown, decision.policy) == (False, case_type.policies.get())
    effect = Effect.objects.get(case=case)
    assert effect.body["decision"]["by"] == "policy"
    assert AuditEvent.objects.get(case_id=case.pk, action="case.decided").data["policy"] == 1


def test_what_a_person_is_to_decide_waits_in_a_queue_and_nothing_leaves() -> None:
    case = classified(make_case_type("validator", action={"backend": "log"}))
    drain()
    case.refresh_from_db()
    task = ReviewTask.objects.get(case=case)
    assert (case.state, case.reason, task.reason, task.queue.key) == (
        State.IN_REVIEW,
        "validation",
        "validation",
        "front-desk",
    )
    assert (task.due_at, task.blind) == (case.due_at, False)
    assert task.trace
    assert not Effect.objects.filter(case=case).exists()
    assert not Decision.objects.filter(case=case).exists()


@pytest.mark.parametrize(
    ("priority", "minutes"), [(Priority.URGENT, 5), (Priority.HIGH, 60), (Priority.NORMAL, 480), (Priority.LOW, 2880)]
)
def test_the_due_time_follows_the_priority_and_the_policy_and_runs_from_arrival(priority: int, minutes: int) -> None:
    case = classified(make_case_type(policy={"sla_minutes": {"urgent": 5}}), priority=priority)
    drain()
    assert ReviewTask.objects.get(case=case).due_at == case.created_at + timedelta(minutes=minutes)


def test_a_sampled_automatic_case_acts_and_is_read_blind_afterwards_in_a_quality_queue() -> None:
    quality = make_queue("quality", kind="quality", groups=("auditor",))
    case = classified(make_case_type("teacher", policy={"sample_rate": 1.0}, action={"backend": "log"}))
    drain()
    case.refresh_from_db()
    task = ReviewTask.objects.get(case=case)
    assert (case.state, case.sampled, case.sample_probability) == (State.DECIDED, True, 1.0)
    assert (task.queue, task.reason, task.blind) == (quality, "sample", True)
    assert Effect.objects.filter(case=case).count() == 1


def test_a_sampled_case_that_goes_to_a_person_is_read_blind_there() -> None:
    case = classified(make_case_type("validator", policy={"sample_rate": 1.0}))
    drain()
    assert ReviewTask.objects.get(case=case).blind


def test_the_probability_is_logged_for_cases_the_coin_left_out_too() -> None:
    case = classified(make_case_type("teacher", policy={"sample_rate": 1e-12}))
    drain()
    case.refresh_from_db()
    assert (case.sampled, case.sample_probability) == (False, 1e-12)


def test_the_newest_prediction_counts() -> None:
    case = classified(make_case_type("exception_handler"), 0.99)
    make_prediction(case, confidence=0.1)
    drain()
    case.refresh_from_db()
    assert (case.state, case.reason) == (State.IN_REVIEW, "low_confidence")


def test_a_case_without_any_prediction_goes_to_a_person_and_holds_nobody_up() -> None:
    case_type = make_case_type("teacher")
    bare, fine = make_case(case_type, state=State.CLASSIFIED), classified(case_type)
    drain()
    bare.refresh_from_db()
    fine.refresh_from_db()
    assert (bare.state, bare.reason, fine.state) == (State.IN_REVIEW, "classifier_error", State.DECIDED)


def test_a_case_type_without_a_policy_starts_as_a_validator() -> None:
    case_type = make_case_type("teacher")
    Policy.objects.filter(case_type=case_type).update(status="retired")
    case = classified(case_type)
    drain()
    case.refresh_from_db()
    assert case.state == State.IN_REVIEW


def test_a_batch_costs_the_same_few_queries_however_many_cases(django_assert_max_num_queries: Any) -> None:
    case_type = make_case_type("exception_handler", policy={"sample_rate": 0.5}, action={"backend": "log"})
    for number in range(40):
        classified(case_type, 0.9 if number % 2 else 0.1)
    with django_assert_max_num_queries(25):
        route_batch()
    assert ReviewTask.objects.count() > 20
