"""Differences between two times, against published and hand-made figures."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics import differences, estimates
from metrics.differences import Kind
from metrics.histograms import Histogram


@pytest.mark.parametrize(
    ("one", "other", "low", "high"),
    [  # Newcombe (1998), table II, method 10
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((10, 10), (0, 20), 0.6791, 1.0),
    ],
)
def test_two_shares_differ_as_newcombe_published(
    one: tuple[int, int], other: tuple[int, int], low: float, high: float
) -> None:
    change = differences.of_shares(estimates.share(*one), estimates.share(*other))
    assert change
    assert change.interval
    assert (round(change.interval.low, 4), round(change.interval.high, 4)) == (low, high)
    assert change.value == pytest.approx(one[0] / one[1] - other[0] / other[1])
    assert change.certain


def test_two_rates_have_a_ratio_with_its_exact_interval() -> None:
    # 8 in 2 hours against 2 in 1 hour: 4 / 2 = 2. Clopper–Pearson for 8 of 10 is 0.4439 to 0.9748, as odds 0.7983 to
    # 38.69, times the hours 1 / 2: 0.399 to 19.3.
    change = differences.of_rates(estimates.rate(8, 2), estimates.rate(2, 1))
    assert change
    assert change.interval
    assert (change.kind, change.value) == (Kind.RATIO, 2)
    assert (round(change.interval.low, 3), round(change.interval.high, 1)) == (0.399, 19.3)
    assert not change.certain


def test_nothing_is_said_where_one_time_has_no_figure() -> None:
    none, some = estimates.share(0, 0), estimates.share(1, 2)
    assert differences.of_shares(none, some) is None
    assert differences.of_shares(some, none) is None
    assert differences.of_rates(estimates.rate(0, 1), estimates.rate(2, 1)) is None


def test_medians_differ_by_the_intervals_of_each() -> None:
    slow, fast = (estimates.quantile(Histogram.of([seconds] * 50), 0.5) for seconds in (60, 20))
    change = differences.of_figures(slow, fast)
    assert change
    assert change.certain
    assert change.value == pytest.approx(40, rel=0.05)


counts = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, counts)
def test_turning_two_shares_round_turns_their_difference_round(one: tuple[int, int], other: tuple[int, int]) -> None:
    there = differences.of_shares(estimates.share(*one), estimates.share(*other))
    back = differences.of_shares(estimates.share(*other), estimates.share(*one))
    assert there and back and there.interval and back.interval  # noqa: PT018
    assert there.value == pytest.approx(-back.value, abs=1e-12)
    assert there.interval.low == pytest.approx(-back.interval.high, abs=1e-12)
    assert there.interval.low <= there.value <= there.interval.high
