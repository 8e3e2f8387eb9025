"""How long work takes: all of it at once, with the machine and without."""

from __future__ import annotations

from itertools import accumulate
from typing import Any

from django.utils.translation import gettext as _

from metrics import differences, estimates
from metrics.charts.base import Cell, Chart, Look, Table, Trace, counted, layout, told, trace
from metrics.histograms import Histogram, middle
from metrics.intervals import Interval
from metrics.measures import Unit
from metrics.report import Report
from metrics.wording import figure, interval

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)


def spread(report: Report, look: Look) -> Chart:
    """The share of decisions done within a time."""
    arms = _arms(report)
    data = [_curve(name, histogram, tone) for name, histogram, tone, _what in arms if len(histogram)]
    manual = report.facts.manual_seconds
    made = layout(Unit.SHARE, time=False)
    made["xaxis"] |= {"type": "log", "title": {"text": _("seconds")}}
    made["yaxis"] |= {"range": [0, 1.02]}
    if manual:
        name = _("by hand, %(time)s") % {"time": figure(manual, Unit.SECONDS)}
        data.append(trace(name, [manual, manual], [0, 1], tone="watch", mode="lines", line={"dash": "dash"}))
    columns = [_("Work"), *(_("%(n)d %% within") % {"n": round(100 * at)} for at in QUANTILES), "n"]
    rows: list[list[str]] = [
        [
            name,
            *(told(histogram.quantile(at), Unit.SECONDS) for at in QUANTILES),
            counted(len(histogram), look.behind(what)),
        ]
        for name, histogram, _tone, what in arms
    ]
    words = _("How many decisions are made within a time, with the machine's output and read blind.")
    figure_ = {"data": data, "layout": made}
    return Chart("spread", _("Times at a glance"), words, figure_, columns, rows, over_time=False)


def against(report: Report) -> Table:
    """The median with the machine, beside the control arm and the work by hand."""
    active, blind = (estimates.quantile(part, 0.5) for part in (report.totals.active, report.totals.blind))
    rows: list[list[str]] = [[_("with the machine's output"), *_told(active), "", ""]]
    change = differences.of_figures(active, blind)
    rows.append([_("read blind, the control arm"), *_told(blind), *_change(change, blind.value)])
    manual = report.facts.manual_seconds
    if manual and active.value is not None:
        fixed = estimates.Estimate(manual, Interval(manual, manual), manual, 1, 1)
        hand = [told(manual, Unit.SECONDS), "", "–"]
        rows.append(
            [_("by hand, as the case type says"), *hand, *_change(differences.of_figures(active, fixed), manual)]
        )
    columns = [_("Work"), _("median"), _("interval, 95 %"), "n", _("the machine changes it by"), _("interval, 95 %")]
    return Table("against", _("Against the work without the machine"), columns, rows)


def _told(estimate: estimates.Estimate) -> list[str]:
    bounds = interval(estimate.interval, Unit.SECONDS)
    return [told(estimate.value, Unit.SECONDS), bounds, counted(estimate.observations)]


def _change(change: differences.Change | None, base: float | None) -> list[str]:
    if change is None or not base:
        return ["–", ""]
    share = change.value / base
    bounds = change.interval.scaled(1 / base) if change.interval else None
    return [Cell(f"{share:+.0%}", share), interval(bounds, Unit.SHARE)]


def _arms(report: Report) -> list[tuple[str, Histogram, str, str]]:
    return [
        (_("with the machine's output"), report.totals.active, "person", "active"),
        (_("read blind"), report.totals.blind, "machine", "blind"),
    ]


def _curve(name: str, histogram: Histogram, tone: str) -> Trace:
    buckets = sorted(histogram.counts)
    shares = [part / len(histogram) for part in accumulate(histogram.counts[at] for at in buckets)]
    line: dict[str, Any] = {"shape": "hv", "width": 2}
    return trace(name, [max(0.01, middle(at)) for at in buckets], shares, tone=tone, mode="lines", line=line)
