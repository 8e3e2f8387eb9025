"""The measures as the page shows them: a card each, and rows for tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from metrics import differences
from metrics.differences import Change, Kind
from metrics.estimates import Estimate
from metrics.measures import Measure, Reading, Unit
from metrics.report import Report
from metrics.watches import NO_PAST, State
from metrics.wording import basis, figure, interval, signed

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
    change: str = ""  # against the time it is compared with
    changed: bool = False  # whether chance is no explanation of that


@dataclass(frozen=True, slots=True)
class Tile:
    """A plain figure, without a band."""

    name: str
    value: str
    sure: str = ""


def all_cards(report: Report, keys: Sequence[str] = ()) -> list[Card]:
    """A card for each of these measures, or for all, as far as they obey the filters."""
    return [card(reading, report) for reading in report.readings if not keys or reading.measure.key in keys]


def card(reading: Reading, report: Report) -> Card:
    """A figure that rests on too little is not shown: it would be read as one that does not."""
    measure, estimate, verdict = reading.measure, reading.estimate, reading.verdict
    few = verdict.state is State.TOO_FEW
    acts = verdict.state in {State.WATCH, State.ALERT}
    change = None if few else _change(reading, report)
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
        change=change_words(change, measure.unit) if change else "",
        changed=bool(change and change.certain),
    )


def _change(reading: Reading, report: Report) -> Change | None:
    """From the time it is compared with, where that had enough as well."""
    if report.other is None:
        return None
    then = next((found for found in report.other.readings if found.measure is reading.measure), None)
    if then is None or then.verdict.state is State.TOO_FEW:
        return None
    return change_of(reading.measure, reading.estimate, then.estimate)


def change_of(measure: Measure, now: Estimate, then: Estimate) -> Change | None:
    """By the kind of figure: shares differ, rates have a ratio, times and counts differ."""
    if measure.unit is Unit.SHARE:
        return differences.of_shares(now, then)
    if measure.unit is Unit.PER_HOUR and measure.key != "backlog_growth":
        return differences.of_rates(now, then)
    return differences.of_figures(now, then)


def change_words(change: Change, unit: Unit) -> str:
    """The change and its interval, as a sentence's end."""
    if change.kind is Kind.RATIO:
        bounds = f" ({change.interval.low:.2f} – {change.interval.high:.2f})" if change.interval else ""
        return f"×{change.value:.2f}{bounds}"
    if unit is Unit.TASKS:
        return signed(change.value, unit)
    bounds = f" ({signed(change.interval.low, unit)} – {signed(change.interval.high, unit)})" if change.interval else ""
    return f"{signed(change.value, unit)}{bounds}"


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


def _sparkline(values: Sequence[float | None]) -> str:
    """Points of a polyline over the steps that have a figure; nothing for fewer than two."""
    known = [(at, value) for at, value in enumerate(values) if value is not None]
    if len(known) <= 1:
        return ""
    top = max(value for _at, value in known) or 1
    last = len(values) - 1
    return " ".join(f"{at / last * WIDTH:.1f},{HEIGHT - 2 - value / top * (HEIGHT - 4):.1f}" for at, value in known)
