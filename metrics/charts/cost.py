"""What the work costs: the model by its bill, people by their time, and by the hour where a wage is set."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Sum
from django.utils.translation import gettext as _

from metrics import loading
from metrics.charts.base import Cell, Chart, Look, beside, counted, label, layout, times, trace
from metrics.measures import Unit
from metrics.models import MachineRollup
from metrics.report import Report
from metrics.wording import duration, money, plain

HOUR = 3600


@dataclass(frozen=True, slots=True)
class Spent:
    """Over some time: cases closed, dollars for the model, seconds of people."""

    closed: int
    model: float
    seconds: float
    wage: float | None

    @property
    def people(self) -> float | None:
        """Dollars for people; None without a wage."""
        return None if self.wage is None else self.seconds / HOUR * self.wage

    def per_case(self, amount: float | None) -> float | None:
        return amount / self.closed if self.closed and amount is not None else None

    @property
    def whole(self) -> float | None:
        return None if self.people is None else self.model + self.people


def bills(look: Look) -> dict[datetime, float]:
    """Dollars for the models by step."""
    rows: Any = loading.narrowed(MachineRollup, look.period)
    return {start: float(cost) for start, cost in rows.values_list("start").order_by().annotate(cost=Sum("cost"))}


def spent(report: Report, look: Look, paid: dict[datetime, float]) -> list[Spent]:
    """Step by step."""
    return [
        Spent(step.totals.closed, paid.get(step.start, 0.0), step.totals.human_seconds, look.wage)
        for step in report.steps
    ]


def total(steps: list[Spent], look: Look) -> Spent:
    return Spent(sum(s.closed for s in steps), sum(s.model for s in steps), sum(s.seconds for s in steps), look.wage)


def dollars(report: Report, look: Look, steps: list[Spent]) -> Chart:
    """What model and people cost, step by step."""
    data = [_bars(report, _("model"), [s.model for s in steps], "machine")]
    if look.wage is not None:
        data.append(_bars(report, _("people"), [s.people for s in steps], "person"))
    made = layout(None, barmode="stack", bargap=0.15)
    made["yaxis"]["title"] = {"text": "USD"}
    columns = [_("Time (UTC)"), _("closed"), _("model, USD"), _("human time"), _("people, USD"), _("per case, USD")]
    rows: list[list[str]] = [
        [
            label(report, step.start),
            counted(part.closed, look.behind("closed", step.start)),
            _paid(part.model),
            Cell(duration(part.seconds), part.seconds),
            _paid(part.people),
            _paid(part.per_case(part.whole if part.whole is not None else part.model)),
        ]
        for step, part in zip(report.steps, steps, strict=True)
    ]
    return Chart("dollars", _("Cost"), _about(look), {"data": data, "layout": made}, columns, rows)


def per_case(report: Report, look: Look, steps: list[Spent]) -> Chart:
    """Human seconds of each closed case."""
    values = [part.per_case(part.seconds) for part in steps]
    line = trace(_("human time per case"), times(report), values, tone="person", mode="lines+markers")
    data = [line]
    if report.other:
        others = [s.totals.human_seconds / s.totals.closed if s.totals.closed else None for s in report.other.steps]
        data += beside(report, _("human time per case"), others, tone="person")
    columns = [_("Time (UTC)"), _("closed"), _("human hours"), _("human time per case")]
    rows: list[list[str]] = [
        [
            label(report, step.start),
            counted(part.closed, look.behind("closed", step.start)),
            Cell(plain(part.seconds / HOUR), part.seconds / HOUR),
            Cell("–" if value is None else duration(value), "" if value is None else value),
        ]
        for step, part, value in zip(report.steps, steps, values, strict=True)
    ]
    words = _("Active time of people, readings of samples included, over all cases closed, those by policy too.")
    figure = {"data": data, "layout": layout(Unit.SECONDS)}
    return Chart("per_case", _("Human time per case"), words, figure, columns, rows)


def _about(look: Look) -> str:
    if look.wage is None:
        return _("The bills of the models. Set HUMAN_HOUR_COST to see what people's time costs beside them.")
    return _("The bills of the models, and people's time at %(wage)s an hour.") % {"wage": money(look.wage)}


def _paid(amount: float | None) -> Cell:
    return Cell(money(amount), "" if amount is None else amount)


def _bars(report: Report, name: str, values: list[Any], tone: str) -> dict[str, Any]:
    return trace(name, times(report), values, tone=tone, type="bar")
