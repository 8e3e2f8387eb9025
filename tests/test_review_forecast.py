"""When a queue will be late, if it goes on as it went."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from review.forecast import ENOUGH, HORIZON, Forecast, Pace, foresee, marks

NOW = datetime(2026, 3, 2, 13, 20, tzinfo=UTC)
QUICK = timedelta(minutes=15)


def pace(*, finished: int = 40, arrived: int = 0, promised: timedelta = QUICK) -> Pace:
    return Pace(hours=4, arrived=arrived, finished=finished, promised=promised)


def at(*counts: int) -> list[tuple[datetime, int]]:
    return list(zip(marks(NOW), counts, strict=False))


def test_it_looks_at_the_full_hours_to_come() -> None:
    assert marks(NOW)[0] == datetime(2026, 3, 2, 14, tzinfo=UTC)
    assert len(marks(NOW)) == HORIZON


def test_work_that_keeps_up_is_late_nowhere() -> None:
    assert foresee(at(5, 10, 20), pace(), now=NOW) == Forecast(late=0)


def test_it_says_how_many_will_be_late_by_when_and_from_when_on() -> None:
    """Ten an hour: of 38 due by 16:00 only 27 can be done by then."""
    found = foresee(at(5, 20, 38, 40), pace(), now=NOW)
    assert found == Forecast(late=11, by=marks(NOW)[2], first=marks(NOW)[1])


def test_arrivals_count_once_they_fall_due_within_the_time() -> None:
    slow, quick = timedelta(hours=9), timedelta(0)
    assert foresee(at(0, 0, 0), pace(arrived=80, promised=slow), now=NOW) == Forecast(late=0)
    found = foresee(at(0, 0, 0), pace(arrived=80, promised=quick), now=NOW)
    assert found
    assert found.late == 27  # twenty an hour come, ten go, for two hours and forty minutes


def test_a_few_finished_tasks_are_no_pace() -> None:
    assert foresee(at(100), pace(finished=ENOUGH - 1), now=NOW) is None


counts = st.lists(st.integers(0, 500), min_size=HORIZON, max_size=HORIZON).map(sorted)
paces = st.builds(
    Pace,
    hours=st.just(4.0),
    arrived=st.integers(0, 500),
    finished=st.integers(ENOUGH, 500),
    promised=st.integers(0, 2880).map(lambda minutes: timedelta(minutes=minutes)),
)


@given(counts, paces, st.integers(1, 100))
def test_more_hands_never_make_it_later(due: list[int], usual: Pace, more: int) -> None:
    better = Pace(usual.hours, usual.arrived, usual.finished + more, usual.promised)
    now, then = foresee(at(*due), usual, now=NOW), foresee(at(*due), better, now=NOW)
    assert now
    assert then
    assert 0 <= then.late <= now.late


@given(counts, paces)
def test_something_late_always_has_its_moment(due: list[int], usual: Pace) -> None:
    found = foresee(at(*due), usual, now=NOW)
    assert found
    assert (found.late > 0) == (found.by is not None) == (found.first is not None)
    if found.by and found.first:
        assert found.first <= found.by
