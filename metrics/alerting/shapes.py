"""The one shape of every kind of alert: a pure function from what it sees and how it is set to a verdict with its evidence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from metrics.alerting.parameters import Field
from metrics.alerting.sequential import Step, Tally
from metrics.histograms import Histogram

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
Settings = Mapping[str, Any]


class State(StrEnum):
    """What a look says. `BETWEEN` neither raises nor resolves, `UNKNOWN` is too little to say anything."""

    RAISE = "raise"
    WELL = "well"
    BETWEEN = "between"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Season:
    """What a step is compared with: the same step of the `repeats` periods before it."""

    step: timedelta
    period: int  # steps after which things repeat; also how far back a change is looked for
    repeats: int


HOURLY = Season(HOUR, 24, 7)  # the same hours of the last 7 days
DAILY = Season(DAY, 7, 4)  # the same weekdays of the last 4 weeks


@dataclass(frozen=True, slots=True)
class Point:
    """One step of the evidence's chart; shares, seconds or counts."""

    start: datetime
    value: float | None
    usual: float | None = None
    count: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a look found. `figures` are plain JSON, from which the kind makes its sentence in the reader's language."""

    state: State
    figures: dict[str, Any] = field(default_factory=dict)
    series: tuple[Point, ...] = ()
    limit: float | None = None  # of the series


@dataclass(frozen=True, slots=True)
class ShareSight:
    """A share over the steps of one period, the oldest first and the last under way, each beside its past."""

    starts: tuple[datetime, ...]
    steps: tuple[Step, ...]
    season: Season
    promise: float | None = None
    interval: tuple[float, float] | None = None  # of the whole, where readings are weighted


@dataclass(frozen=True, slots=True)
class TimeSight:
    """Durations over the steps of one period, beside their past."""

    starts: tuple[datetime, ...]
    now: tuple[Histogram, ...]
    usual: tuple[Histogram, ...]
    season: Season = HOURLY


@dataclass(frozen=True, slots=True)
class QueueSight:
    """A queue: what waits, what came and went lately, and when the first task is late at this pace."""

    now: datetime
    open: int
    hours: float
    arrived: int
    finished: int
    late: int = 0
    first_late: datetime | None = None
    backlog: tuple[tuple[datetime, int], ...] = ()


@dataclass(frozen=True, slots=True)
class DueSight:
    """Open tasks of a queue that fall due soon, and those past it."""

    soon: int
    overdue: int
    next_due: datetime | None = None


@dataclass(frozen=True, slots=True)
class BinSight:
    """Answers by bin of the confidence, lately and at the same hours before."""

    start: datetime
    now: tuple[int, ...]
    usual: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class CountSight:
    """A number of things that should not be there, with their names."""

    count: int
    names: tuple[str, ...] = ()


Sight = ShareSight | TimeSight | QueueSight | DueSight | BinSight | CountSight


class About(StrEnum):
    """What a rule is applied to, each by itself."""

    CASE_TYPE = "case_type"
    QUEUE = "queue"
    PERSON = "person"
    SYSTEM = "system"


class Unit(StrEnum):
    SHARE = "share"
    SECONDS = "seconds"
    COUNT = "count"


@dataclass(frozen=True, slots=True)
class Watch:
    """A kind of alert. `words` makes the sentence; `advice` says what to do."""

    kind: str
    about: About
    judge: Callable[[Any, Settings], Verdict]
    words: Callable[[Mapping[str, Any]], str]
    advice: object
    fields: tuple[Field, ...]
    unit: Unit = Unit.SHARE
    season: Season | None = None
    sequential: bool = False
    quick: bool = False  # looked at every few seconds, else once a minute
    from_past: bool = True  # whether a dry run can tell it from the rollups


def total(tallies: Sequence[Tally]) -> Tally:
    return Tally(sum(tally.part for tally in tallies), sum(tally.whole for tally in tallies))
