"""How a figure differs from the same figure of another time, and how sure that is.

Two shares: Newcombe's hybrid of the two score intervals, Statistics in Medicine 17 (1998) 873–890 (method 10). Weighted shares,
medians: the same squaring of distances from each figure's own interval, Zou and Donner, Statistics in Medicine 27 (2008)
1693–1702. Two rates: their ratio; given the sum of two Poisson counts the one is binomial, so the interval is exact.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from metrics import intervals
from metrics.estimates import Estimate
from metrics.intervals import Interval


class Kind(StrEnum):
    DIFFERENCE = "difference"
    RATIO = "ratio"


@dataclass(frozen=True, slots=True)
class Change:
    """From the other time to this one; `interval` is None where one of the two figures has none."""

    kind: Kind
    value: float
    interval: Interval | None

    @property
    def certain(self) -> bool:
        """Whether chance is no explanation: the interval leaves out no change."""
        same = 1.0 if self.kind is Kind.RATIO else 0.0
        return self.interval is not None and same not in self.interval


def of_shares(now: Estimate, then: Estimate) -> Change | None:
    """The difference of two shares."""
    if now.value is None or then.value is None:
        return None
    if _plain(now) and _plain(then):
        ends = [intervals.wilson(int(e.numerator), int(e.denominator)) for e in (now, then)]
        return Change(Kind.DIFFERENCE, now.value - then.value, _squared(now.value, ends[0], then.value, ends[1]))
    return of_figures(now, then)


def of_figures(now: Estimate, then: Estimate) -> Change | None:
    """The difference of two figures of any kind, from the interval of each."""
    if now.value is None or then.value is None:
        return None
    bounded = now.interval is not None and then.interval is not None
    ends = _squared(now.value, now.interval, then.value, then.interval) if bounded else None  # type: ignore[arg-type]
    return Change(Kind.DIFFERENCE, now.value - then.value, ends)


def of_rates(now: Estimate, then: Estimate) -> Change | None:
    """The ratio of two rates, each a count over its hours."""
    if not (now.value and then.value):
        return None
    events, others = int(now.numerator), int(then.numerator)
    odds = then.denominator / now.denominator
    found = intervals.clopper_pearson(events, events + others)
    return Change(Kind.RATIO, now.value / then.value, Interval(_odds(found.low) * odds, _odds(found.high) * odds))


def _plain(estimate: Estimate) -> bool:
    """Whether the share is its numerator over its denominator, not a weighted one."""
    whole = estimate.denominator
    return bool(whole) and math.isclose(estimate.value or 0.0, estimate.numerator / whole, abs_tol=1e-12)


def _squared(one: float, mine: Interval, other: float, theirs: Interval) -> Interval:
    low = math.hypot(one - mine.low, theirs.high - other)
    high = math.hypot(mine.high - one, other - theirs.low)
    return Interval(one - other - low, one - other + high)


def _odds(share: float) -> float:
    return share / (1 - share) if share < 1 else math.inf
