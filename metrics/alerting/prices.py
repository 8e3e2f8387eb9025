"""What it costs to bring the escalations of a case type down, or to live with them. Pure arithmetic on measured figures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from metrics import intervals

HOURS_A_DAY = 6.0  # that a person spends on cases in a working day; the rest goes to meetings, breaks and waiting


@dataclass(frozen=True, slots=True)
class People:
    """Hours a day that the escalations take, at the measured pace, and the people for it beside those there are."""

    per_day: float
    seconds: float
    hours: float
    needed: int
    present: int

    @property
    def seconds_a_day(self) -> float:
        return self.hours * 3600

    @property
    def more(self) -> int:
        return max(0, self.needed - self.present)


@dataclass(frozen=True, slots=True)
class Model:
    """The newest judged version: which share of the escalations it would have spared at the same threshold."""

    number: int
    saves: float
    coverage: float
    present: float


@dataclass(frozen=True, slots=True)
class Sampling:
    """Another case type whose sample could be halved: readings and hours a day saved, and how much less is known then."""

    name: str
    reads_per_day: float
    saved_reads: float
    saved_hours: float
    width: float
    width_after: float

    @property
    def saved_seconds(self) -> float:
        return self.saved_hours * 3600


def people(*, per_day: float, seconds: float, present: int) -> People | None:
    """None where no pace has been measured."""
    if seconds <= 0:
        return None
    hours = per_day * seconds / 3600
    return People(per_day, seconds, hours, math.ceil(hours / HOURS_A_DAY), present)


def coverage_at(points: Sequence[Mapping[str, Any]], threshold: float) -> float | None:
    """The largest share of the answers that a version's card knows to be at least so sure."""
    if not points:
        return None
    return max((float(point["coverage"]) for point in points if float(point["threshold"]) >= threshold), default=0.0)


def model(*, number: int, candidate: float, present: float, escalation: float) -> Model:
    """Answers that the candidate is sure of and the present one is not would not have been escalated."""
    gained = max(0.0, candidate - present)
    saves = min(1.0, gained / escalation) if escalation else 0.0
    return Model(number, saves, candidate, present)


def sampling(*, name: str, read: int, wrong: int, seconds: float, days: float) -> Sampling:
    """Half of the readings, the share of wrong ones staying as it is."""
    half, half_wrong = read // 2, round(wrong * (read // 2) / read) if read else 0
    saved = (read - half) / days
    hours = saved * (seconds / read if read else 0) / 3600
    return Sampling(name, read / days, saved, hours, _width(wrong, read), _width(half_wrong, half))


def _width(wrong: int, read: int) -> float:
    if not read:
        return 1.0
    found = intervals.clopper_pearson(wrong, read)
    return found.high - found.low
