"""What every chart is made of: the figure, the cells of its table, the way to the cases behind a point."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, lru_cache
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext as _

from metrics.estimates import Estimate
from metrics.marks import Mark
from metrics.measures import Unit
from metrics.models import Span
from metrics.periods import STEPS, Period
from metrics.report import Report
from metrics.wording import count, figure, interval

Trace = dict[str, Any]
TICKS = {Unit.SHARE: ".0%", Unit.TASKS: "d"}
TONES = ("machine", "person", "second", "watch")
PATTERNS = ("", "/", "x", ".", "-")
DASHES = ("solid", "dash", "dot", "dashdot")


class Cell(str):
    """A cell of a table: the words, the bare value for exports, and the cases behind it where the reader may see them."""

    value: object
    href: str
    __slots__ = ("href", "value")

    def __new__(cls, text: str, value: object = None, href: str = "") -> Cell:  # noqa: PYI034 - no subclass
        made = super().__new__(cls, text)
        made.value = text if value is None else value
        made.href = href
        return made


def href_of(cell: str) -> str:
    """Where a cell leads; nothing for plain words."""
    return cell.href if isinstance(cell, Cell) else ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under their heads; the first cell of a row names it."""

    key: str
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    alarming: frozenset[int] = frozenset()  # numbers of the rows that call for somebody
    wordy: bool = False  # its cells are words, not numbers


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure, what it says in one line, and the same as a table."""

    key: str
    title: str
    caption: str
    figure: dict[str, Any]
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)
    over_time: bool = True

    @property
    def place(self) -> str:
        """Id of the element that holds the figure."""
        return f"figure-{self.key}"

    @property
    def table(self) -> Table:
        return Table(self.key, self.title, self.columns, self.rows)


@dataclass(frozen=True)  # without slots: what an address is made of is kept, since a page holds thousands
class Look:
    """Who looks at what: the time, the one beside it, what changed meanwhile, and whether cases may be shown."""

    period: Period
    now: datetime
    other: Period | None = None
    marks: Sequence[Mark] = ()
    cases: bool = False
    wage: float | None = None  # of an hour of a person's time

    def behind(self, what: str, start: datetime | None = None, end: datetime | None = None, **more: object) -> str:
        """Address of the cases behind a figure of these steps; nothing for who may not see cases."""
        if not self.cases:
            return ""
        first = start or self.period.start
        last = end or (start + STEPS[self.period.span] if start else self.period.end)
        narrowed = self._narrowed(**more)
        address = f"{self._list}?figure={what}&from={_utc(first)}&to={_utc(last)}&interval={self.period.span.value}"
        return f"{address}&{narrowed}" if narrowed else address

    def _filters(self) -> dict[str, object]:
        only = self.period.only
        given = {
            "case_type": self.period.case_type.key if self.period.case_type else "",
            "queue": only.queue.key if only.queue else "",
            "mode": only.mode,
            "version": only.version,
        }
        return {name: value for name, value in given.items() if value}

    def _narrowed(self, **more: object) -> str:
        """The filters as a query; what is asked for in particular takes the place of the same filter."""
        asked = tuple(more.items())
        if asked not in self._queries:
            self._queries[asked] = urlencode({**self._filters(), **more})
        return self._queries[asked]

    @cached_property
    def _queries(self) -> dict[tuple[tuple[str, object], ...], str]:
        return {}

    @cached_property
    def _list(self) -> str:
        return reverse("reports:cases")


@lru_cache(maxsize=2048)
def _utc(moment: datetime) -> str:
    return f"{moment.isoformat()[:19]}Z"


def counted(number: int, href: str = "") -> Cell:
    """A count, leading to what was counted."""
    return Cell(count(number), number, href if number else "")


def told(value: float | None, unit: Unit) -> Cell:
    """A figure with its unit; empty in exports where there is none."""
    return Cell(figure(value, unit), "" if value is None else value)


def cells(estimate: Estimate, unit: Unit, *, href: str = "") -> list[str]:
    """Figure, interval and the number of observations."""
    if not estimate.observations:
        return [Cell("–", ""), "", counted(0)]
    return [
        told(estimate.value, unit),
        interval(estimate.interval, unit),
        counted(estimate.observations, href),
    ]


def trace(name: str, x: Sequence[Any], y: Sequence[Any], *, tone: str, **more: Any) -> Trace:
    return {"type": "scatter", "name": name, "x": list(x), "y": list(y), "meta": {"tone": tone}, **more}


def layout(unit: Unit | None, *, time: bool = True, **more: Any) -> dict[str, Any]:
    """Everything but colours and fonts."""
    made: dict[str, Any] = {
        "margin": {"l": 56, "r": 12, "t": 8, "b": 40},
        "hovermode": "x unified" if time else "closest",
        # Where the axis below has a title or long names, the legend stays clear of them.
        "legend": {"orientation": "h", "y": -0.18, "x": 0}
        if time
        else {"orientation": "h", "y": 1.02, "yanchor": "bottom"},
        "xaxis": {"type": "date", "automargin": True} if time else {"automargin": True},
        "yaxis": {
            "rangemode": "tozero",
            "tickformat": TICKS.get(unit, "") if unit else "",
            "automargin": True,
            "title": {"text": axis(unit)},
        },
    }
    return {**made, **more}


def axis(unit: Unit | None) -> str:
    names = {Unit.SECONDS: _("seconds"), Unit.PER_HOUR: _("per hour"), Unit.HOURS: _("hours")}
    return names.get(unit, "") if unit else ""


def times(report: Report) -> list[str]:
    return [stamp(step.start) for step in report.steps]


def stamp(start: datetime) -> str:
    return start.isoformat()[:19]


def label(report: Report, start: datetime) -> Cell:
    """The step's beginning, as it stands in tables and exports."""
    return Cell(
        start.isoformat(" ")[: len("2026-01-31") if report.period.span is Span.DAY else len("2026-01-31 12:00")]
    )


def beside(report: Report, name: str, values: Iterable[Any], *, tone: str) -> list[Trace]:
    """The other time as a lighter line, laid under the steps of this one."""
    if report.other is None:
        return []
    pairs = list(zip(times(report), values, strict=False))
    words = _("%(name)s, %(period)s") % {"name": name, "period": report.other.period.words}
    made = trace(words, [x for x, _y in pairs], [y for _x, y in pairs], tone=tone, mode="lines", opacity=0.55)
    return [made | {"line": {"dash": "dot", "width": 1.5}}]


def marked(chart: Chart, look: Look) -> Chart:
    """The chart with what changed meanwhile as marks on its axis of time."""
    if chart.over_time and look.marks and chart.figure["data"]:
        lines = [_upright(mark) for mark in look.marks]
        made = trace(
            _("changes"),
            [stamp(mark.at) for mark in look.marks],
            [1] * len(look.marks),
            tone="watch",
            mode="markers",
            yaxis="y2",
            text=[str(mark.name) for mark in look.marks],
            hovertemplate="%{text}<extra></extra>",
        )
        made["marker"] = {"symbol": "triangle-down", "size": 9}
        chart.figure["data"].append(made)
        chart.figure["layout"]["shapes"] = lines
        chart.figure["layout"]["yaxis2"] = {"overlaying": "y", "range": [0, 1], "visible": False, "fixedrange": True}
    return chart


def _upright(mark: Mark) -> dict[str, Any]:
    at = stamp(mark.at)
    line = {"width": 1, "dash": "dot"}
    return {"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper", "line": line, "layer": "below"}
