"""The history of an error as a chart: a bar for each week, a line where a version went to work. Numbers only; the template draws."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from feedback.recurrence import WEEK, Period, Recurrence

WIDTH, HEIGHT = 720, 180
TOP, BOTTOM, LEFT = 34, 24, 28  # room for the names of versions, the dates and the scale
WIDEST, GAP = 48.0, 4.0
NARROWEST = 320.0
MOST_DATES = 9


@dataclass(frozen=True, slots=True)
class Bar:
    begins: datetime
    errors: int
    x: float
    y: float
    width: float
    height: float
    dated: bool

    @property
    def middle(self) -> float:
        return round(self.x + self.width / 2, 1)


@dataclass(frozen=True, slots=True)
class Line:
    """A version that went to work. Names stand in two rows in turn, so that neighbours can be read."""

    period: Period
    x: float
    y: float

    @property
    def anchor(self) -> str:
        return "end" if self.x > WIDTH * 0.8 else "start"


@dataclass(frozen=True, slots=True)
class Chart:
    bars: list[Bar]
    lines: list[Line]
    most: int
    width: float = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    top: int = TOP
    foot: int = HEIGHT - BOTTOM


def drawn(history: Recurrence) -> Chart:
    """Where everything stands."""
    step = min((WIDTH - LEFT) / max(len(history.weeks), 1), WIDEST)
    most, room = max(history.most, 1), HEIGHT - TOP - BOTTOM
    every = -(-len(history.weeks) // MOST_DATES)
    bars = []
    for number, week in enumerate(history.weeks):
        height = round(room * week.errors / most, 1)
        place = {"x": round(LEFT + number * step, 1), "y": HEIGHT - BOTTOM - height, "width": round(step - GAP, 1)}
        bars.append(Bar(week.begins, week.errors, height=height, dated=number % every == 0, **place))
    first = history.weeks[0].begins if history.weeks else history.since
    went = [period for period in history.periods if period.version is not None]
    lines = [
        Line(period, round(LEFT + (period.since - first) / WEEK * step, 1), 12.0 + number % 2 * 14)
        for number, period in enumerate(went)
    ]
    return Chart(bars, lines, most, width=max(LEFT + len(bars) * step, NARROWEST))
