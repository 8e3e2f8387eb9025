"""Leases of the pipeline: who works on what, for how long, and how often it was tried."""

from __future__ import annotations

import threading

import pytest
import time_machine
from django.db import connection
from django.db.models.functions import Now

from cases.clock import from_now
from cases.leases import BACK_OFF_SECONDS, give_back, lease_batch, put_back
from cases.models import Case
from cases.models.choices import Priority, State
from tests.factories import make_case, make_case_type

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def standing() -> set[int]:
    return set(Case.objects.standing_in(State.RECEIVED).values_list("pk", flat=True))


def test_the_attempt_counts_when_the_lease_is_taken() -> None:
    case = make_case()
    leased = lease_batch(State.RECEIVED, size=10)
    assert [(row.pk, row.attempts, row.lease_token) for row in leased.cases] == [(case.pk, 1, leased.token)]
    assert standing() == set()


def test_urgent_cases_are_taken_first_and_a_full_batch_says_so() -> None:
    case_type = make_case_type()
    low, urgent, normal = (
        make_case(case_type, priority=priority) for priority in (Priority.LOW, Priority.URGENT, Priority.NORMAL)
    )
    first = lease_batch(State.RECEIVED, size=2)
    assert [case.pk for case in first.cases] == [urgent.pk, normal.pk]
    assert first.full
    second = lease_batch(State.RECEIVED, size=2)
    assert ([case.pk for case in second.cases], second.full) == ([low.pk], False)


def test_a_case_that_outlived_a_lease_is_taken_alone() -> None:
    case_type = make_case_type()
    killer, *others = [make_case(case_type) for _ in range(4)]
    Case.objects.filter(pk=killer.pk).update(lease_token="f" * 32, attempts=1)
    alone = lease_batch(State.RECEIVED, size=10)
    assert ([case.pk for case in alone.cases], alone.full) == ([killer.pk], True)
    rest = lease_batch(State.RECEIVED, size=10)
    assert [case.pk for case in rest.cases] == [case.pk for case in others]


def test_cases_put_back_wait_twice_as_long_every_time() -> None:
    case = make_case()
    waits = []
    for _ in range(3):
        Case.objects.filter(pk=case.pk).update(lease_until=Now())
        leased = lease_batch(State.RECEIVED, size=10)
        put_back(leased.cases, token=leased.token)
        waits += [
            seconds
            for seconds in (BACK_OFF_SECONDS, 2 * BACK_OFF_SECONDS, 4 * BACK_OFF_SECONDS)
            if Case.objects.filter(
                pk=case.pk, lease_until__gt=from_now(seconds=seconds - 2), lease_until__lte=from_now(seconds=seconds)
            ).exists()
        ]
    assert waits == [5, 10, 20]


def test_a_case_given_back_stands_at_once_and_its_attempt_does_not_count() -> None:
    case = make_case()
    leased = lease_batch(State.RECEIVED, size=1)
    give_back(leased.cases, token=leased.token)
    case.refresh_from_db()
    assert (case.attempts, case.lease_token) == (0, "")
    assert standing() == {case.pk}


def test_who_lost_the_lease_cannot_give_the_case_back() -> None:
    case = make_case()
    late = lease_batch(State.RECEIVED, size=1)
    Case.objects.filter(pk=case.pk).update(lease_until=Now())
    owner = lease_batch(State.RECEIVED, size=1)
    put_back(late.cases, token=late.token)
    give_back(late.cases, token=late.token)
    case.refresh_from_db()
    assert (case.lease_token, case.attempts) == (owner.token, 2)
    assert standing() == set()


def test_a_host_whose_clock_is_wrong_steals_nothing_and_waits_for_nothing() -> None:
    make_case()
    with time_machine.travel("2020-01-01"):
        assert len(lease_batch(State.RECEIVED, size=1).cases) == 1
    with time_machine.travel("2099-01-01"):
        assert lease_batch(State.RECEIVED, size=1).cases == []


@pytest.mark.django_db(transaction=True)
def test_workers_at_the_same_time_never_share_a_case() -> None:
    case_type = make_case_type()
    for _ in range(60):
        make_case(case_type)
    taken: list[int] = []
    start = threading.Barrier(6)

    def work() -> None:
        start.wait()
        while cases := lease_batch(State.RECEIVED, size=7).cases:
            taken.extend(case.pk for case in cases)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    missed = list(Case.objects.standing_in(State.RECEIVED))  # skipped while another looked; the next bell takes them
    assert len(taken) == len(set(taken)) == 60 - len(missed)
