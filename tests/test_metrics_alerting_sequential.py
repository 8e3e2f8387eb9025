"""The sequential test: exact on paper, an e-value in every case, and as rare in its false alarms as it says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from benchmarks import alerts as simulation
from metrics.alerting.drift import drift
from metrics.alerting.sequential import ODDS, Step, Tally, against_past, against_promise, evidence

FALLING = tuple(1 / ratio for ratio in ODDS)


def test_one_step_equals_the_calculation_on_paper() -> None:
    """1 of 2 now, 1 of 2 before. Of 2 hits in 4, now has 0, 1 or 2 with chances 1/6, 4/6, 1/6; E[2^X] = (1 + 8 + 4) / 6."""
    (found,) = against_past(Step(Tally(1, 2), Tally(1, 2)), (2.0,))
    assert found == pytest.approx(math.log(2 / (13 / 6)))


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 40), m=st.integers(1, 60), data=st.data())
def test_it_is_an_e_value_whatever_the_counts_are(n: int, m: int, data: st.DataObject) -> None:
    """Given the sum of both, the expectation under no change is exactly 1, for every odds ratio, up and down."""
    hits = data.draw(st.integers(1, n + m - 1))
    law = stats.hypergeom(n + m, hits, n)
    support = range(max(0, hits - m), min(n, hits) + 1)
    for odds in (ODDS, FALLING):
        values = np.array([against_past(Step(Tally(x, n), Tally(hits - x, m)), odds) for x in support])
        expected = (np.exp(values) * law.pmf(list(support))[:, None]).sum(axis=0)
        assert expected == pytest.approx(np.ones(len(odds)), abs=1e-9)


@settings(max_examples=60, deadline=None)
@given(n=st.integers(1, 200), promise=st.floats(0.001, 0.5), kept=st.floats(0.0, 1.0))
def test_against_a_promise_its_expectation_is_at_most_one_while_it_is_kept(n: int, promise: float, kept: float) -> None:
    share = promise * kept
    counts = np.arange(n + 1)
    values = np.exp([against_promise(Tally(int(x), n), promise) for x in counts])
    assert (values * stats.binom(n, share).pmf(counts)[:, None]).sum(axis=0).max() <= 1 + 1e-9


def test_large_hours_are_cut_where_nothing_is_left_to_count() -> None:
    """A window around the means instead of fifty thousand terms changes nothing that could be told."""
    n, m, x, usual = 50_000, 350_000, 7_700, 52_000
    (found,) = against_past(Step(Tally(x, n), Tally(usual, m)), (1.5,))
    counts = np.arange(0, n + 1)
    law = stats.hypergeom(n + m, x + usual, n).logpmf(counts)
    whole = float(np.logaddexp.reduce(law + counts * math.log(1.5)))
    assert found == pytest.approx(x * math.log(1.5) - whole, abs=1e-3)


def test_nothing_to_compare_is_no_evidence() -> None:
    assert against_past(Step(Tally(), Tally(3, 10))) == (0.0,) * len(ODDS)
    assert against_past(Step(Tally(5, 5), Tally())) == (0.0,) * len(ODDS)
    assert evidence([]) == -math.inf


def test_evidence_grows_with_every_step_that_speaks_for_a_change_and_fades_with_those_against() -> None:
    worse, even = Step(Tally(30, 100), Tally(105, 700)), Step(Tally(15, 100), Tally(105, 700))
    rising = [evidence([against_past(worse)] * n) for n in (1, 2, 3)]
    assert rising == sorted(rising)
    assert evidence([against_past(worse)] * 2 + [against_past(even)] * 10) < rising[1]


def test_adding_the_evidence_of_the_same_hour_again_changes_nothing() -> None:
    """It is computed from the sums each time, never added up: whoever looks twice sees the same."""
    steps = [against_past(Step(Tally(22, 100), Tally(105, 700)))] * 5
    assert evidence(steps) == evidence(list(steps))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("rate", [100, 500])
def test_unchanged_months_stay_quiet_and_a_doubled_rate_is_seen_within_four_hours(rate: int) -> None:
    """The fast version of `benchmarks/alerts.py`: fewer months and looks, the same seeds."""
    alarms = simulation.false_alarms(rate, range(25))
    assert (alarms <= 1).mean() >= 0.8
    delays = simulation.delays(rate, range(40), looks=2)
    assert (delays <= 4).mean() >= 0.95


def test_the_simulation_computes_what_the_product_computes() -> None:
    rng = np.random.default_rng(3)
    n, m = rng.integers(1, 80, 30), rng.integers(100, 600, 30)
    x, y = rng.binomial(n, 0.3), rng.binomial(m, 0.15)
    counts = zip(x.tolist(), n.tolist(), y.tolist(), m.tolist(), strict=True)
    steps = [Step(Tally(a, b), Tally(c, d)) for a, b, c, d in counts]
    expected = np.array([against_past(step) for step in steps])
    assert simulation.logs_of(x, n, y, m) == pytest.approx(expected)
    assert simulation.evidence_of(expected[:, None, :]) == pytest.approx(evidence(list(expected)))


def test_the_bare_relative_rule_fires_all_the_time_and_the_exact_test_beside_it_hardly_ever() -> None:
    bare, tested = zip(*(simulation.plain_alarms(100, seed=seed) for seed in range(12)), strict=True)
    assert 140 <= np.mean(bare) <= 200
    assert np.mean(tested) <= 2.5


@pytest.mark.parametrize("size", [100, 1_000, 10_000])
def test_drift_is_found_as_rarely_by_chance_as_configured_at_every_size(size: int) -> None:
    rng = np.random.default_rng(size)
    shares = rng.dirichlet(np.full(20, 2.0))
    usual = 7 * size
    found = [
        drift(list(rng.multinomial(size, shares)), list(rng.multinomial(usual, shares)), chance=0.05).found
        for _ in range(600)
    ]
    assert np.mean(found) <= 0.085


def test_drift_sees_at_a_thousand_cases_what_the_folklore_limit_lets_pass() -> None:
    usual = [100] * 10
    now = [130, 125, 110, 105, 100, 100, 95, 90, 75, 70]
    found = drift(now, [each * 7 for each in usual], chance=0.001)
    assert found.index < 0.1
    assert found.found


def test_a_single_bin_cannot_drift() -> None:
    assert not drift([50], [400], chance=0.01).found
    assert not drift([0, 0], [5, 5], chance=0.01).found
