"""When cases come in and when people sit down to review. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

from hitl_project.demo.people import Person

# Share of a usual hour's mail, by hour of the day (UTC).
MAIL = [3, 2, 1, 1, 1, 2, 4, 7, 10, 12, 12, 11, 10, 10, 11, 11, 10, 9, 8, 8, 9, 9, 7, 5]
WEEKEND = 0.6
SATURDAY = 5
SITTINGS = (8.1, 9.4, 10.7, 12.6, 14.0, 15.4, 16.7)
WEEKEND_SITTINGS = (9.5, 12.0, 15.5)
EVENING = 20.0


def arrivals(start: datetime, end: datetime, *, per_day: float, rng: Random) -> Iterator[datetime]:
    """Moments at which cases come in, by the hour of the day and the day of the week, a little busier every week."""
    hour = start
    while hour < end:
        weight = MAIL[hour.hour] / sum(MAIL) * (WEEKEND if hour.weekday() >= SATURDAY else 1.15)
        growth = 0.9 + 0.2 * (hour - start) / (end - start)
        for _ in range(_about(per_day * weight * growth, rng)):
            moment = hour + timedelta(seconds=rng.uniform(0, 3600))
            if moment < end:
                yield moment
        hour += timedelta(hours=1)


def _about(expected: float, rng: Random) -> int:
    """A whole number whose mean is ``expected``, as independent arrivals give it."""
    count, spent = 0, rng.expovariate(1)
    while spent < expected:
        count += 1
        spent += rng.expovariate(1)
    return count


def sittings(person: Person, day: datetime, rng: Random) -> Iterator[tuple[datetime, datetime]]:
    """The spells of a day (from its midnight) in which a person reviews. Weekends and evenings are thinly staffed."""
    weekend = day.weekday() >= SATURDAY
    hours = WEEKEND_SITTINGS if weekend else SITTINGS
    on_duty = 0.5 if weekend else 0.93
    if rng.random() > on_duty:
        return
    for hour in (*hours, EVENING) if person.role == "reviewer" else hours:
        begin = day + timedelta(hours=hour, minutes=rng.uniform(-20, 25))
        yield begin, begin + timedelta(minutes=rng.uniform(25, 55))
