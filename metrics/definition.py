"""What a measure is made of. The measures themselves stand in `metrics.measures`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from metrics import watches
from metrics.estimates import Estimate, Facts
from metrics.totals import Totals
from metrics.watches import Verdict, Watch


class Unit(StrEnum):
    SHARE = "share"
    SECONDS = "seconds"
    PER_HOUR = "per_hour"
    HOURS = "hours"
    TASKS = "tasks"


@dataclass(frozen=True, slots=True)
class Measure:
    """A definition. `estimate` gives the figure of a time; `watch` says whether it is well."""

    key: str
    name: object
    unit: Unit
    numerator: object
    denominator: object
    excludes: object
    method: object
    band: object
    advice: object
    estimate: Callable[[Totals, Facts], Estimate]
    watch: Watch = watches.none
    least: int = 20  # observations below which a figure is not judged
    heeds: frozenset[str] = frozenset()  # the filters by which its sums are kept apart


@dataclass(frozen=True, slots=True)
class Reading:
    """A measure of one time: the figure and the verdict on it."""

    measure: Measure
    estimate: Estimate
    verdict: Verdict
