"""A figure and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial

from metrics import intervals
from metrics.histograms import Histogram
from metrics.intervals import Interval, Stratum


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval and what it was computed from.

    `value` is None when there is nothing to compute it from; `interval` when there is too little to bound it. Of the many
    figures of a page few are asked how sure they are, and that is the dear part, so `bounds` may be the way to find out.
    """

    value: float | None
    bounds: Interval | Callable[[], Interval | None] | None = field(compare=False, repr=False)
    numerator: float
    denominator: float
    observations: int

    @cached_property
    def interval(self) -> Interval | None:
        return self.bounds() if callable(self.bounds) else self.bounds


@dataclass(frozen=True, slots=True)
class Facts:
    """What a report knows beside the sums."""

    open_tasks: int = 0  # at the end of the time
    overdue_tasks: int = 0
    promise: float | None = None  # largest automated error promised; None when the case types differ or promise nothing
    manual_seconds: float | None = None
    promises: Mapping[str, float] = field(default_factory=dict)  # by key of case type
    planted: tuple[int, int] = (0, 0)  # known cases shown with a wrong output, and of these caught


def share(part: int, whole: int) -> Estimate:
    """Part of a whole, with its exact interval."""
    if not whole:
        return Estimate(None, None, part, whole, 0)
    return Estimate(part / whole, partial(intervals.clopper_pearson, part, whole), part, whole, whole)


def rate(events: int, hours: float) -> Estimate:
    """Events per hour."""
    if hours <= 0:
        return Estimate(None, None, events, hours, 0)
    return Estimate(events / hours, partial(intervals.rate, events, hours), events, hours, events)


def growth(opened: int, ended: int, hours: float) -> Estimate:
    """Tasks that come in above those that go, per hour; negative where the backlog shrinks."""
    if hours <= 0:
        return Estimate(None, None, opened - ended, hours, 0)
    pace = (opened - ended) / hours
    return Estimate(pace, partial(_growth_bounds, opened, ended, hours), opened - ended, hours, opened + ended)


def _growth_bounds(opened: int, ended: int, hours: float) -> Interval:
    """Of the difference of two rates, from the interval of each. Zou and Donner, Statistics in Medicine 27 (2008) 1693–1702."""
    coming, going = intervals.rate(opened, hours), intervals.rate(ended, hours)
    pace, inward, outward = (opened - ended) / hours, opened / hours, ended / hours
    low = math.hypot(inward - coming.low, going.high - outward)
    high = math.hypot(coming.high - inward, outward - going.low)
    return Interval(pace - low, pace + high)


def quantile(histogram: Histogram, at: float) -> Estimate:
    """A quantile of durations in seconds; the numerator is the figure itself."""
    value = histogram.quantile(at)
    return Estimate(value, partial(histogram.interval, at), value or 0.0, len(histogram), len(histogram))


def sampled(strata: Sequence[Stratum]) -> Estimate:
    """The share of wrong answers, from the sample. Numerator and denominator are the readings themselves."""
    wrong, checked = sum(s.wrong for s in strata), sum(s.checked for s in strata)
    found = intervals.weighted_share(strata)
    if found is None:
        return Estimate(None, None, wrong, checked, 0)
    return Estimate(found.value, lambda: found.interval, wrong, checked, checked)


def count(number: int) -> Estimate:
    """A plain count, which is certain."""
    return Estimate(float(number), Interval(number, number), number, 1, number)


def clearance(waiting: int, opened: int, ended: int, hours: float) -> Estimate:
    """Hours until nothing waits, at the pace of the time; no value when the backlog does not shrink."""
    if hours <= 0:
        return Estimate(None, None, waiting, 0, 0)
    if not waiting:
        return Estimate(0.0, Interval(0, 0), 0, (ended - opened) / hours, opened + ended)
    pace = (ended - opened) / hours
    bounds = partial(_clearance_bounds, waiting, opened, ended, hours)
    return Estimate(waiting / pace if pace > 0 else None, bounds, waiting, pace, opened + ended)


def _clearance_bounds(waiting: int, opened: int, ended: int, hours: float) -> Interval | None:
    coming, going = intervals.rate(opened, hours), intervals.rate(ended, hours)
    fastest, slowest = going.high - coming.low, going.low - coming.high
    return Interval(waiting / fastest, waiting / slowest) if slowest > 0 else None
