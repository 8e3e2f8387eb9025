"""What comes, what goes, and what stays."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime
from typing import Any

from django.db.models import Sum
from django.utils.translation import gettext as _

from metrics import estimates, loading
from metrics.charts.base import (
    PATTERNS,
    TONES,
    Chart,
    Look,
    Trace,
    beside,
    counted,
    label,
    layout,
    stamp,
    times,
    trace,
)
from metrics.measures import Unit
from metrics.models import SourceRollup
from metrics.periods import STEPS
from metrics.report import WINDOWS, Report, Step
from metrics.totals import AUTOMATED
from review.models import Policy

Lane = tuple[bool, str]  # by a person, and the mode
MOST_SOURCES = 4
AHEAD = 4  # the forecast reaches a quarter of the time ahead


def throughput(report: Report, look: Look) -> Chart:
    """Closed cases, policy and people stacked, one pattern per mode."""
    lanes = sorted({(reason not in AUTOMATED, mode) for (mode, reason), n in report.totals.closures.items() if n})
    modes = sorted({mode for _person, mode in lanes})
    counts = {lane: [_closed(step, *lane) for step in report.steps] for lane in lanes}
    behind = {lane: [_closed_behind(look, step.start, lane) for step in report.steps] for lane in lanes}
    several = len(modes) > 1
    data = []
    for lane in lanes:
        made = _bars(report, _lane_name(lane, several=several), counts[lane], lane=lane, pattern=modes.index(lane[1]))
        made["customdata"] = behind[lane]
        data.append(made)
    if report.other:
        data += beside(report, _("all"), [step.totals.closed for step in report.other.steps], tone="second")
    columns = [_("Time (UTC)"), *(_lane_name(lane, several=several) for lane in lanes), _("all")]
    rows: list[list[str]] = [
        [
            label(report, step.start),
            *(counted(counts[lane][at], behind[lane][at]) for lane in lanes),
            counted(step.totals.closed, look.behind("closed", step.start)),
        ]
        for at, step in enumerate(report.steps)
    ]
    words = _("Cases closed, by who decided them.")
    figure = {"data": data, "layout": layout(Unit.TASKS, barmode="stack", bargap=0.15)}
    return Chart("throughput", _("Throughput"), words, figure, columns, rows)


def arrivals(report: Report, look: Look) -> Chart:
    """What comes in by source, against what is decided."""
    found, names = _by_source(report)
    data = []
    for at, name in enumerate(names):
        values = [found[step.start][name] for step in report.steps]
        made = trace(name or _("no source"), times(report), values, tone=TONES[at % len(TONES)], type="bar")
        made["marker"] = {"pattern": {"shape": PATTERNS[at % len(PATTERNS)]}}
        if name != _("others"):
            made["customdata"] = [look.behind("received", step.start, source=name) for step in report.steps]
        data.append(made)
    closed = [step.totals.closed for step in report.steps]
    behind = [look.behind("closed", step.start) for step in report.steps]
    line = trace(_("closed"), times(report), closed, tone="limit", mode="lines+markers")
    data.append(line | {"customdata": behind})
    rows: list[list[str]] = [
        [
            label(report, step.start),
            *(counted(found[step.start][name]) for name in names),
            counted(step.totals.received, look.behind("received", step.start)),
            counted(closed[at], behind[at]),
        ]
        for at, step in enumerate(report.steps)
    ]
    columns = [_("Time (UTC)"), *(name or _("no source") for name in names), _("all received"), _("closed")]
    figure = {"data": data, "layout": layout(Unit.TASKS, barmode="stack", bargap=0.15)}
    words = _("Cases that came in by source, and cases closed. Where the line runs below the bars, work piles up.")
    return Chart("arrivals", _("Arrivals and decisions"), words, figure, columns, rows)


def _by_source(report: Report) -> tuple[dict[datetime, Counter[str]], list[str]]:
    """Cases received by step and source; the smaller sources as one."""
    rows: Any = loading.narrowed(SourceRollup, report.period)
    sums = rows.values_list("start", "source").order_by().annotate(count=Sum("received"))
    found: defaultdict[datetime, Counter[str]] = defaultdict(Counter)
    whole: Counter[str] = Counter()
    for start, source, count in sums:
        found[start][source] += count
        whole[source] += count
    large = [name for name, _n in whole.most_common(MOST_SOURCES)]
    for counts in found.values():
        rest = sum(n for name, n in counts.items() if name not in large)
        for name in [name for name in counts if name not in large]:
            del counts[name]
        if rest:
            counts[_("others")] += rest
    return found, large + ([_("others")] if len(whole) > len(large) else [])


def backlog(report: Report, look: Look) -> Chart:
    """Open tasks, and where they go at the pace of the last days."""
    values = [step.backlog for step in report.steps]
    line = trace(_("open tasks"), times(report), values, tone="person", mode="lines", fill="tozeroy")
    line["line"] = {"shape": "hv", "width": 2}
    behind = [look.behind("open", step.start) for step in report.steps]
    line["customdata"] = behind
    data = [line, *_forecast(report)]
    if report.other:
        data += beside(report, _("open tasks"), [step.backlog for step in report.other.steps], tone="person")
    columns = [_("Time (UTC)"), _("opened"), _("ended"), _("open at the end")]
    rows: list[list[str]] = [
        [
            label(report, step.start),
            counted(step.totals.tasks["opened"], look.behind("opened", step.start)),
            counted(step.totals.tasks["ended"], look.behind("ended", step.start)),
            counted(step.backlog, behind[at]),
        ]
        for at, step in enumerate(report.steps)
    ]
    words = _("Tasks open at the end of each step, and the forecast at the pace of the last steps, with its interval.")
    return Chart("backlog", _("Backlog"), words, {"data": data, "layout": layout(Unit.TASKS)}, columns, rows)


def _forecast(report: Report) -> list[Trace]:
    """From now on, while the time is still under way: the pace of the last window, with its interval."""
    if not report.steps or report.period.end < report.now:
        return []
    window = report.steps[-WINDOWS[report.period.span] :]
    opened, ended = (sum(step.totals.tasks[name] for step in window) for name in ("opened", "ended"))
    pace = estimates.growth(opened, ended, sum(step.totals.hours for step in window))
    if pace.value is None or pace.interval is None:
        return []
    last, hours = report.steps[-1], STEPS[report.period.span].total_seconds() / 3600
    ahead = range(max(2, len(report.steps) // AHEAD) + 1)
    stamps = [stamp(last.start + n * STEPS[report.period.span]) for n in ahead]
    low, middle, high = (
        [max(0.0, last.backlog + rate * n * hours) for n in ahead]
        for rate in (pace.interval.low, pace.value, pace.interval.high)
    )
    quiet: Trace = {"mode": "lines", "line": {"width": 0}, "hoverinfo": "skip", "showlegend": False}
    below = trace(_("forecast"), stamps, low, tone="second", **quiet)
    above = trace(_("forecast"), stamps, high, tone="second", fill="tonexty", **quiet)
    return [below, above, trace(_("forecast"), stamps, middle, tone="second", mode="lines", line={"dash": "dash"})]


def _closed_behind(look: Look, start: datetime, lane: Lane) -> str:
    return look.behind("closed", start, by="person" if lane[0] else "policy", mode=lane[1])


def _bars(report: Report, name: str, values: list[int], *, lane: Lane, pattern: int) -> Trace:
    made = trace(name, times(report), values, tone="person" if lane[0] else "machine", type="bar")
    return made | {"marker": {"pattern": {"shape": PATTERNS[pattern % len(PATTERNS)]}}}


def _closed(step: Step, by_person: bool, mode: str) -> int:  # noqa: FBT001 - half of the key of a lane
    return sum(
        n for (m, reason), n in step.totals.closures.items() if m == mode and (reason not in AUTOMATED) == by_person
    )


def _lane_name(lane: Lane, *, several: bool) -> str:
    who = _("by a person") if lane[0] else _("by policy")
    return f"{who}, {Policy.Mode(lane[1]).label}" if several and lane[1] in Policy.Mode.values else who
