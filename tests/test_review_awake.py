"""Staying awake: asked reasons, the reading floor, and hints that nobody else sees."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from cases.models import AuditEvent, Case
from cases.models.choices import State
from review import awake, coin, risk
from review.awake import Moment, measured, since_pause, streak, stretch
from review.models import Decision, Profile, ReviewTask
from tests.callers import Api
from tests.factories import make_case, make_case_type, make_decision, make_prediction, make_task, make_user

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)


def every(seconds: int, count: int, *, agreed: bool = True, took: float | None = 30) -> list[Moment]:
    """Decisions at one pace, the newest at noon."""
    return [Moment(NOON - timedelta(seconds=seconds * number), agreed, took) for number in range(count)]


# Hints.


def test_an_hour_without_a_pause_is_worth_a_word_and_half_an_hour_is_not() -> None:
    assert measured(every(60, 52), now=NOON).break_due
    assert not measured(every(60, 30), now=NOON).break_due


def test_after_a_pause_everything_begins_anew() -> None:
    moments = every(60, 60)
    rested = measured(moments, now=NOON + awake.PAUSE)
    assert (rested.streak, rested.stretch, rested.hints) == (0, timedelta(0), [])
    back = [Moment(NOON + timedelta(minutes=20), True, 20), *moments]
    assert stretch(back) == timedelta(0)


def test_a_long_case_is_no_pause() -> None:
    moments = [Moment(NOON, True, 900), Moment(NOON - timedelta(minutes=15), True, 60)]
    assert stretch(moments) == timedelta(minutes=15)


def test_a_streak_ends_at_the_first_answer_that_changed_something() -> None:
    changed = every(60, 3, agreed=False)
    assert streak([*every(1, 4), *changed]) == 4
    assert streak(changed) == 0
    assert measured(every(30, awake.LONG_STREAK), now=NOON).long_streak


def test_twice_as_fast_as_usual_is_noticed_once_there_is_a_usual() -> None:
    fast, usual = every(5, awake.RECENT, took=4), every(60, awake.FEWEST_BEFORE, took=30)
    assert measured([*fast, *usual], now=NOON).hasty
    assert not measured([*fast, *usual[:-1]], now=NOON).hasty
    assert not measured([*usual, *usual], now=NOON).hasty


@given(st.lists(st.tuples(st.integers(0, 4_000), st.booleans(), st.none() | st.floats(0, 600)), max_size=60))
def test_whatever_somebody_did_the_figures_hold_together(gaps: list[tuple[int, bool, float | None]]) -> None:
    at, moments = NOON, []
    for gap, agreed, took in gaps:
        moments.append(Moment(at, agreed, took))
        at -= timedelta(seconds=gap)
    found = measured(moments, now=NOON)
    assert 0 <= found.streak <= len(since_pause(moments)) <= len(moments)
    assert timedelta(0) <= found.stretch <= sum((timedelta(seconds=gap) for gap, *_rest in gaps), timedelta(0))
    assert len(found.hints) <= 3


# Who sees them.


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def decided_in_a_row(user: User, count: int) -> None:
    case_type = make_case_type()
    for number in range(count):
        case = make_case(case_type, state=State.CLOSED)
        at = timezone.now() - timedelta(seconds=5 * (count - number))
        make_decision(case, by=user, task=make_task(case), decided_at=at, active_seconds=5)


@pytest.mark.django_db
def test_a_hint_is_for_the_reviewer_alone_and_can_be_switched_off() -> None:
    user = make_user("reviewer", is_staff=True)
    decided_in_a_row(user, awake.LONG_STREAK)
    told = "in a row"
    assert told in signed_in(user).get(reverse("desk:summary")).content.decode()
    for role in ("supervisor", "auditor"):
        other = signed_in(make_user(role, is_staff=True))
        assert told not in other.get(reverse("desk:summary")).content.decode()
    Profile.objects.update_or_create(user=user, defaults={"hints": False})
    assert told not in signed_in(user).get(reverse("desk:summary")).content.decode()


@pytest.mark.django_db
def test_hints_stand_beside_the_form_and_cost_two_queries_however_much_was_done() -> None:
    user = make_user("reviewer", is_staff=True)
    decided_in_a_row(user, awake.LONG_STREAK)
    task = a_task(claimed_by=user)
    assert "in a row" in signed_in(user).get(page_of(task)).content.decode()
    with CaptureQueriesContext(connection) as queries:
        awake.awake_of(User.objects.get(pk=user.pk))
    assert len(queries) <= 3  # the account itself is one


# Reasons, asked at random.


def a_task(policy: dict[str, Any] | None = None, *, claimed_by: User | None = None, **fields: Any) -> ReviewTask:
    case = make_case(make_case_type(policy=policy, **fields), state=State.IN_REVIEW)
    make_prediction(case, output={"label": "refund", "amount": 10})
    return make_task(case, claimed_by=claimed_by)


def page_of(task: ReviewTask) -> str:
    return reverse("desk:review", args=[task.pk])


def claimed(task: ReviewTask) -> tuple[Api, dict[str, Any]]:
    api = Api(make_user("reviewer"))
    desk = api.post(f"/tasks/{task.pk}/claim/").json()
    return api, desk


def approve(api: Api, desk: dict[str, Any], **more: Any) -> Any:
    body = {"lease_token": desk["lease_token"], "digest": desk["digest"], "outcome": "approve", **more}
    return api.post(f"/tasks/{desk['id']}/decide/", body)


@pytest.mark.django_db
def test_a_reason_that_was_asked_is_demanded_by_the_verb_not_only_in_the_browser() -> None:
    api, desk = claimed(a_task({"reason_rate": 1.0}))
    assert desk["reason_asked"] is True
    refused = approve(api, desk, reason="  ")
    assert refused.status_code == 422
    assert list(refused.json()["errors"]) == ["reason"]
    assert not Decision.objects.exists()
    assert approve(api, desk, reason="charged twice, both on the statement").status_code == 200


@pytest.mark.django_db
def test_who_changes_or_rejects_is_not_asked_why_they_approve() -> None:
    api, desk = claimed(a_task({"reason_rate": 1.0}))
    assert approve(api, desk, outcome="amend", output={"label": "other"}).status_code == 200


@pytest.mark.django_db
def test_no_change_sent_as_an_amendment_does_not_get_round_the_question() -> None:
    api, desk = claimed(a_task({"reason_rate": 1.0}))
    same = approve(api, desk, outcome="amend", output={"label": "refund", "amount": 10})
    assert (same.status_code, list(same.json()["errors"])) == (422, ["reason"])


@pytest.mark.django_db
def test_a_blind_reader_is_not_asked() -> None:
    user = make_user("reviewer", is_staff=True)
    task = a_task({"reason_rate": 1.0, "reading_floor_seconds": 60}, claimed_by=user, impact=("money",))
    ReviewTask.objects.update(blind=True)
    html = signed_in(user).get(page_of(task)).content.decode()
    assert "data-why-asked" not in html
    assert "data-read-first" not in html


@pytest.mark.django_db
def test_a_reload_asks_the_same_and_a_share_is_asked() -> None:
    task = a_task({"reason_rate": 0.25})
    draws = []
    for token in range(2_000):
        task.lease_token = token
        assert coin.asks_reason(task) is coin.asks_reason(task)
        draws.append(coin.asks_reason(task))
    assert 0.2 < sum(draws) / len(draws) < 0.3
    task.policy.reason_rate = 0.0
    assert not coin.asks_reason(task)


@pytest.mark.django_db
def test_the_page_asks_before_it_refuses_and_keeps_what_was_typed() -> None:
    user = make_user("reviewer", is_staff=True)
    task = a_task({"reason_rate": 1.0}, claimed_by=user)
    assert "data-why-asked" in signed_in(user).get(page_of(task)).content.decode()


# The reading floor.


@pytest.mark.parametrize("impact", ["customer", "money", "regulator", "internal"])
@pytest.mark.django_db
def test_what_reaches_beyond_the_house_is_risky(impact: str) -> None:
    task = a_task({"reading_floor_seconds": 20}, impact=(impact,))
    assert risk.reading_floor(task, None) == (0 if impact == "internal" else 20)


@pytest.mark.django_db
def test_what_came_as_doubtful_or_would_need_a_second_person_is_risky_too() -> None:
    rule = [{"field": "output.amount", "op": "gt", "value": 5}]
    task = a_task({"reading_floor_seconds": 20, "second_approval": rule})
    assert risk.reading_floor(task, None) == 0
    assert risk.reading_floor(task, task.case.predictions.get()) == 20
    task.reason = "high_risk"
    assert risk.reading_floor(task, None) == 20


@pytest.mark.django_db
def test_nothing_suggests_to_approve_before_the_floor_has_passed() -> None:
    user = make_user("reviewer", is_staff=True)
    task = a_task({"reading_floor_seconds": 300}, claimed_by=user, impact=("money",))
    client = signed_in(user)
    assert "data-reading" in client.get(page_of(task)).content.decode()
    ReviewTask.objects.update(claimed_at=timezone.now() - timedelta(minutes=6))
    assert "data-reading" not in client.get(page_of(task)).content.decode()


@pytest.mark.django_db
def test_an_approval_before_the_floor_is_taken_and_marked() -> None:
    api, desk = claimed(a_task({"reading_floor_seconds": 300}, impact=("money",)))
    assert desk["reading_floor_seconds"] == 300
    assert approve(api, desk).status_code == 200
    event = AuditEvent.objects.get(action="decision.made")
    assert 290 < event.data["before_reading_floor"] <= 300


@pytest.mark.django_db
def test_an_approval_after_the_floor_carries_no_mark() -> None:
    api, desk = claimed(a_task({"reading_floor_seconds": 300}, impact=("money",)))
    ReviewTask.objects.update(claimed_at=timezone.now() - timedelta(minutes=6))
    assert approve(api, desk).status_code == 200
    assert "before_reading_floor" not in AuditEvent.objects.get(action="decision.made").data


# A lease that ended.


@pytest.mark.django_db
def test_a_decision_that_arrives_after_the_lease_expired_changes_nothing() -> None:
    api, desk = claimed(a_task())
    ReviewTask.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    late = approve(api, desk)
    assert (late.status_code, late.json()["type"]) == (409, "lease-lost")
    assert Case.objects.get().state == State.IN_REVIEW
    assert not Decision.objects.exists()
