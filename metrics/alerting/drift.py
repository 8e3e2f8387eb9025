"""Whether two distributions over bins differ, by the population stability index and its own critical value.

The index, the sum over bins of (a - b) ln(a / b), behaves under no change like (1/n + 1/m) times a chi-square variable
with one degree of freedom less than there are bins, for n and m observations. So the usual limits of 0.1 and 0.25 mean something
else at every size: 34 % false alarms at 100 cases, and blindness at many thousands. The critical value grows with the noise.

Yurdakul, "Statistical properties of population stability index", dissertation, Western Michigan University (2018);
Yurdakul and Naranjo, Journal of Risk Model Validation 14 (2020); Potgieter, van Zyl, Schutte and Lombard, "The population
resemblance statistic", arXiv 2307.11878, on why fixed limits mislead.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from scipy import special

LEAST = 5  # expected in each bin of the smaller sample, the rule of chi-square tests; neighbours are merged until then


@dataclass(frozen=True, slots=True)
class Drift:
    """The index, the value it stays below with probability 1 - chance, and the bins that it rests on."""

    index: float
    critical: float
    bins: int

    @property
    def found(self) -> bool:
        return self.bins > 1 and self.index > self.critical


def drift(now: Sequence[int], usual: Sequence[int], *, chance: float) -> Drift:
    """Compare counts by bin; `chance` is that of a false alarm."""
    here, there = _merged(list(now), list(usual))
    n, m, bins = sum(here), sum(there), len(here)
    if bins < 2:  # noqa: PLR2004 - a single bin cannot differ
        return Drift(0.0, math.inf, bins)
    # Half an observation in each bin keeps an empty one finite; with LEAST expected it changes little.
    pairs = [((a + 0.5) / (n + bins / 2), (b + 0.5) / (m + bins / 2)) for a, b in zip(here, there, strict=True)]
    index = sum((a - b) * math.log(a / b) for a, b in pairs)
    return Drift(index, float(special.chdtri(bins - 1, chance)) * (1 / n + 1 / m), bins)


def _merged(now: list[int], usual: list[int]) -> tuple[list[int], list[int]]:
    """Neighbouring bins put together until each holds enough of the pooled expectation in the smaller sample."""
    whole = sum(now) + sum(usual)
    if not whole or not sum(now) or not sum(usual):
        return [], []
    share = min(sum(now), sum(usual)) / whole
    here, there = [0], [0]
    for a, b in zip(now, usual, strict=True):
        if (here[-1] + there[-1]) * share >= LEAST:
            here.append(0)
            there.append(0)
        here[-1] += a
        there[-1] += b
    if len(here) > 1 and (here[-1] + there[-1]) * share < LEAST:
        last = here.pop(), there.pop()
        here[-1], there[-1] = here[-1] + last[0], there[-1] + last[1]
    return here, there
