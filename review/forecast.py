"""When a queue will be late if it goes on as it went lately. Pure arithmetic; nothing here touches a database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

HOUR = timedelta(hours=1)
HORIZON = 8  # hours
ENOUGH = 5  # finished tasks, below which a pace is chance


@dataclass(frozen=True, slots=True)
class Pace:
    """What came and what went within so many hours; ``promised`` is how long after its arrival a task falls due."""

    hours: float
    arrived: int
    finished: int
    promised: timedelta


@dataclass(frozen=True, slots=True)
class Forecast:
    """At most ``late`` tasks are late at once, at ``by``; ``first`` is the first full hour at which any is."""

    late: int
    by: datetime | None = None
    first: datetime | None = None


def marks(now: datetime) -> list[datetime]:
    """The full hours to look at: the next one and those after it, as far as `HORIZON`."""
    whole = now.replace(minute=0, second=0, microsecond=0)
    return [whole + n * HOUR for n in range(1, HORIZON + 1)]


def foresee(due: Iterable[tuple[datetime, int]], pace: Pace, *, now: datetime) -> Forecast | None:
    """The forecast from the open tasks due by each moment; None where too little was finished to speak of a pace.

    Tasks are taken in the order in which they fall due, so at a moment T, h hours from now,

        late(T) = max(0, D(T) + a · max(0, h − s) − f · h)

    where D(T) are the open tasks due by T (those late already included), a and f are the arrivals and the finished
    tasks per hour, and s is the time from a task's arrival to its due moment: what arrives later than T − s is not due
    by then. It says what happens at an even pace; it knows of no breaks, shifts or closing hours.
    """
    if pace.finished < ENOUGH:
        return None
    late = [(moment, _late(count, pace, hours=(moment - now) / HOUR)) for moment, count in due]
    return _summary([(moment, count) for moment, count in late if count])


def _late(due: int, pace: Pace, *, hours: float) -> int:
    arriving = pace.arrived / pace.hours * max(0.0, hours - pace.promised / HOUR)
    return max(0, round(due + arriving - pace.finished / pace.hours * hours))


def _summary(late: Sequence[tuple[datetime, int]]) -> Forecast:
    if not late:
        return Forecast(late=0)
    by, most = max(late, key=lambda found: (found[1], -found[0].timestamp()))
    return Forecast(late=most, by=by, first=late[0][0])
