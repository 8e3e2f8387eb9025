"""The charts, as Plotly figures made of plain dictionaries. Colours are not in them: each trace names its tone in
`meta`, and `charts.js` paints tones from the page's CSS variables, so that one figure serves light, dark and print."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from metrics import watches
from metrics.estimates import Estimate
from metrics.measures import BY_KEY, Unit
from metrics.models import Span
from metrics.report import Report, Step
from metrics.totals import AUTOMATED, merged
from metrics.wording import figure, interval
from review.models import Policy

Trace = dict[str, Any]
HEADROOM = 1.8
FEW = 5  # a step with fewer observations is left out of the line; its table has it
PATTERNS = ("", "/", "x", ".", "-")
TICKS = {Unit.SHARE: ".0%", Unit.SECONDS: "", Unit.PER_HOUR: "", Unit.TASKS: "d", Unit.HOURS: ""}


@dataclass(frozen=True, slots=True)
class Chart:
    """A figure, what it says in one line, and the same as a table."""

    key: str
    title: str
    caption: str
    figure: dict[str, Any]
    columns: list[str]
    rows: list[list[str]] = field(default_factory=list)

    @property
    def place(self) -> str:
        """Id of the element that holds the figure."""
        return f"figure-{self.key}"


def all_charts(report: Report) -> list[Chart]:
    """Every chart of a report, in the order of the page."""
    return [draw(report) for draw in DRAWN.values()]


def throughput(report: Report) -> Chart:
    """Closed cases, policy and people stacked, one pattern per mode."""
    lanes = sorted({(reason not in AUTOMATED, mode) for (mode, reason), n in report.totals.closures.items() if n})
    modes = sorted({mode for _person, mode in lanes})
    counts = {lane: [_closed(step, *lane) for step in report.steps] for lane in lanes}
    traces = [
        _bars(report, _lane_name(lane, several=len(modes) > 1), counts[lane], lane=lane, pattern=modes.index(lane[1]))
        for lane in lanes
    ]
    columns = [_("Time (UTC)"), *(_lane_name(lane, several=len(modes) > 1) for lane in lanes), _("all")]
    rows = [
        [_label(report, step.start), *(str(counts[lane][at]) for lane in lanes), str(step.totals.closed)]
        for at, step in enumerate(report.steps)
    ]
    layout = _layout(Unit.TASKS) | {"barmode": "stack", "bargap": 0.15}
    words = _("Cases closed, by who decided them.")
    return Chart("throughput", _("Throughput"), words, {"data": traces, "layout": layout}, columns, rows)


def escalation(report: Report) -> Chart:
    limits = [
        (_("watch, 15 %"), watches.ESCALATION_BAND, "watch"),
        (_("governor, 20 %"), watches.GOVERNOR, "limit"),
    ]
    words = _("Share of routed cases that went to a person, samples aside.")
    return _lines(
        report, "escalation", _("Escalation rate"), words, shown=[("escalation_rate", "person")], limits=limits
    )


def overrides(report: Report) -> Chart:
    low, high = watches.OVERRIDE_BAND
    limits = [(_("watch, above 30 %"), high, "watch"), (_("watch, below 2 %"), low, "watch")]
    words = _("Escalated cases are the hard ones, so their rate stays high; the band applies to the sample.")
    words = f"{words} {_window_words(report)}"
    shown = [("override_rate", "person"), ("override_rate_sampled", "machine")]
    return _lines(report, "overrides", _("Override rate"), words, shown=shown, limits=limits, wide=True)


def validation(report: Report) -> Chart:
    words = f"{_('Human decisions found wrong, of those a second read or an outcome report has checked.')} {_window_words(report)}"
    shown = [("post_validation_error", "person")]
    return _lines(report, "validation", _("Post-validation errors"), words, shown=shown, wide=True)


def automated(report: Report) -> Chart:
    promise = report.facts.promise
    limits = [(_("promise, %(share)s") % {"share": figure(promise, Unit.SHARE)}, promise, "limit")] if promise else []
    words = f"{_('Decisions by policy found wrong, from the sample.')} {_window_words(report)}"
    shown = [("automated_error", "machine")]
    return _lines(report, "automated", _("Automated errors"), words, shown=shown, limits=limits, wide=True)


def resolution(report: Report) -> Chart:
    manual = report.facts.manual_seconds
    limits = [(_("by hand, %(time)s") % {"time": figure(manual, Unit.SECONDS)}, manual, "watch")] if manual else []
    shown = [("resolution_median", "person"), ("resolution_p90", "second"), ("resolution_blind_median", "machine")]
    words = _("Active time per decision with the machine's output, and without it (read blind).")
    return _lines(report, "resolution", _("Human resolution time"), words, shown=shown, limits=limits)


def attainment(report: Report) -> Chart:
    words = _("Tasks decided by their due moment, of those decided or due.")
    return _lines(report, "attainment", _("SLA attainment"), words, shown=[("sla_attainment", "person")])


def backlog(report: Report) -> Chart:
    values = [step.backlog for step in report.steps]
    trace = _trace(_("open tasks"), _times(report), values, tone="person", mode="lines", fill="tozeroy")
    trace["line"] = {"shape": "hv", "width": 2}
    columns = [_("Time (UTC)"), _("opened"), _("ended"), _("open at the end")]
    rows = [
        [_label(report, s.start), str(s.totals.tasks["opened"]), str(s.totals.tasks["ended"]), str(s.backlog)]
        for s in report.steps
    ]
    figure_ = {"data": [trace], "layout": _layout(Unit.TASKS)}
    return Chart("backlog", _("Backlog"), _("Tasks open at the end of each step."), figure_, columns, rows)


DRAWN: dict[str, Callable[[Report], Chart]] = {
    "throughput": throughput,
    "escalation": escalation,
    "overrides": overrides,
    "automated": automated,
    "validation": validation,
    "resolution": resolution,
    "attainment": attainment,
    "backlog": backlog,
}

Shown = tuple[str, str]  # measure and tone
Limit = tuple[str, float, str]  # name, level and tone
Figures = list[tuple[datetime, Estimate]]
WINDOWS = {Span.DAY: 7, Span.HOUR: 24}  # steps


def _lines(
    report: Report,
    key: str,
    title: str,
    caption: str,
    *,
    shown: Sequence[Shown],
    limits: Sequence[Limit] = (),
    wide: bool = False,
) -> Chart:
    """Measures over time, each with its interval as a band, and the lines they should not cross.

    `wide`: each step stands for the window that ends with it, for what is too rare to tell anything of a single step.
    """
    unit = BY_KEY[shown[0][0]].unit
    figures = {name: _windowed(report, name) if wide else _single(report, name) for name, _tone in shown}
    traces = [trace for name, tone in shown for trace in _banded(name, tone, figures[name])]
    traces += [_limit(report, *limit) for limit in limits]
    columns = [_("Time (UTC)")]
    for name in figures:
        columns += [str(BY_KEY[name].name), _("interval, 95 %"), "n"]
    rows = [
        [_label(report, step.start), *(cell for name in figures for cell in _cells(figures[name][at][1], unit))]
        for at, step in enumerate(report.steps)
    ]
    layout = _layout(unit)
    if unit is Unit.SHARE:
        layout["yaxis"]["range"] = [0, _ceiling(traces)]
    return Chart(key, title, caption, {"data": traces, "layout": layout}, columns, rows)


def _single(report: Report, name: str) -> Figures:
    return [(step.start, step.estimates[name]) for step in report.steps]


def _windowed(report: Report, name: str) -> Figures:
    length, measure = WINDOWS[report.period.span], BY_KEY[name]
    windows = [report.steps[max(0, at + 1 - length) : at + 1] for at in range(len(report.steps))]
    sums = [merged((step.totals for step in window), durations=False) for window in windows]
    return [(step.start, measure.estimate(whole, report.facts)) for step, whole in zip(report.steps, sums, strict=True)]


def _window_words(report: Report) -> str:
    if report.period.span is Span.DAY:
        return _("Each point stands for the seven days up to it.")
    return _("Each point stands for the 24 hours up to it.")


def _ceiling(traces: Sequence[Trace]) -> float:
    """Where the axis of shares ends: above every figure and limit. Bands of thin days may run out of the picture."""
    lines = [trace for trace in traces if trace.get("showlegend") is not False]
    highest = max((y for trace in lines for y in trace["y"]), default=0)
    return float(min(1.02, max(0.1, HEADROOM * highest)))


def _cells(estimate: Estimate, unit: Unit) -> list[str]:
    if not estimate.observations:
        return ["–", "", "0"]
    return [figure(estimate.value, unit), interval(estimate.interval, unit), str(estimate.observations)]


def _banded(name: str, tone: str, figures: Figures) -> list[Trace]:
    """A line through the steps with enough behind them, over the band of its interval."""
    known = [(start, e) for start, e in figures if e.value is not None and e.observations >= FEW]
    unit, label = BY_KEY[name].unit, str(BY_KEY[name].name)
    bounded = [(start, estimate.interval) for start, estimate in known if estimate.interval]
    times = [_stamp(start) for start, _interval in bounded]
    quiet: Trace = {
        "mode": "lines",
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
        "legendgroup": name,
    }
    low = _trace(label, times, [found.low for _start, found in bounded], tone=tone, **quiet)
    high = _trace(label, times, [found.high for _start, found in bounded], tone=tone, fill="tonexty", **quiet)
    high["meta"] = {"tone": tone, "band": True}
    line = _trace(label, [_stamp(start) for start, _e in known], [e.value for _s, e in known], tone=tone)
    line |= {"mode": "lines+markers", "legendgroup": name, "text": [_hover(e, unit) for _s, e in known]}
    line["hovertemplate"] = "%{text}<extra>%{fullData.name}</extra>"
    return [low, high, line]


def _hover(estimate: Estimate, unit: Unit) -> str:
    bounds = interval(estimate.interval, unit)
    return f"{figure(estimate.value, unit)}{f' ({bounds})' if bounds else ''}, n = {estimate.observations}"


def _limit(report: Report, name: str, value: float, tone: str) -> Trace:
    """A level line over the whole time."""
    times = _times(report)
    ends = [times[0], times[-1]] if times else []
    trace = _trace(name, ends, [value] * len(ends), tone=tone, mode="lines", hoverinfo="skip")
    return trace | {"line": {"dash": "dash", "width": 1.5}}


def _bars(report: Report, name: str, values: list[int], *, lane: tuple[bool, str], pattern: int) -> Trace:
    trace = _trace(name, _times(report), values, tone="person" if lane[0] else "machine")
    return trace | {"type": "bar", "marker": {"pattern": {"shape": PATTERNS[pattern % len(PATTERNS)]}}}


def _trace(name: str, x: list[str], y: Sequence[float | None], *, tone: str, **more: Any) -> Trace:
    return {"type": "scatter", "name": name, "x": x, "y": list(y), "meta": {"tone": tone}, **more}


def _layout(unit: Unit) -> dict[str, Any]:
    """Everything but colours and fonts."""
    return {
        "margin": {"l": 56, "r": 12, "t": 8, "b": 40},
        "hovermode": "x unified",
        "legend": {"orientation": "h", "y": -0.18, "x": 0},
        "xaxis": {"type": "date", "automargin": True},
        "yaxis": {"rangemode": "tozero", "tickformat": TICKS[unit], "automargin": True, "title": {"text": _axis(unit)}},
    }


def _axis(unit: Unit) -> str:
    names = {Unit.SECONDS: _("seconds"), Unit.PER_HOUR: _("per hour"), Unit.HOURS: _("hours")}
    return names.get(unit, "")


def _closed(step: Step, by_person: bool, mode: str) -> int:  # noqa: FBT001 - half of the key of a lane
    return sum(
        n for (m, reason), n in step.totals.closures.items() if m == mode and (reason not in AUTOMATED) == by_person
    )


def _lane_name(lane: tuple[bool, str], *, several: bool) -> str:
    who = _("by a person") if lane[0] else _("by policy")
    return f"{who}, {Policy.Mode(lane[1]).label}" if several and lane[1] in Policy.Mode.values else who


def _times(report: Report) -> list[str]:
    return [_stamp(step.start) for step in report.steps]


def _stamp(start: datetime) -> str:
    return start.strftime("%Y-%m-%dT%H:%M:%S")


def _label(report: Report, start: datetime) -> str:
    return start.strftime("%Y-%m-%d" if report.period.span is Span.DAY else "%Y-%m-%d %H:%M")
