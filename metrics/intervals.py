"""95 % intervals that keep their promise on small counts.

Shares get Clopper–Pearson (never less than its confidence, whatever the share) or Wilson (narrower, about its confidence
on average); the normal approximation is never used: at 0 errors in 50 it would claim certainty. Quantiles get order
statistics, which assume nothing about the shape of the times. Samples drawn with unequal probability get Fay and Feuer's
gamma interval over the strata of equal probability.

Sources: Clopper and Pearson, Biometrika 26 (1934) 404–413; Wilson, JASA 22 (1927) 209–212; Brown, Cai and DasGupta,
Statistical Science 16 (2001) 101–133 (why not the normal one); Garwood, Biometrika 28 (1936) 437–442 (rates);
David and Nagaraja, Order Statistics, 3rd ed. (2003) §7.1 (quantiles); Fay and Feuer, Statistics in Medicine 16 (1997)
791–801 (weighted sums); Särndal, Swensson and Wretman, Model Assisted Survey Sampling (1992) §7.6 (post-stratification).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

from scipy import special

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A closed interval in the unit of the measure; `low <= high`."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high

    def scaled(self, factor: float) -> Interval:
        """The same interval in another unit; `factor` is positive."""
        return Interval(self.low * factor, self.high * factor)


@dataclass(frozen=True, slots=True)
class Stratum:
    """Cases that had the same chance to be sampled: how many there are, were read, and were found wrong."""

    probability: float
    population: int
    checked: int
    wrong: int


@dataclass(frozen=True)
class WeightedShare:
    """A share estimated from a weighted sample; `covered` is the part of the population some reading stands for."""

    value: float
    bounds: Callable[[], Interval]
    covered: float

    @cached_property
    def interval(self) -> Interval:
        """Computed when it is first asked for."""
        return self.bounds()


def clopper_pearson(successes: int, trials: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Exact interval of a share. ValueError unless 0 <= successes <= trials and trials > 0."""
    _check_share(successes, trials)
    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else float(special.betaincinv(successes, trials - successes + 1, tail))
    high = 1.0 if successes == trials else float(special.betaincinv(successes + 1, trials - successes, 1 - tail))
    return Interval(low, high)


def wilson(successes: int, trials: int, *, confidence: float = CONFIDENCE) -> Interval:
    """Score interval of a share: narrower than the exact one, right on average over shares."""
    _check_share(successes, trials)
    z = float(special.ndtri(1 - (1 - confidence) / 2))
    share, slack = successes / trials, z * z / trials
    middle = (share + slack / 2) / (1 + slack)
    half = z * math.sqrt(share * (1 - share) / trials + slack / (4 * trials)) / (1 + slack)
    # At the ends the algebra gives exactly 0 and 1; rounding must not shave that off.
    low = 0.0 if successes == 0 else max(0.0, middle - half)
    return Interval(low, 1.0 if successes == trials else min(1.0, middle + half))


def rate(events: int, exposure: float, *, confidence: float = CONFIDENCE) -> Interval:
    """Garwood's exact interval of a Poisson rate: events per unit of `exposure` (hours, say; above 0)."""
    if events < 0 or not exposure > 0:
        raise ValueError(f"a rate needs events >= 0 and exposure > 0, not {events} and {exposure}")
    tail = (1 - confidence) / 2
    low = 0.0 if events == 0 else float(special.gammaincinv(events, tail))
    return Interval(low / exposure, float(special.gammaincinv(events + 1, 1 - tail)) / exposure)


@lru_cache(maxsize=10_000)  # the past does not change, so the same days are asked for again and again
def quantile_ranks(count: int, quantile: float, *, confidence: float = CONFIDENCE) -> tuple[int, int] | None:
    """Ranks (from 1) of the two order statistics that enclose the quantile of any distribution.

    None when `count` observations are too few to enclose it: six are the least for a median at 95 %.
    """
    if not 0 < quantile < 1:
        raise ValueError(f"a quantile lies strictly between 0 and 1, not at {quantile}")
    tail = (1 - confidence) / 2
    # X_(low) > true quantile means fewer than `low` of the observations fell at or below it.
    low = _largest_within(count, quantile, tail)
    high = count + 1 - _largest_within(count, 1 - quantile, tail)
    return (low, high) if low >= 1 and high <= count else None


def quantile_interval(ordered: Sequence[float], quantile: float, *, confidence: float = CONFIDENCE) -> Interval | None:
    """Order-statistics interval of a quantile of values sorted ascending; None when they are too few."""
    ranks = quantile_ranks(len(ordered), quantile, confidence=confidence)
    return Interval(ordered[ranks[0] - 1], ordered[ranks[1] - 1]) if ranks else None


def weighted_share(strata: Sequence[Stratum], *, confidence: float = CONFIDENCE) -> WeightedShare | None:
    """Share of wrong cases in a population sampled with known chances; None when nothing was read.

    Each stratum of equal probability counts by its known size (Horvitz–Thompson with the sizes calibrated, which is the
    Hájek ratio when sizes are only known through 1/probability), so readings still missing only cost precision. With one
    stratum the interval is Clopper–Pearson. With several it is Fay and Feuer's; a stratum without any reading may hold
    anything from no error to nothing but errors, and widens the interval by its whole size.
    """
    sampled = [stratum for stratum in strata if stratum.checked]
    if not sampled:
        return None
    for stratum in sampled:
        _check_share(stratum.wrong, stratum.checked)
    reached = sum(_size(stratum) for stratum in sampled)
    covered = reached / sum(_size(stratum) for stratum in strata)
    value = sum(_size(s) / reached * s.wrong / s.checked for s in sampled)
    return WeightedShare(value, partial(_bounds, sampled, value, reached, covered, confidence), covered)


def _bounds(sampled: Sequence[Stratum], value: float, reached: float, covered: float, confidence: float) -> Interval:
    inner = _stratified(sampled, reached, confidence)
    high = min(1.0, inner.high * covered + (1 - covered))
    return Interval(min(inner.low * covered, value), max(high, value))


def _stratified(sampled: Sequence[Stratum], reached: float, confidence: float) -> Interval:
    if len({stratum.probability for stratum in sampled}) == 1:
        wrong, checked = sum(s.wrong for s in sampled), sum(s.checked for s in sampled)
        return clopper_pearson(wrong, checked, confidence=confidence)
    weights = [_size(s) / reached / s.checked for s in sampled]
    return _gamma_interval([s.wrong for s in sampled], weights, confidence)


def _gamma_interval(counts: Sequence[int], weights: Sequence[float], confidence: float) -> Interval:
    """Fay and Feuer: the weighted sum is matched to a gamma law; one more event of the largest weight bounds it above.

    Made for Poisson counts; binomial ones scatter less, so it stays on the safe side.
    """
    tail = (1 - confidence) / 2
    total = sum(w * x for w, x in zip(weights, counts, strict=True))
    spread = sum(w * w * x for w, x in zip(weights, counts, strict=True))
    largest = max(weights)
    low = 0.0 if total == 0 else float(special.gammaincinv(total**2 / spread, tail)) * spread / total
    up, up_spread = total + largest, spread + largest**2
    high = float(special.gammaincinv(up**2 / up_spread, 1 - tail)) * up_spread / up
    return Interval(low, min(1.0, high))


def _size(stratum: Stratum) -> float:
    """Cases the stratum stands for: counted where the count is kept, else what the inverse probability says."""
    return float(stratum.population) if stratum.population else stratum.checked / stratum.probability


def _largest_within(count: int, share: float, tail: float) -> int:
    """The largest k with P(Binomial(count, share) < k) <= tail; 0 when there is none. It is near where the normal law puts
    it, so it is sought from there, and found by bisection."""
    spread = math.sqrt(count * share * (1 - share))
    near = round(count * share + float(special.ndtri(tail)) * spread)
    low, high = min(max(0, near - 2), count), min(max(1, near + 2), count + 1)
    while low > 0 and not _within(low, count, share, tail):
        low, high = max(0, 2 * low - high), low
    while high <= count and _within(high, count, share, tail):
        low, high = high, min(count + 1, 2 * high - low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _within(middle, count, share, tail) else (low, middle)
    return low


def _within(k: int, count: int, share: float, tail: float) -> bool:
    return float(special.bdtr(k - 1, count, share)) <= tail


def _check_share(successes: int, trials: int) -> None:
    if trials <= 0 or not 0 <= successes <= trials:
        raise ValueError(f"a share needs 0 <= successes <= trials and trials > 0, not {successes} of {trials}")
