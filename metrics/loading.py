"""Rows of rollups as totals by step and by lane. The database adds up what it can."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from django.db import models
from django.db.models import Min, Sum, Value

from metrics.backlog import Lane
from metrics.histograms import Histogram
from metrics.models import CheckRollup, FlowRollup, PaceRollup, SampleRollup, Span, WorkRollup
from metrics.periods import STEPS, Period, floor
from metrics.totals import Totals, total

TABLES = {"flow": FlowRollup, "work": WorkRollup, "samples": SampleRollup, "checks": CheckRollup}
MEASURES = frozenset({*TABLES, "durations", "backlog", "people"})  # what the measures are computed from
EVERYTHING = MEASURES | {"lanes"}
COUNTERS = ("opened", "ended", "met", "late", "unmet", "shown", "overrides", "checked", "wrong", "active_seconds")
DURATIONS = ("active", "blind", "waiting")
NOTHING = dict.fromkeys(DURATIONS, b"")


@dataclass(slots=True)
class LaneSums:
    """One queue and priority over a time."""

    counts: Counter[str] = field(default_factory=Counter)
    waiting: Histogram = field(default_factory=Histogram)
    active: Histogram = field(default_factory=Histogram)


@dataclass(slots=True)
class Loaded:
    steps: dict[datetime, Totals]
    lanes: dict[Lane, LaneSums]


def load(period: Period, *, since: datetime, needs: frozenset[str], now: datetime) -> Loaded:
    """Totals of every step from `since` to the end of the period that has begun, and the lanes of the period itself."""
    wide = Period(since, period.end, period.span, period.case_type, period.only)
    durations = "durations" in needs
    rows = {name: list(_rows(name, wide, durations=durations)) if name in needs else [] for name in TABLES}
    begun = _first(wide, rows["flow"]) if "flow" in needs else None
    parts = {name: _by_start(found) for name, found in rows.items()}
    steps = {}
    for start in wide.steps():
        if start <= now:
            hours = _elapsed(start, period.span, begun=begun, now=now)
            steps[start] = total(*(parts[name][start] for name in TABLES), hours=hours)
            if period.only.mode:
                _keep_mode(steps[start], period.only.mode)
    return Loaded(steps, _lanes(period, now=now) if "lanes" in needs else {})


def narrowed(model: type[Any], period: Period) -> Any:
    """The rows of a period and its case type, narrowed by what the table is kept apart by."""
    rows = model.objects.within(period.span, period.start, period.end)
    if period.case_type:
        rows = rows.filter(case_type=period.case_type)
    if period.only.queue and "queue_id" in model.keys:
        rows = rows.filter(queue_id=period.only.queue.pk)
    if period.only.mode and "mode" in model.keys and model is not FlowRollup:
        rows = rows.filter(mode=period.only.mode)
    if period.only.version and "model_version" in model.keys:
        name, number = period.only.model
        rows = rows.filter(model=name, model_version=number)
    return rows


def _rows(name: str, period: Period, *, durations: bool) -> Iterable[Any]:
    model = TABLES[name]
    if model is WorkRollup:
        return _steps_of_work(period, durations=durations)
    fields = [field.attname for field in model._meta.concrete_fields if field.name not in {"id", "span", "case_type"}]
    rows: Iterable[Any] = narrowed(model, period).values_list(*fields, named=True)
    return rows


def _steps_of_work(period: Period, *, durations: bool) -> Iterator[Any]:
    """Work by step. Durations of all queues together have rows of their own, which are few."""
    together = durations and not period.only.queue
    apart = DURATIONS if durations and not together else ()
    paces = _histograms(narrowed(PaceRollup, period), "start", names=DURATIONS) if together else {}
    for row in _work(narrowed(WorkRollup, period), "start", durations=apart):
        vars(row).update(paces.get((row.start,), {}))
        yield row


def _work(rows: Any, *by: str, durations: Sequence[str]) -> Iterator[Any]:
    """Work added up by these keys: counts by the database, histograms put behind each other."""
    sums = {f"sum_{name}": Sum(name) for name in COUNTERS}
    timed = _histograms(rows, *by, names=durations) if durations else {}
    for row in rows.order_by().values(*by).annotate(**sums):
        key, counts = {name: row[name] for name in by}, {name: row[f"sum_{name}"] for name in COUNTERS}
        yield SimpleNamespace(**key, **counts, **{**NOTHING, **timed.get(tuple(key.values()), {})})


def _histograms(rows: Any, *by: str, names: Sequence[str]) -> dict[tuple[Any, ...], dict[str, bytes]]:
    """The packed histograms of every group, each behind the other."""
    found: defaultdict[tuple[Any, ...], list[tuple[bytes, ...]]] = defaultdict(list)
    for values in rows.order_by().values_list(*by, *names):
        found[values[: len(by)]].append(values[len(by) :])
    return {
        key: {name: b"".join(parts) for name, parts in zip(names, zip(*each, strict=True), strict=True)}
        for key, each in found.items()
    }


def _keep_mode(totals: Totals, mode: str) -> None:
    """Cases come in before they have a mode, so what came in stays."""
    totals.routes = Counter({route: n for route, n in totals.routes.items() if route[0] == mode})
    totals.closures = Counter({route: n for route, n in totals.closures.items() if route[0] == mode})


def _by_start(rows: Iterable[Any]) -> defaultdict[datetime, list[Any]]:
    found: defaultdict[datetime, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.start].append(row)
    return found


def _lanes(period: Period, *, now: datetime) -> dict[Lane, LaneSums]:
    """What is due in the step under way and still open is left to who counts it live: so that step is a group of its own."""
    present = floor(now, period.span)
    past = models.Case(models.When(start__lt=present, then=Value(1)), default=Value(0))
    rows = narrowed(WorkRollup, period).filter(start__lte=now).annotate(past=past)
    found: defaultdict[Lane, LaneSums] = defaultdict(LaneSums)
    for row in _work(rows, "queue_id", "priority", "past", durations=("active", "waiting")):
        lane = found[row.queue_id, row.priority]
        lane.counts.update(met=row.met, late=row.late, unmet=row.unmet if row.past else 0)
        lane.active += Histogram.added([row.active])
        lane.waiting += Histogram.added([row.waiting])
    return dict(found)


def _first(period: Period, rows: list[Any]) -> datetime | None:
    """The hour of the first case there ever was: before it the clock does not count. Asked for only where it may matter."""
    if any(row.received and row.start == period.start for row in rows) and period.span is Span.HOUR:
        return period.start
    found = FlowRollup.objects.filter(span=Span.HOUR, received__gt=0)
    if period.case_type:
        found = found.filter(case_type=period.case_type)
    first: datetime | None = found.aggregate(first=Min("start"))["first"]
    return first


def _elapsed(start: datetime, span: Span, *, begun: datetime | None, now: datetime) -> float:
    if begun is None:
        return 0.0
    return max(0.0, (min(start + STEPS[span], now) - max(start, begun)).total_seconds() / 3600)
