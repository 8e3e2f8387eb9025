"""Intervals: values computed on paper or taken from the papers, and the laws every one of them must keep."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from metrics.intervals import (
    Interval,
    Stratum,
    clopper_pearson,
    quantile_interval,
    quantile_ranks,
    rate,
    weighted_share,
    wilson,
)

shares = st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def test_clopper_pearson_of_no_error_in_fifty_is_the_closed_form() -> None:
    # With 0 of n the upper end solves (1 - p)^n = 0.025, so p = 1 - 0.025^(1/50) = 0.0711.
    interval = clopper_pearson(0, 50)
    assert interval.low == 0
    assert interval.high == pytest.approx(1 - 0.025 ** (1 / 50), abs=1e-12)
    assert interval.high == pytest.approx(0.0711, abs=5e-5)


def test_clopper_pearson_of_four_in_ten_matches_the_tables() -> None:
    # Standard tables: 4 of 10 at 95 % give 12.16 % to 73.76 %.
    interval = clopper_pearson(4, 10)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.1216, 0.7376)


def test_wilson_of_four_in_ten_is_the_score_formula() -> None:
    # z = 1.95996: (0.4 + 0.19207) / 1.38415 = 0.42775; half = 1.95996 * sqrt(0.024 + 0.009604) / 1.38415 = 0.25957.
    interval = wilson(4, 10)
    assert (round(interval.low, 4), round(interval.high, 4)) == (0.1682, 0.6873)


def test_garwood_of_no_event_in_ten_hours_is_minus_log_of_the_tail() -> None:
    # P(0 events) = exp(-10 r) = 0.025, so r = 3.6889 / 10.
    interval = rate(0, 10)
    assert interval.low == 0
    assert interval.high == pytest.approx(-math.log(0.025) / 10)


@given(shares)
def test_the_exact_interval_holds_the_share_and_every_tail_is_at_most_half_of_the_rest(share: tuple[int, int]) -> None:
    wrong, trials = share
    interval = clopper_pearson(wrong, trials)
    assert interval.low <= wrong / trials <= interval.high
    assert wrong == 0 or stats.binom.sf(wrong - 1, trials, interval.low) <= 0.025 + 1e-6
    assert wrong == trials or stats.binom.cdf(wrong, trials, interval.high) <= 0.025 + 1e-6


@given(shares)
def test_share_intervals_mirror_when_right_and_wrong_change_places(share: tuple[int, int]) -> None:
    wrong, trials = share
    for method in (clopper_pearson, wilson):
        one, other = method(wrong, trials), method(trials - wrong, trials)
        assert one.low == pytest.approx(1 - other.high, abs=1e-8)


@given(shares)
def test_one_more_wrong_never_lowers_either_end(share: tuple[int, int]) -> None:
    wrong, trials = share
    if wrong < trials:
        for method in (clopper_pearson, wilson):
            one, more = method(wrong, trials), method(wrong + 1, trials)
            assert more.low >= one.low
            assert more.high >= one.high


@pytest.mark.parametrize("trials", [5, 20, 60])
@pytest.mark.parametrize("truth", [0.005, 0.05, 0.3, 0.5, 0.93])
def test_the_exact_interval_covers_at_least_its_confidence(trials: int, truth: float) -> None:
    covered = sum(stats.binom.pmf(k, trials, truth) for k in range(trials + 1) if truth in clopper_pearson(k, trials))
    assert covered >= 0.95


@pytest.mark.parametrize(("wrong", "trials"), [(1, 0), (-1, 5), (6, 5)])
def test_an_impossible_share_is_refused(wrong: int, trials: int) -> None:
    with pytest.raises(ValueError, match="a share needs"):
        clopper_pearson(wrong, trials)


def test_five_values_do_not_enclose_a_median_and_six_do() -> None:
    # P(median outside the range of n) = 2 / 2^n: 1/16 for five values, 1/32 for six.
    assert quantile_ranks(5, 0.5) is None
    assert quantile_ranks(6, 0.5) == (1, 6)


def test_the_median_of_ten_lies_between_the_second_and_the_ninth() -> None:
    # P(B <= 1) = 11/1024 = 0.0107 <= 0.025 < P(B <= 2) = 56/1024 = 0.0547, so ranks 2 and 9.
    assert quantile_interval([1, 2, 3, 4, 5, 6, 7, 8, 9, 10], 0.5) == Interval(2, 9)


@given(st.integers(1, 3000), st.sampled_from([0.5, 0.9, 0.25]))
def test_the_ranks_of_a_quantile_cover_at_least_their_confidence(count: int, quantile: float) -> None:
    ranks = quantile_ranks(count, quantile)
    if ranks:
        low, high = ranks
        assert stats.binom.cdf(high - 1, count, quantile) - stats.binom.cdf(low - 1, count, quantile) >= 0.95 - 1e-9
        assert low <= math.ceil(quantile * count) <= high


def test_a_uniform_sample_gets_the_exact_interval() -> None:
    share = weighted_share([Stratum(0.05, 2000, 100, 3)])
    assert share is not None
    assert share.value == 0.03
    assert share.interval == clopper_pearson(3, 100)


def test_a_sample_at_two_rates_counts_each_stratum_by_its_size() -> None:
    # 900 cases at 1/10 (90 read, 9 wrong) and 100 at 1/2 (50 read, 20 wrong): 0.9 * 0.1 + 0.1 * 0.4 = 0.13,
    # while the plain share of the readings would be 29 / 140 = 0.21.
    share = weighted_share([Stratum(0.1, 900, 90, 9), Stratum(0.5, 100, 50, 20)])
    assert share is not None
    assert share.value == pytest.approx(0.13)
    assert 0.13 in share.interval


def test_without_counted_sizes_the_weights_are_the_inverse_probabilities() -> None:
    # By Hájek the readings stand for 90 / 0.1 + 50 / 0.5 = 1000 cases, 9 / 0.1 + 20 / 0.5 = 130 of them wrong.
    share = weighted_share([Stratum(0.1, 0, 90, 9), Stratum(0.5, 0, 50, 20)])
    assert share is not None
    assert share.value == pytest.approx(0.13)


def test_a_stratum_nobody_has_read_widens_the_interval_by_its_size() -> None:
    known = weighted_share([Stratum(0.1, 900, 90, 9)])
    partly = weighted_share([Stratum(0.1, 900, 90, 9), Stratum(0.5, 100, 0, 0)])
    assert known is not None
    assert partly is not None
    assert partly.covered == 0.9
    assert partly.interval.high == pytest.approx(0.9 * known.interval.high + 0.1)
    assert partly.interval.low == pytest.approx(0.9 * known.interval.low)


def test_nothing_read_gives_no_share() -> None:
    assert weighted_share([Stratum(0.1, 900, 0, 0)]) is None
    assert weighted_share([]) is None


@pytest.mark.parametrize("first", [0.0, 0.01, 0.05, 0.2, 0.6])
@pytest.mark.parametrize("second", [0.0, 0.02, 0.1, 0.5])
@pytest.mark.parametrize("sizes", [(900, 100), (100, 900), (500, 500)])
def test_the_weighted_interval_covers_at_least_its_confidence(
    first: float, second: float, sizes: tuple[int, int]
) -> None:
    # Every outcome of 60 + 15 readings is visited, so this is the coverage itself and no simulation of it.
    truth = (sizes[0] * first + sizes[1] * second) / sum(sizes)
    covered = 0.0
    for wrong in range(61):
        for more in range(16):
            chance = stats.binom.pmf(wrong, 60, first) * stats.binom.pmf(more, 15, second)
            if chance > 1e-9:
                share = weighted_share([Stratum(0.1, sizes[0], 60, wrong), Stratum(0.2, sizes[1], 15, more)])
                assert share is not None
                covered += chance if truth in share.interval else 0.0
    assert covered >= 0.949
