"""Measures over time: a line through its intervals, beside another time, and the levels it should not cross."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from metrics import watches
from metrics.charts.base import Chart, Look, Trace, beside, cells, href_of, label, layout, stamp, times, trace
from metrics.estimates import Estimate
from metrics.measures import BY_KEY, Unit
from metrics.models import Span
from metrics.periods import STEPS
from metrics.report import WINDOWS, Report
from metrics.wording import figure

HEADROOM = 1.8
FEW = 5  # a step with fewer observations is left out of the line; its table has it
Shown = tuple[str, str]  # measure and tone
Limit = tuple[str, float, str]  # name, level and tone
Figures = list[tuple[datetime, Estimate]]
LARGER = ((3600, gettext_lazy("hours")), (60, gettext_lazy("minutes")))
MANY = 4  # of a unit, before it is used
# What stands behind a point: the figure of the list of cases, by measure.
BEHIND = {
    "escalation_rate": "routed",
    "override_rate": "shown",
    "override_rate_sampled": "samples",
    "post_validation_error": "checked",
    "automated_error": "samples_automated",
    "resolution_median": "active",
    "resolution_p90": "active",
    "resolution_blind_median": "blind",
    "sla_attainment": "settled",
    "waiting_median": "waiting",
    "waiting_p90": "waiting",
}


def escalation(report: Report, look: Look) -> Chart:
    limits = [
        (_("watch, 15 %"), watches.ESCALATION_BAND, "watch"),
        (_("governor, 20 %"), watches.GOVERNOR, "limit"),
    ]
    words = _("Share of routed cases that went to a person, samples aside.")
    shown = [("escalation_rate", "person")]
    return lines(report, look, "escalation", _("Escalation rate"), words, shown=shown, limits=limits)


def overrides(report: Report, look: Look) -> Chart:
    low, high = watches.OVERRIDE_BAND
    limits = [(_("watch, above 30 %"), high, "watch"), (_("watch, below 2 %"), low, "watch")]
    words = _("Escalated cases are the hard ones, so their rate stays high; the band applies to the sample.")
    words = f"{words} {window_words(report)}"
    shown = [("override_rate", "person"), ("override_rate_sampled", "machine")]
    return lines(report, look, "overrides", _("Override rate"), words, shown=shown, limits=limits, wide=True)


def validation(report: Report, look: Look) -> Chart:
    words = _("Human decisions found wrong, of those a second read or an outcome report has checked.")
    words = f"{words} {window_words(report)}"
    shown = [("post_validation_error", "person")]
    return lines(report, look, "validation", _("Post-validation errors"), words, shown=shown, wide=True)


def automated(report: Report, look: Look) -> Chart:
    promise = report.facts.promise
    limits = [(_("promise, %(share)s") % {"share": figure(promise, Unit.SHARE)}, promise, "limit")] if promise else []
    words = f"{_('Decisions by policy found wrong, from the sample.')} {window_words(report)}"
    shown = [("automated_error", "machine")]
    return lines(report, look, "automated", _("Automated errors"), words, shown=shown, limits=limits, wide=True)


def resolution(report: Report, look: Look) -> Chart:
    manual = report.facts.manual_seconds
    limits = [(_("by hand, %(time)s") % {"time": figure(manual, Unit.SECONDS)}, manual, "watch")] if manual else []
    shown = [("resolution_median", "person"), ("resolution_p90", "second"), ("resolution_blind_median", "machine")]
    words = _("Active time per decision with the machine's output, and without it (read blind).")
    return lines(report, look, "resolution", _("Human resolution time"), words, shown=shown, limits=limits)


def waiting(report: Report, look: Look) -> Chart:
    words = _("From opened to claimed, of the tasks that ended.")
    shown = [("waiting_median", "person"), ("waiting_p90", "second")]
    return lines(report, look, "waiting", _("Waiting time"), words, shown=shown)


def attainment(report: Report, look: Look) -> Chart:
    words = _("Tasks decided by their due moment, of those decided or due.")
    return lines(report, look, "attainment", _("SLA attainment"), words, shown=[("sla_attainment", "person")])


def lines(
    report: Report,
    look: Look,
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
    figures = {name: windowed(report, name) if wide else single(report, name) for name, _tone in shown}
    told = {name: _told(look, report, name, found, wide=wide) for name, found in figures.items()}
    data = [part for name, tone in shown for part in _banded(name, tone, figures[name], told[name])]
    data += [part for name, tone in shown for part in _other(report, name, tone, wide=wide)]
    data += [_limit(report, *limit) for limit in limits]
    columns = [_("Time (UTC)")]
    for name in figures:
        columns += [str(BY_KEY[name].name), _("interval, 95 %"), "n"]
    rows = [
        [label(report, step.start), *(cell for name in figures for cell in told[name][at])]
        for at, step in enumerate(report.steps)
    ]
    made = layout(unit)
    if unit is Unit.SHARE:
        made["yaxis"]["range"] = [0, _ceiling(data)]
    if unit is Unit.SECONDS:
        made["yaxis"]["title"]["text"] = _in_larger_units(data)
    return Chart(key, title, caption, {"data": data, "layout": made}, columns, rows)


def single(report: Report, name: str) -> Figures:
    return [(step.start, step.estimates[name]) for step in report.steps]


def windowed(report: Report, name: str) -> Figures:
    estimate = BY_KEY[name].estimate
    steps = zip(report.steps, report.windows, strict=True)
    return [(step.start, estimate(whole, report.facts)) for step, whole in steps]


def window_words(report: Report) -> str:
    if report.period.span is Span.DAY:
        return _("Each point stands for the seven days up to it.")
    return _("Each point stands for the 24 hours up to it.")


def _told(look: Look, report: Report, name: str, figures: Figures, *, wide: bool) -> list[list[str]]:
    """Each figure in words: itself, its interval, and the number of observations, which leads to the cases behind it:
    those of its step, or of its whole window."""
    unit, length = BY_KEY[name].unit, WINDOWS[report.period.span] if wide else 1
    first = [figures[max(0, at + 1 - length)][0] for at in range(len(figures))]
    return [
        cells(estimate, unit, href=look.behind(BEHIND[name], since, start + STEPS[report.period.span]))
        for since, (start, estimate) in zip(first, figures, strict=True)
    ]


def _other(report: Report, name: str, tone: str, *, wide: bool) -> list[Trace]:
    if report.other is None:
        return []
    found = windowed(report.other, name) if wide else single(report.other, name)
    values = [estimate.value if estimate.observations >= FEW else None for _start, estimate in found]
    return beside(report, str(BY_KEY[name].name), values, tone=tone)


def _ceiling(data: Sequence[Trace]) -> float:
    """Where the axis of shares ends: above every figure and limit. Bands of thin days may run out of the picture."""
    drawn = [part for part in data if part.get("showlegend") is not False]
    highest = max((y for part in drawn for y in part["y"] if y is not None), default=0)
    return float(min(1.02, max(0.1, HEADROOM * highest)))


def _in_larger_units(data: Sequence[Trace]) -> str:
    """Turn seconds into minutes or hours where the figures are that long. Returns the unit."""
    highest = max((y for part in data for y in part["y"] if y is not None), default=0)
    size, words = next(((size, words) for size, words in LARGER if highest > MANY * size), (1, _("seconds")))
    for part in data:
        part["y"] = [None if y is None else y / size for y in part["y"]]
    return str(words)


def _banded(name: str, tone: str, figures: Figures, told: Sequence[Sequence[str]]) -> list[Trace]:
    """A line through the steps with enough behind them, over the band of its interval."""
    known = [(at, start, e) for at, (start, e) in enumerate(figures) if e.value is not None and e.observations >= FEW]
    words = str(BY_KEY[name].name)
    bounded = [(start, estimate.interval) for _at, start, estimate in known if estimate.interval]
    quiet: Trace = {
        "mode": "lines",
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
        "legendgroup": name,
    }
    stamps = [stamp(start) for start, _interval in bounded]
    low = trace(words, stamps, [found.low for _start, found in bounded], tone=tone, **quiet)
    high = trace(words, stamps, [found.high for _start, found in bounded], tone=tone, fill="tonexty", **quiet)
    high["meta"] = {"tone": tone, "band": True}
    line = trace(words, [stamp(start) for _at, start, _e in known], [e.value for _at, _s, e in known], tone=tone)
    line |= {"mode": "lines+markers", "legendgroup": name, "text": [_hover(*told[at]) for at, _s, _e in known]}
    line["hovertemplate"] = "%{text}<extra>%{fullData.name}</extra>"
    line["customdata"] = [href_of(told[at][-1]) for at, _s, _e in known]
    return [low, high, line]


def _hover(value: str, interval: str, observations: str) -> str:
    return f"{value}{f' ({interval})' if interval else ''}, n = {observations}"


def _limit(report: Report, name: str, value: float, tone: str) -> Trace:
    """A level line over the whole time."""
    stamps = times(report)
    ends = [stamps[0], stamps[-1]] if stamps else []
    made = trace(name, ends, [value] * len(ends), tone=tone, mode="lines", hoverinfo="skip")
    return made | {"line": {"dash": "dash", "width": 1.5}}
