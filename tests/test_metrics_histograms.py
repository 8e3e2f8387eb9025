"""Histograms: the laws of adding them, and how far a quantile read from one may be off."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metrics.histograms import GROWTH, LAST, Histogram, bucket_of, edges, middle, packed, unpacked
from metrics.intervals import quantile_interval

durations = st.floats(0, 1e8, allow_nan=False)
lists = st.lists(durations, max_size=200)


@given(durations)
def test_a_duration_lies_within_the_edges_of_its_bucket(seconds: float) -> None:
    low, high = edges(bucket_of(seconds))
    assert low * (1 - 1e-9) <= seconds <= high * (1 + 1e-9)


@given(st.integers(1, LAST))
def test_no_bucket_is_wider_than_five_per_cent(bucket: int) -> None:
    low, high = edges(bucket)
    assert high / low <= GROWTH + 1e-9 <= 1.05 + 1e-8
    assert low < middle(bucket) < high


@given(lists, lists)
def test_the_order_of_adding_does_not_matter(one: list[float], other: list[float]) -> None:
    assert Histogram.of(one) + Histogram.of(other) == Histogram.of(other) + Histogram.of(one)


@given(lists, lists, lists)
def test_the_grouping_of_adding_does_not_matter(a: list[float], b: list[float], c: list[float]) -> None:
    x, y, z = Histogram.of(a), Histogram.of(b), Histogram.of(c)
    assert (x + y) + z == x + (y + z) == Histogram.of(a + b + c)


@given(lists)
def test_adding_nothing_changes_nothing_and_packing_keeps_everything(values: list[float]) -> None:
    histogram = Histogram.of(values)
    assert histogram + Histogram() == histogram
    assert Histogram(packed(unpacked(histogram.stored))) == histogram
    assert len(histogram) == len(values)


@given(st.lists(st.floats(0.011, 1e8), min_size=1, max_size=300), st.sampled_from([0.1, 0.5, 0.9, 0.99]))
def test_a_quantile_is_within_two_and_a_half_per_cent_of_the_true_one(values: list[float], quantile: float) -> None:
    true = sorted(values)[max(1, math.ceil(quantile * len(values))) - 1]
    assert Histogram.of(values).quantile(quantile) == pytest.approx(true, rel=0.025)


@given(st.lists(durations, max_size=300), st.sampled_from([0.5, 0.9]))
def test_the_interval_encloses_the_one_of_the_single_values(values: list[float], quantile: float) -> None:
    exact, ours = quantile_interval(sorted(values), quantile), Histogram.of(values).interval(quantile)
    if exact is None:
        assert ours is None
    else:
        assert ours is not None
        assert ours.low <= exact.low * (1 + 1e-9)
        assert exact.high <= ours.high * (1 + 1e-9)
        assert ours.high <= max(exact.high * 1.05 * (1 + 1e-9), 0.01)


@given(lists)
def test_a_higher_quantile_is_never_smaller(values: list[float]) -> None:
    histogram = Histogram.of(values)
    if values:
        found = [histogram.quantile(q / 10) or 0.0 for q in range(1, 10)]
        assert found == sorted(found)


def test_an_empty_histogram_has_no_quantile() -> None:
    assert Histogram().quantile(0.5) is None
    assert Histogram().interval(0.5) is None


@pytest.mark.parametrize(("seconds", "bucket"), [(-5, 0), (0, 0), (0.009, 0), (0.0101, 1), (1e30, LAST)])
def test_odd_durations_fall_in_the_outer_buckets(seconds: float, bucket: int) -> None:
    assert bucket_of(seconds) == bucket
