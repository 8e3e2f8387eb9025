"""Exact chances of counts, for the plain trigger: how likely it is that nothing has changed."""

from __future__ import annotations

from scipy import special

from metrics.alerting.sequential import Tally


def at_least(now: Tally, share: float) -> float:
    """The chance of so many or more, of a binomial law with this share."""
    if not now.part:
        return 1.0
    return float(special.bdtrc(now.part - 1, now.whole, min(1.0, max(0.0, share))))


def at_most(now: Tally, share: float) -> float:
    """The chance of so few or fewer."""
    return float(special.bdtr(now.part, now.whole, min(1.0, max(0.0, share)))) if now.whole else 1.0


def more_than(arrived: int, finished: int) -> float:
    """The chance that, of so many arrivals and finishes at the same pace, so many or more are arrivals (binomial, a half)."""
    return at_least(Tally(arrived, arrived + finished), 0.5)
