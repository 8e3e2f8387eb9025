"""Business time: the minutes in which people are there. Pure functions on plain data; nothing here touches a database.

Opening hours are wall-clock hours by weekday in one time zone. Time is counted as it really passes, so on the night on
which clocks change a window of wall-clock hours is an hour shorter or longer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django.utils.translation import gettext as _

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d|24:00")
MIDNIGHT = "24:00"
MOST_WINDOWS = 12
MOST_HOLIDAYS = 1000
LONGEST_SEARCH = timedelta(days=3 * 366)  # holidays may close a place for long; for longer it is a mistake
Window = tuple[datetime, datetime]
Found = Iterator[tuple[str, str]]


class NeverOpen(ValueError):
    """No opening hours within three years: a moment in business time cannot be told."""


@dataclass(frozen=True)
class Hours:
    """When a place is open. ``weekly`` has for each weekday, Monday first, its windows as ``("09:00", "12:30")``."""

    zone: str
    weekly: tuple[tuple[tuple[str, str], ...], ...]
    holidays: frozenset[date] = frozenset()
    days: dict[date, list[Window]] = field(default_factory=dict, compare=False, repr=False)  # worked out so far

    @cached_property
    def clock(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


def hours_of(*, time_zone: str, hours: Mapping[str, Any], holidays: Sequence[str]) -> Hours:
    """The hours that a calendar's columns tell, which `check` has let pass."""
    weekly = tuple(tuple(sorted((begin, end) for begin, end in hours.get(day, ()))) for day in DAYS)
    return Hours(time_zone, weekly, frozenset(date.fromisoformat(day) for day in holidays))


def add_minutes(hours: Hours, since: datetime, minutes: float) -> datetime:
    """The moment (UTC) at which so many business minutes have passed. Always within opening hours, ends included.

    With 0 minutes it is ``since`` itself where that is open, else the next opening. Raises: NeverOpen.
    """
    left = timedelta(minutes=minutes)
    for begin, end in _windows(hours, since):
        opens = max(begin, since)
        if left <= end - opens:
            return opens + left
        left -= end - opens
    raise NeverOpen


def minutes_between(hours: Hours, since: datetime, until: datetime) -> float:
    """The business minutes from one moment to another; negative when the second is earlier."""
    if until < since:
        return -minutes_between(hours, until, since)
    total = timedelta()
    for begin, end in _windows(hours, since, until):
        total += max(min(end, until) - max(begin, since), timedelta())
    return total / timedelta(minutes=1)


def is_open(hours: Hours, moment: datetime) -> bool:
    """Whether the place is open at a moment; the last moment of a window counts."""
    return any(begin <= moment <= end for begin, end in _windows(hours, moment, moment))


def _windows(hours: Hours, since: datetime, until: datetime | None = None) -> Iterator[Window]:
    """The opening windows in UTC, in order and apart, that end after ``since``, as far as ``until`` or three years."""
    last = until or since + LONGEST_SEARCH
    day = since.astimezone(hours.clock).date() - timedelta(days=1)
    while _at(hours, day, "00:00") <= last:
        if day not in hours.holidays:
            yield from (window for window in _of_day(hours, day) if window[1] >= since)
        day += timedelta(days=1)


def _of_day(hours: Hours, day: date) -> list[Window]:
    if day not in hours.days:
        edges = [(_at(hours, day, begin), _at(hours, day, end)) for begin, end in hours.weekly[day.weekday()]]
        hours.days[day] = [(opens, closes) for opens, closes in edges if opens < closes]  # none that the clocks skip
    return hours.days[day]


def _at(hours: Hours, day: date, clock: str) -> datetime:
    """A wall-clock time of a day in UTC: the first of two where clocks go back, the change itself where they skip it."""
    if clock == MIDNIGHT:
        day, clock = day + timedelta(days=1), "00:00"
    local = datetime.combine(day, time.fromisoformat(clock), tzinfo=hours.clock)
    first, second = local.astimezone(UTC), local.replace(fold=1).astimezone(UTC)
    return first if first <= second else _change(hours.clock, low=second, high=first)


def _change(clock: ZoneInfo, *, low: datetime, high: datetime) -> datetime:
    """The moment between two at which the clocks change, to the second."""
    after = high.astimezone(clock).utcoffset()
    while (seconds := int((high - low).total_seconds())) > 1:
        middle = low + timedelta(seconds=seconds // 2)
        low, high = (low, middle) if middle.astimezone(clock).utcoffset() == after else (middle, high)
    return high


def check(*, time_zone: Any, hours: Any, holidays: Any) -> Found:
    """What may not be so in a calendar, as the field and the reason."""
    yield from ((f"time_zone{path}", message) for path, message in check_zone(time_zone))
    yield from ((f"hours{path}", message) for path, message in check_hours(hours))
    yield from ((f"holidays{path}", message) for path, message in check_holidays(holidays))


def check_zone(name: Any) -> Found:
    if not isinstance(name, str) or name not in available_timezones():
        yield "", _("There is no time zone of this name; use one such as Europe/Madrid.")


def check_hours(hours: Any) -> Found:
    if not isinstance(hours, Mapping):
        yield "", _('Windows by weekday are needed, such as {"mon": [["09:00", "17:00"]]}.')
        return
    for day, windows in hours.items():
        if day not in DAYS:
            yield f".{day}", _("Unknown weekday; use: %(names)s") % {"names": ", ".join(DAYS)}
        elif not isinstance(windows, list) or len(windows) > MOST_WINDOWS or not all(map(_is_window, windows)):
            yield f".{day}", _('Pairs of quoted times from 00:00 to 24:00 are needed, such as [["09:00", "17:00"]].')
        elif any(before[1] > after[0] for before, after in pairwise(sorted(windows))):
            yield f".{day}", _("Two of the windows overlap.")
    if not any(hours.values()):
        yield "", _("The place is never open; give at least one window.")


def _is_window(window: Any) -> bool:
    """Two clock times in order. Such texts sort as the times do."""
    pair = isinstance(window, list) and len(window) == 2  # noqa: PLR2004 - a pair
    return pair and all(isinstance(at, str) and CLOCK.fullmatch(at) for at in window) and window[0] < window[1]


def check_holidays(holidays: Any) -> Found:
    if not isinstance(holidays, list) or len(holidays) > MOST_HOLIDAYS:
        yield "", _("A list of at most %(limit)d dates is needed.") % {"limit": MOST_HOLIDAYS}
        return
    for index, day in enumerate(holidays):
        if not _is_date(day):
            yield f"[{index}]", _("A date such as 2026-12-25 is needed.")


def _is_date(day: Any) -> bool:
    try:
        return isinstance(day, str) and date.fromisoformat(day).isoformat() == day
    except ValueError:
        return False
