"""Many cases put up at once for one reason do not all fall due at the same moment."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.models import Case, CaseType
from cases.models.choices import Priority, State
from review.calendars import is_open
from review.models import Calendar, Notice, Policy, Profile
from review.reopen import reopen_case
from review.tasks import LONGEST_STAGGER, due_at, staggered
from tests.factories import make_case, make_case_type, make_decision, make_queue, make_user

SINCE = datetime(2026, 11, 20, 16, 0, tzinfo=UTC)
OFFICE = Calendar(
    time_zone="Europe/Madrid", hours={"fri": [["09:00", "18:00"]], "mon": [["09:00", "18:00"]]}, holidays=[]
)


def case_of(priority: int) -> Case:
    return Case(case_type=CaseType(manual_minutes=5), priority=priority)


@given(rank=st.integers(0, 5000), priority=st.sampled_from([Priority.HIGH, Priority.NORMAL, Priority.LOW]))
def test_none_is_due_before_its_time_nor_put_off_by_more_than_a_few_times_it(rank: int, priority: int) -> None:
    policy, case = Policy(), case_of(priority)
    usual = due_at(policy, priority=priority, since=SINCE)
    due = staggered(policy, case, since=SINCE, rank=rank)
    assert usual <= due <= usual + LONGEST_STAGGER * (usual - SINCE)


def test_each_is_due_as_much_later_as_one_takes() -> None:
    policy, case = Policy(), case_of(Priority.NORMAL)
    dues = [staggered(policy, case, since=SINCE, rank=rank) for rank in range(50)]
    assert {later - earlier for earlier, later in itertools.pairwise(dues)} == {timedelta(minutes=5)}


@given(rank=st.integers(0, 5000))
def test_an_urgent_case_is_never_put_off(rank: int) -> None:
    policy, case = Policy(), case_of(Priority.URGENT)
    assert staggered(policy, case, since=SINCE, rank=rank) == due_at(policy, priority=Priority.URGENT, since=SINCE)


@given(rank=st.integers(0, 500))
def test_they_are_spread_over_business_time(rank: int) -> None:
    policy = Policy(calendar=OFFICE)
    assert is_open(OFFICE.opening, staggered(policy, case_of(Priority.NORMAL), since=SINCE, rank=rank))


@pytest.mark.django_db
@pytest.mark.postgres_too
def test_cases_reopened_one_after_another_fall_due_one_after_another() -> None:
    make_queue("supervisors", kind="supervisor", groups=("supervisor",))
    boss, case_type = make_user("supervisor"), make_case_type(manual_minutes=5)
    dues = []
    for _ in range(4):
        case = make_case(case_type, state=State.CLOSED)
        make_decision(case, by=boss)
        dues.append(reopen_case(case.pk, by=boss, note="the list was wrong", origin="test").due_at)
    gaps = [round((later - earlier).total_seconds() / 60) for earlier, later in itertools.pairwise(dues)]
    assert gaps == [5, 5, 5]


@pytest.mark.django_db
def test_those_on_duty_are_told_of_an_urgent_case_that_is_reopened() -> None:
    make_queue("supervisors", kind="supervisor", groups=("supervisor",))
    boss = make_user("supervisor")
    Profile.objects.create(user=boss, on_duty=True)
    case = make_case(make_case_type(), state=State.CLOSED, priority=Priority.URGENT)
    make_decision(case, by=boss)
    task = reopen_case(case.pk, by=boss, note="the list was wrong", origin="test")
    assert list(Notice.objects.values_list("user", "task", "kind")) == [(boss.pk, task.pk, "urgent")]
