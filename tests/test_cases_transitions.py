"""One writer of a case's state: every pair of states, races, and what moves with a case."""

from __future__ import annotations

import itertools
import threading

import pytest
from django.db import connection
from django.db.models.functions import Now
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from cases import bells
from cases.audit import journal
from cases.models import AuditEvent, Case, CaseType
from cases.models.choices import State
from cases.transitions import MOVES, IllegalMove, move
from tests.factories import make_case, make_case_type

# The table of the design, written out once more by hand: the code must not be its own judge.
LEGAL = {
    ("received", "classified"),
    ("received", "cancelled"),
    ("classified", "in_review"),
    ("classified", "decided"),
    ("classified", "cancelled"),
    ("in_review", "decided"),
    ("in_review", "cancelled"),
    ("decided", "closed"),
    ("decided", "in_review"),
    ("closed", "in_review"),
}
PAIRS = list(itertools.product(State, State))
pytestmark = pytest.mark.django_db


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The steps whose bell was asked for."""
    found: list[str] = []
    monkeypatch.setattr(bells, "ring", lambda step: found.append(str(step.value)))
    return found


def moved(case: Case, source: State, target: State, **columns: object) -> list[int]:
    with journal(actor="test", origin="test") as log:
        return move({case.pk: columns}, source=source, target=target, log=log)


def test_the_table_is_the_one_of_the_design() -> None:
    assert {(source.value, target.value) for source in MOVES for target in MOVES[source]} == LEGAL
    assert set(MOVES) == set(State)


@pytest.mark.postgres_too
@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_every_pair_of_states_moves_and_is_audited_or_is_refused(source: State, target: State, rung: list[str]) -> None:
    case = make_case(state=source)
    if (source.value, target.value) not in LEGAL:
        with pytest.raises(IllegalMove):
            moved(case, source, target)
        case.refresh_from_db()
        assert case.state == source
        assert not AuditEvent.objects.filter(case_id=case.pk).exists()
        assert rung == []
        return
    assert moved(case, source, target) == [case.pk]
    case.refresh_from_db()
    assert case.state == target
    assert AuditEvent.objects.filter(case_id=case.pk).values_list("action", flat=True).get() == f"case.{target.value}"
    assert rung == [target.value]


@pytest.mark.parametrize("standing", [state for state in State if state is not State.RECEIVED])
def test_a_case_that_is_no_longer_there_is_left_alone_and_not_returned(standing: State) -> None:
    case = make_case(state=standing)
    assert moved(case, State.RECEIVED, State.CLASSIFIED, label="refund") == []
    case.refresh_from_db()
    assert (case.state, case.label) == (standing, "")
    assert not AuditEvent.objects.filter(case_id=case.pk).exists()


def test_of_many_only_those_still_standing_there_move() -> None:
    case_type = make_case_type()
    here, gone, other = (make_case(case_type, state=s) for s in (State.DECIDED, State.CLOSED, State.DECIDED))
    with journal(actor="test", origin="test") as log:
        won = move(
            {here.pk: {"label": "a"}, gone.pk: {"label": "b"}}, source=State.DECIDED, target=State.CLOSED, log=log
        )
    assert won == [here.pk]
    labels = dict(Case.objects.filter(case_type=case_type).values_list("pk", "label"))
    assert labels == {here.pk: "a", gone.pk: "", other.pk: ""}


def test_nothing_to_move_asks_the_database_nothing(django_assert_num_queries: object) -> None:
    with journal(actor="test", origin="test") as log, django_assert_num_queries(0):  # type: ignore[operator]
        assert move({}, source=State.RECEIVED, target=State.CLASSIFIED, log=log) == []


@pytest.mark.postgres_too
def test_a_token_that_is_no_longer_the_case_s_moves_nothing() -> None:
    case = make_case(lease_token="b" * 32)
    with journal(actor="test", origin="test") as log:
        stale = {"source": State.RECEIVED, "target": State.CLASSIFIED, "log": log}
        assert move({case.pk: {}}, token="a" * 32, **stale) == []  # type: ignore[arg-type]
        assert move({case.pk: {}}, token="b" * 32, **stale) == [case.pk]  # type: ignore[arg-type]
    case.refresh_from_db()
    assert (case.lease_token, case.attempts) == ("", 0)


@pytest.mark.postgres_too
def test_moments_are_stamped_and_a_case_that_comes_back_counts_a_new_version() -> None:
    case = make_case(state=State.CLASSIFIED)
    moved(case, State.CLASSIFIED, State.IN_REVIEW, confidence=None, due_at=None, sampled=True, sample_probability=0.1)
    case.refresh_from_db()
    assert case.routed_at is not None
    assert (case.version, case.sampled, case.sample_probability, case.confidence) == (1, True, 0.1, None)
    moved(case, State.IN_REVIEW, State.DECIDED, label="x", lease_until=None)
    case.refresh_from_db()
    assert case.decided_at is not None
    assert case.lease_until is None
    Case.objects.filter(pk=case.pk).update(lease_until=Now())
    moved(case, State.DECIDED, State.CLOSED)
    case.refresh_from_db()
    assert case.closed_at is not None
    moved(case, State.CLOSED, State.IN_REVIEW, reason="reopened")
    case.refresh_from_db()
    assert case.version == 2
    assert [case.decided_at, case.closed_at] == [None, None]


@pytest.mark.postgres_too
@pytest.mark.django_db(transaction=True)
def test_of_ten_who_race_for_one_case_one_wins_and_the_losers_write_nothing() -> None:
    case = make_case(state=State.IN_REVIEW)
    wins: list[str] = []
    start = threading.Barrier(10)

    def decides(label: str) -> None:
        start.wait()
        with journal(actor=label, origin="test") as log:
            wins.extend(
                label for _ in move({case.pk: {"label": label}}, source=State.IN_REVIEW, target=State.DECIDED, log=log)
            )
        connection.close()

    threads = [threading.Thread(target=decides, args=(f"racer-{n}",)) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert len(wins) == 1
    case.refresh_from_db()
    assert case.label == wins[0]
    told = AuditEvent.objects.filter(case_id=case.pk, actor__startswith="racer-")  # the log outlives other tests' cases
    assert [event.actor for event in told] == wins


steps = st.lists(st.tuples(st.sampled_from(State), st.sampled_from(State)), max_size=12)


@hypothesis_settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=steps)
def test_whatever_is_asked_a_case_walks_only_along_the_table_and_the_audit_tells_its_way(
    db: None, wanted: list[tuple[State, State]]
) -> None:
    case_type = CaseType.objects.first() or make_case_type()
    case, state, way = make_case(case_type), State.RECEIVED, []
    versions = 1
    for source, target in wanted:
        if (source.value, target.value) not in LEGAL:
            with pytest.raises(IllegalMove):
                moved(case, source, target)
            continue
        won = moved(case, source, target)
        assert bool(won) == (source is state)
        if won:
            versions += source in (State.DECIDED, State.CLOSED) and target is State.IN_REVIEW
            state = target
            way.append(f"case.{target.value}")
    case.refresh_from_db()
    assert (case.state, case.version) == (state, versions)
    assert list(AuditEvent.objects.filter(case_id=case.pk).order_by("id").values_list("action", flat=True)) == way
