"""Business time: never outside opening hours, and the laws that make it time."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from review.calendars import NeverOpen, add_minutes, check, hours_of, is_open, minutes_between

OFFICE = {day: [["09:00", "12:30"], ["13:30", "18:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
NIGHT = {day: [["00:00", "06:00"], ["22:00", "24:00"]] for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}
ODD = {"sun": [["01:15", "02:30"], ["02:45", "03:10"]], "mon": [["00:00", "24:00"]], "thu": [["23:00", "24:00"]]}
ZONES = ["UTC", "Europe/Madrid", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/St_Johns"]

MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - see timezones
MINUTES = st.integers(0, 20_000)
HOURS = st.builds(
    lambda zone, hours, holidays: hours_of(time_zone=zone, hours=hours, holidays=[day.isoformat() for day in holidays]),
    st.sampled_from(ZONES),
    st.sampled_from([OFFICE, NIGHT, ODD]),
    st.sets(st.dates(date(2024, 1, 1), date(2027, 12, 31)), max_size=30),
)


def madrid(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=ZoneInfo("Europe/Madrid"))  # type: ignore[misc,arg-type]  # as many parts as given


def office(**more: Any) -> Any:
    return hours_of(**{"time_zone": "Europe/Madrid", "hours": OFFICE, "holidays": [], **more})


@given(hours=HOURS, since=MOMENTS, minutes=MINUTES)
def test_it_never_ends_outside_opening_hours_nor_before_it_began(hours: Any, since: datetime, minutes: int) -> None:
    until = add_minutes(hours, since, minutes)
    assert is_open(hours, until)
    assert until >= since + timedelta(minutes=minutes)


@given(hours=HOURS, since=MOMENTS, first=MINUTES, second=MINUTES)
def test_adding_twice_is_adding_the_sum(hours: Any, since: datetime, first: int, second: int) -> None:
    assert add_minutes(hours, add_minutes(hours, since, first), second) == add_minutes(hours, since, first + second)


@given(hours=HOURS, since=MOMENTS, minutes=MINUTES, more=st.integers(1, 5000))
def test_more_minutes_are_later_and_a_later_start_is_never_earlier(
    hours: Any, since: datetime, minutes: int, more: int
) -> None:
    assert add_minutes(hours, since, minutes) < add_minutes(hours, since, minutes + more)
    assert add_minutes(hours, since, minutes) <= add_minutes(hours, since + timedelta(minutes=more), minutes)


@given(hours=HOURS, since=MOMENTS, minutes=MINUTES)
def test_the_time_between_is_what_was_added(hours: Any, since: datetime, minutes: int) -> None:
    until = add_minutes(hours, since, minutes)
    assert minutes_between(hours, since, until) == pytest.approx(minutes)
    assert minutes_between(hours, until, since) == pytest.approx(-minutes)


@given(hours=HOURS, since=MOMENTS, first=MINUTES, second=MINUTES)
def test_the_time_between_adds_up(hours: Any, since: datetime, first: int, second: int) -> None:
    middle = since + timedelta(minutes=first)
    until = middle + timedelta(minutes=second)
    parts = minutes_between(hours, since, middle) + minutes_between(hours, middle, until)
    assert parts == pytest.approx(minutes_between(hours, since, until))


def test_what_comes_in_on_friday_evening_is_due_on_monday() -> None:
    assert add_minutes(office(), madrid(2026, 11, 20, 17, 45), 30) == madrid(2026, 11, 23, 9, 15)


def test_lunch_does_not_count() -> None:
    assert add_minutes(office(), madrid(2026, 11, 23, 12, 15), 30) == madrid(2026, 11, 23, 13, 45)


def test_a_holiday_does_not_count() -> None:
    closed = office(holidays=["2026-12-25"])
    assert add_minutes(closed, madrid(2026, 12, 24, 18, 0), 60) == madrid(2026, 12, 28, 10, 0)


def test_opening_follows_the_clock_on_the_wall_when_clocks_change() -> None:
    before, after = madrid(2026, 3, 27, 18, 0), madrid(2026, 3, 30, 10, 0)
    assert add_minutes(office(), before, 60) == after
    assert after.astimezone(UTC).hour == 8


def test_a_night_shift_is_an_hour_shorter_in_spring_and_longer_in_autumn() -> None:
    night = hours_of(time_zone="Europe/Madrid", hours=NIGHT, holidays=[])
    lengths = [
        minutes_between(night, madrid(*day, 0, 0), madrid(*day, 12, 0))
        for day in [(2026, 3, 28), (2026, 3, 29), (2026, 10, 25)]
    ]
    assert lengths == [360, 300, 420]


def test_a_window_that_begins_in_the_hour_that_is_skipped_begins_with_the_change() -> None:
    early = hours_of(time_zone="Europe/Madrid", hours={"sun": [["02:30", "04:00"]]}, holidays=[])
    assert add_minutes(early, madrid(2026, 3, 29, 0, 0), 0) == madrid(2026, 3, 29, 3, 0)
    assert minutes_between(early, madrid(2026, 3, 29, 0, 0), madrid(2026, 3, 29, 12, 0)) == 60


def test_a_place_that_is_closed_for_years_is_told_so() -> None:
    only = hours_of(time_zone="UTC", hours={}, holidays=[])
    with pytest.raises(NeverOpen):
        add_minutes(only, madrid(2026, 1, 1), 1)


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"time_zone": "Europe/Atlantis"}, "time_zone"),
        ({"hours": {**OFFICE, "monday": []}}, "hours.monday"),
        ({"hours": {"mon": [["18:00", "09:00"]]}}, "hours.mon"),
        ({"hours": {"mon": [["9:00", "17:00"]]}}, "hours.mon"),
        ({"hours": {"mon": [["09:00", "12:00"], ["11:00", "17:00"]]}}, "hours.mon"),
        ({"hours": {"mon": "09:00-17:00"}}, "hours.mon"),
        ({"hours": {"mon": []}}, "hours"),
        ({"hours": []}, "hours"),
        ({"holidays": ["2026-02-30"]}, "holidays[0]"),
        ({"holidays": "2026-02-28"}, "holidays"),
        ({"holidays": [20261225]}, "holidays[0]"),
    ],
)
def test_what_may_not_be_so_is_told_with_its_field(fields: dict[str, Any], path: str) -> None:
    found = dict(check(**{"time_zone": "UTC", "hours": OFFICE, "holidays": [], **fields}))
    assert list(found) == [path]


def test_what_may_be_so_is_accepted() -> None:
    assert not list(check(time_zone="Europe/Madrid", hours=OFFICE, holidays=["2026-12-25"]))
