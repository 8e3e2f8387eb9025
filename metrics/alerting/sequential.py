"""A sequential test for a change of a share, with a known rate of false alarms.

Every step (an hour, a day) compares what happened with the same steps of the past, as an e-value: the likelihood ratio of
Fisher's noncentral hypergeometric law at an odds ratio over the central one,

    L = ratio^x / E[ratio^X],    X hypergeometric given the sum of both,

which has expectation 1 whatever the unknown share is, as long as both have the same. The steps are put together as a
Shiryaev–Roberts e-detector, one for each of several odds ratios, and averaged:

    M(t) = mean over ratios of  sum over j of  L(j) L(j+1) … L(t).

Shin, Ramdas and Rinaldo, "E-detectors: a nonparametric framework for sequential change detection", The New England
Journal of Statistics in Data Science 2 (2024), arXiv 2203.03532: a sum of e-processes begun at every step is an e-detector,
mixtures of e-detectors are e-detectors, and raising when M reaches c gives an average run length of at least c steps.
(Shekhar and Ramdas, "Reducing sequential change detection to sequential estimation", arXiv 2309.09111, begin a confidence
sequence at every step in the same way; it is the link between the two that the module owes to them, not its formula.)

What differs from the theorem, and is therefore measured (`benchmarks/alerts.py`): the starts are limited to the last
`window` steps, which only lowers M; the past of one step becomes the past of the same step a period later, so steps that lie
a period apart are not independent; and the step under way is looked at before it is over.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import gammaln

ODDS = (1.5, 2.0, 3.0)  # the alternatives: a share of 15 % becomes 21, 26 and 35 %
REACH = 10  # standard deviations beyond which a law has no weight that matters
TABLE = np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, 1 << 16)))))  # logarithms of factorials


@dataclass(frozen=True, slots=True)
class Tally:
    """So many of so many."""

    part: int = 0
    whole: int = 0

    def __add__(self, other: Tally) -> Tally:
        return Tally(self.part + other.part, self.whole + other.whole)

    @property
    def share(self) -> float | None:
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class Step:
    """One step beside its past."""

    now: Tally
    usual: Tally


@lru_cache(maxsize=50_000)
def against_past(step: Step, odds: tuple[float, ...] = ODDS) -> tuple[float, ...]:
    """Logarithms of the e-values of one step, one for each odds ratio. Hours that are over are asked for again and again."""
    n, m = step.now.whole, step.usual.whole
    hits = step.now.part + step.usual.part
    if not n or not m or hits in (0, n + m):
        return (0.0,) * len(odds)
    ratios = np.log(np.asarray(odds))
    found = np.arange(*_support(n, m, hits, max(np.abs(ratios))))
    law = _choose(hits, found) + _choose(n + m - hits, n - found)
    law -= _log_sum(law)
    expected = [_log_sum(law + ratio * found) for ratio in ratios]
    return tuple(float(ratio * step.now.part - mean) for ratio, mean in zip(ratios, expected, strict=True))


def against_promise(now: Tally, promise: float, odds: Sequence[float] = ODDS) -> tuple[float, ...]:
    """The same where the share is promised to be at most so much: a supermartingale for every smaller share."""
    if not now.whole or not 0 < promise < 1:
        return (0.0,) * len(odds)
    logs = []
    for ratio in odds:
        worse = ratio * promise / (1 - promise + ratio * promise)
        hit, miss = math.log(worse / promise), math.log((1 - worse) / (1 - promise))
        logs.append(now.part * hit + (now.whole - now.part) * miss)
    return tuple(logs)


def evidence(steps: Sequence[Sequence[float]]) -> float:
    """Logarithm of the averaged e-detector after the last of these steps; minus infinity where there is none."""
    if not steps:
        return -math.inf
    stretches = np.cumsum(np.asarray(steps)[::-1], axis=0)  # from every start up to now
    return _log_sum(stretches) - math.log(len(steps[0]))


def _support(n: int, m: int, hits: int, ratio: float) -> tuple[int, int]:
    """Where the tilted and the plain law have any weight: all of it while that is little, else around their means."""
    low, high = max(0, hits - m), min(n, hits)
    share = hits / (n + m)
    spread = math.sqrt(n * share * (1 - share)) + 1
    odds = share / (1 - share)
    ends = [n * tilted / (1 + tilted) for tilted in (odds * math.exp(-ratio), odds * math.exp(ratio))]
    return max(low, int(ends[0] - REACH * spread)), min(high, int(ends[1] + REACH * spread)) + 1


def _choose(whole: int, parts: np.ndarray) -> np.ndarray:
    found: np.ndarray = _factorials(np.asarray([whole])) - _factorials(parts) - _factorials(whole - parts)
    return found


def _factorials(numbers: np.ndarray) -> np.ndarray:
    found: np.ndarray = TABLE[numbers] if numbers.max() < len(TABLE) else gammaln(numbers + 1)
    return found


def _log_sum(logs: np.ndarray) -> float:
    """The logarithm of a sum of exponentials."""
    highest = float(logs.max())
    return highest + math.log(float(np.exp(logs - highest).sum())) if highest > -math.inf else -math.inf
