"""The chart of an alert's evidence: a Plotly figure of plain dictionaries, without colours (the page has them), and its table."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from metrics.alerting.kinds.table import WATCHES
from metrics.alerting.shapes import Unit
from metrics.measures import Unit as Measured
from metrics.models import Alert, Kind
from metrics.wording import count, duration, figure

BIN = 0.05
TICKS = {Unit.SHARE: ".0%", Unit.SECONDS: "", Unit.COUNT: "d"}
DAILY_STEP = timedelta(hours=23)


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure, what it shows, and the same as a table."""

    caption: str
    figure: dict[str, Any]
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)


def picture(alert: Alert) -> Picture | None:
    """None where the kind is a plain count of the moment."""
    if alert.kind == Kind.CONFIDENCE_DRIFT and alert.evidence.get("figures", {}).get("now_bins"):
        return _bins(alert.evidence["figures"])
    points = alert.evidence.get("series") or []
    if not points:
        return None
    unit = WATCHES[alert.kind].unit
    known = [(datetime.fromisoformat(at), value, usual, size) for at, value, usual, size in points]
    return _lines(known, unit, alert.evidence.get("limit"))


def _lines(points: list[tuple[datetime, float | None, float | None, int]], unit: Unit, limit: float | None) -> Picture:
    times = [at.strftime("%Y-%m-%dT%H:%M:%S") for at, *_rest in points]
    now: dict[str, Any] = {
        "name": _("now"),
        "x": times,
        "y": [value for _at, value, _usual, _n in points],
        "meta": {"tone": "person"},
    }
    traces: list[dict[str, Any]] = [{"type": "scatter", "mode": "lines+markers", **now}]
    compared = any(usual is not None for _at, _value, usual, _n in points)
    if compared:
        past: dict[str, Any] = {"name": _("usual"), "x": times, "y": [usual for _at, _v, usual, _n in points]}
        traces.append({"type": "scatter", "mode": "lines", "meta": {"tone": "machine"}, **past})
    if limit is not None:
        line: dict[str, Any] = {
            "name": _("limit"),
            "x": [times[0], times[-1]],
            "y": [limit, limit],
            "meta": {"tone": "limit"},
        }
        traces.append({"type": "scatter", "mode": "lines", "line": {"dash": "dash", "width": 1.5}, **line})
    by_day = len(points) > 1 and points[1][0] - points[0][0] > DAILY_STEP
    shape = "%Y-%m-%d" if by_day else "%Y-%m-%d %H:%M"
    columns = [_("Time (UTC)"), _("now"), *([_("usual")] if compared else []), _("count")]
    rows = [
        [at.strftime(shape), _told(value, unit), *([_told(usual, unit)] if compared else []), str(size)]
        for at, value, usual, size in points
    ]
    words = _("Each step beside the same times before.") if compared else _("Each step up to now.")
    return Picture(words, {"data": traces, "layout": _layout(unit, "date")}, columns, rows)


def _bins(found: dict[str, Any]) -> Picture:
    """Two distributions over the confidence, as shares."""
    now, usual = found["now_bins"], found["usual_bins"]
    labels = [f"{place * BIN:.2f}–{(place + 1) * BIN:.2f}" for place in range(len(now))]
    bars = (
        (_("now"), _shares(now), "person", ""),
        (_("usual"), _shares(usual), "machine", "/"),
    )
    traces = [
        {
            "type": "bar",
            "name": name,
            "x": labels,
            "y": values,
            "meta": {"tone": tone},
            "marker": {"pattern": {"shape": pattern}},
        }
        for name, values, tone, pattern in bars
    ]
    rows = [
        [label, figure(a, Measured.SHARE), str(n), figure(b, Measured.SHARE), str(m)]
        for label, a, n, b, m in zip(labels, _shares(now), now, _shares(usual), usual, strict=True)
    ]
    columns = [_("Confidence"), _("now"), "n", _("usual"), "n"]
    layout = {**_layout(Unit.SHARE, "category"), "barmode": "group"}
    return Picture(_("Answers by the confidence of the machine."), {"data": traces, "layout": layout}, columns, rows)


def _shares(counts: list[int]) -> list[float]:
    whole = sum(counts) or 1
    return [count_ / whole for count_ in counts]


def _told(value: float | None, unit: Unit) -> str:
    if value is None:
        return "–"
    if unit is Unit.SECONDS:
        return duration(value)
    return figure(value, Measured.SHARE) if unit is Unit.SHARE else count(value)


def _layout(unit: Unit, axis: str) -> dict[str, Any]:
    return {
        "margin": {"l": 56, "r": 12, "t": 8, "b": 40},
        "hovermode": "x unified",
        "legend": {"orientation": "h", "y": -0.22, "x": 0},
        "xaxis": {"type": axis, "automargin": True},
        "yaxis": {"rangemode": "tozero", "tickformat": TICKS[unit], "automargin": True, "title": {"text": ""}},
    }
