"""How far two independent readers agree, and how many errors neither of them found."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

Pair = tuple[Hashable, Hashable]
RESAMPLES, SEED, TAIL = 1_000, 20_261, 0.025
LEAST_PAIRS = 10
Z = 1.959963984540054


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its 95 % interval; None where there is not enough to say."""

    value: float | None
    low: float | None = None
    high: float | None = None
    count: int = 0


def cohen_kappa(pairs: Sequence[Pair]) -> Estimate:
    """Agreement of two readers beyond chance (Cohen 1960), with a percentile bootstrap interval over the cases."""
    return _with_interval(pairs, _kappa)


def krippendorff_alpha(pairs: Sequence[Pair]) -> Estimate:
    """Krippendorff's alpha for nominal data (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", part C)."""
    return _with_interval(pairs, _alpha)


def _kappa(pairs: Sequence[Pair]) -> float | None:
    total = len(pairs)
    first, second = Counter(one for one, _ in pairs), Counter(two for _, two in pairs)
    chance = sum(first[label] * second[label] for label in first) / total**2
    observed = sum(one == two for one, two in pairs) / total
    return None if chance == 1 else (observed - chance) / (1 - chance)


def _alpha(pairs: Sequence[Pair]) -> float | None:
    counts = Counter(label for pair in pairs for label in pair)
    values = 2 * len(pairs)
    observed = sum(one != two for one, two in pairs) / len(pairs)
    expected = 1 - sum(count * (count - 1) for count in counts.values()) / (values * (values - 1))
    return None if expected == 0 else 1 - observed / expected


def _with_interval(pairs: Sequence[Pair], statistic: Callable[[Sequence[Pair]], float | None]) -> Estimate:
    if len(pairs) < LEAST_PAIRS:
        return Estimate(None, count=len(pairs))
    value = statistic(pairs)
    if value is None:  # everybody always said the same: agreement beyond chance has no meaning
        return Estimate(None, count=len(pairs))
    draw = random.Random(SEED)  # noqa: S311 - the same figures for the same answers
    found = [statistic(draw.choices(pairs, k=len(pairs))) for _ in range(RESAMPLES)]
    known = sorted(one for one in found if one is not None)
    edge = int(TAIL * len(known))
    return Estimate(value, known[edge], known[-1 - edge], len(pairs))


@dataclass(frozen=True, slots=True)
class Unfound:
    """Errors by capture and recapture: ``total`` of them all, ``unfound`` by either reader, each with a 95 % interval."""

    total: float
    unfound: float
    low: float
    high: float


def chapman(*, first: int, second: int, both: int) -> Unfound | None:
    """Errors that nobody found, from what two independent readers found (Chapman 1951; variance by Seber 1970).

    ``first`` and ``second`` are the errors each found, ``both`` those that both found. The interval is log-normal over
    the unfound ones (Chao 1987), so it never goes below nothing. None where no error was found by both: nothing is known.

    Raises: ValueError when ``both`` is more than either found.
    """
    if both > min(first, second) or both < 0:
        raise ValueError("both cannot be more than either found")
    if both == 0:
        return None
    total = (first + 1) * (second + 1) / (both + 1) - 1
    variance = (first + 1) * (second + 1) * (first - both) * (second - both) / ((both + 1) ** 2 * (both + 2))
    unfound = max(0.0, total - (first + second - both))
    if not unfound:
        return Unfound(total, 0.0, 0.0, 0.0)
    spread = math.exp(Z * math.sqrt(math.log(1 + variance / unfound**2)))
    return Unfound(total, unfound, unfound / spread, unfound * spread)
