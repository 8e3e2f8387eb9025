"""The measures as the page shows them: a card each, and rows for tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from cases.models.choices import Priority
from metrics.measures import Measure, Reading, Unit
from metrics.report import Report
from metrics.watches import NO_PAST, State
from metrics.wording import basis, count, figure, interval

# Word and shape, so that nothing hangs on colour.
SHAPES = {State.GOOD: "●", State.WATCH: "◆", State.ALERT: "▲", State.TOO_FEW: "○", State.PLAIN: ""}
WORDS = {
    State.GOOD: _("in its band"),
    State.WATCH: _("watch"),
    State.ALERT: _("act"),
    State.TOO_FEW: _("not enough data"),
    State.PLAIN: "",
}
COLUMNS = (_("measure"), _("value"), _("low"), _("high"), _("numerator"), _("denominator"), _("unit"), _("state"))
QUEUE_COLUMNS = (_("queue"), _("priority"), _("tasks settled"), _("in time"), _("attainment"), _("interval, 95 %"))
WIDTH, HEIGHT = 120, 28


@dataclass(frozen=True, slots=True)
class Card:
    """One measure: the figure in words, how sure it is, whether it is well, and what to do when it is not."""

    measure: Measure
    value: str
    interval: str
    basis: str
    state: str
    word: object
    shape: str
    remark: object
    advice: object
    line: str  # points of the sparkline


@dataclass(frozen=True, slots=True)
class QueueRow:
    values: Sequence[str]
    breached: bool


def card(reading: Reading, report: Report) -> Card:
    """A figure that rests on too little is not shown: it would be read as one that does not."""
    measure, estimate, verdict = reading.measure, reading.estimate, reading.verdict
    few = verdict.state is State.TOO_FEW
    acts = verdict.state in {State.WATCH, State.ALERT}
    return Card(
        measure=measure,
        value="–" if few else figure(estimate.value, measure.unit),
        interval="" if few or measure.unit is Unit.TASKS else interval(estimate.interval, measure.unit),
        basis=basis(estimate, measure.unit),
        state=verdict.state.value,
        word=WORDS[verdict.state],
        shape=SHAPES[verdict.state],
        remark="" if verdict.remark is NO_PAST else verdict.remark,
        advice=measure.advice if acts else "",
        line="" if few else _sparkline([step.estimates[measure.key].value for step in report.steps]),
    )


def rows(report: Report) -> Iterator[Sequence[object]]:
    """Every measure as numbers."""
    for reading in report.readings:
        estimate, measure = reading.estimate, reading.measure
        ends = (estimate.interval.low, estimate.interval.high) if estimate.interval else (None, None)
        yield (
            measure.key,
            estimate.value,
            *ends,
            estimate.numerator,
            estimate.denominator,
            measure.unit.value,
            reading.verdict.state.value,
        )


def queue_rows(report: Report) -> list[QueueRow]:
    """Queues and priorities, with how many tasks were in time."""
    return [
        QueueRow(
            (
                line.queue,
                str(Priority(line.priority).label),
                count(line.settled),
                count(line.met),
                figure(line.attainment.value, Unit.SHARE),
                interval(line.attainment.interval, Unit.SHARE),
            ),
            breached=line.met < line.settled,
        )
        for line in report.queues
    ]


def _sparkline(values: Sequence[float | None]) -> str:
    """Points of a polyline over the steps that have a figure; nothing for fewer than two."""
    known = [(at, value) for at, value in enumerate(values) if value is not None]
    if len(known) <= 1:
        return ""
    top = max(value for _at, value in known) or 1
    last = len(values) - 1
    return " ".join(f"{at / last * WIDTH:.1f},{HEIGHT - 2 - value / top * (HEIGHT - 4):.1f}" for at, value in known)
