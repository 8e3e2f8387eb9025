"""The chart of an error's history: everything stands inside it, and as high as it is often."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from feedback.admin.weeks import HEIGHT, LEFT, TOP, WIDTH, drawn
from feedback.models import ModelVersion
from feedback.recurrence import WEEK, Period, Recurrence, Week

MONDAY = datetime(2026, 1, 5, tzinfo=UTC)


@given(st.lists(st.integers(0, 500), min_size=1, max_size=27), st.lists(st.floats(0, 1), max_size=8))
def test_bars_and_versions_stand_inside_the_chart_in_their_order(errors: list[int], at: list[float]) -> None:
    weeks = [Week(MONDAY + number * WEEK, count) for number, count in enumerate(errors)]
    until = MONDAY + len(weeks) * WEEK
    starts = [MONDAY + share * (until - MONDAY) for share in sorted(at)]
    periods = [Period(None, MONDAY, until, 0), *(Period(ModelVersion(number=1), start, until, 0) for start in starts)]
    chart = drawn(Recurrence(MONDAY, weeks, periods))
    assert [bar.errors for bar in chart.bars] == errors
    assert len(chart.lines) == len(at)
    for bar in chart.bars:
        assert LEFT <= bar.x < bar.x + bar.width <= WIDTH
        assert TOP <= bar.y <= bar.y + bar.height <= HEIGHT
        assert (bar.height == 0) == (bar.errors == 0) or bar.errors < chart.most / 100
    assert [line.x for line in chart.lines] == sorted(line.x for line in chart.lines)
    assert all(LEFT <= line.x <= WIDTH for line in chart.lines)


def test_the_worst_week_is_as_high_as_the_chart_and_few_weeks_are_dated() -> None:
    weeks = [Week(MONDAY + number * timedelta(weeks=1), number) for number in range(26)]
    chart = drawn(Recurrence(MONDAY, weeks, []))
    assert max(bar.height for bar in chart.bars) == chart.foot - TOP
    assert sum(bar.dated for bar in chart.bars) <= 9
