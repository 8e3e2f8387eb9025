"""Rows of rollups as totals by step and by lane. Rows are read as tuples: making models of them costs more than the query."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any, NamedTuple

import msgspec
from django.db import models
from django.db.models import Min
from django.db.models.functions import Cast

from metrics.backlog import Lane
from metrics.histograms import Histogram
from metrics.models import CheckRollup, FlowRollup, SampleRollup, Span, WorkRollup
from metrics.periods import STEPS, Period, floor
from metrics.totals import Totals, total

TABLES = {"flow": FlowRollup, "work": WorkRollup, "samples": SampleRollup, "checks": CheckRollup}
MEASURES = frozenset({*TABLES, "durations", "backlog", "people"})  # what the measures are computed from
EVERYTHING = MEASURES | {"lanes"}
COUNTERS = ("opened", "ended", "met", "late", "unmet", "shown", "overrides", "checked", "wrong", "active_seconds")
DURATIONS = ("active", "blind", "waiting")
Buckets = dict[str, int]
NOTHING: tuple[Buckets, ...] = ({}, {}, {})
decode = msgspec.json.Decoder(dict[str, int]).decode  # several times faster than the field's own


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
    rows = {name: list(_rows(name, wide)) if name in needs and name != "work" else [] for name in TABLES}
    rows["work"] = list(_work(wide, durations="durations" in needs)) if "work" in needs else []
    begun = _first(wide, rows["flow"]) if "flow" in needs else None
    parts = {name: _by_start(found) for name, found in rows.items()}
    parts["work"] = defaultdict(list, {start: [_together(found)] for start, found in parts["work"].items()})
    steps = {}
    for start in wide.steps():
        if start <= now:
            hours = _elapsed(start, period.span, begun=begun, now=now)
            steps[start] = total(*(parts[name][start] for name in TABLES), hours=hours)
            if period.only.mode:
                _keep_mode(steps[start], period.only.mode)
    present = floor(now, period.span)
    kept = [row for row in rows["work"] if period.start <= row.start <= now] if "lanes" in needs else []
    return Loaded(steps, _lanes(kept, present))


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


def _rows(name: str, period: Period) -> Any:
    model = TABLES[name]
    fields = [field.attname for field in model._meta.concrete_fields if field.name not in {"id", "span", "case_type"}]
    return narrowed(model, period).values_list(*fields, named=True)


class Work(NamedTuple):
    """A row of work; the histograms as they are kept, none where nothing reads them."""

    start: datetime
    queue_id: int
    priority: int
    counts: tuple[Any, ...]
    durations: tuple[Buckets, ...]


def _work(period: Period, *, durations: bool) -> Iterator[Work]:
    texts = {f"{name}_text": Cast(name, models.TextField()) for name in DURATIONS} if durations else {}
    rows = (
        narrowed(WorkRollup, period).annotate(**texts).values_list("start", "queue_id", "priority", *COUNTERS, *texts)
    )
    end = 3 + len(COUNTERS)
    for row in rows.order_by():
        start, queue_id, priority = row[:3]
        yield Work(start, queue_id, priority, row[3:end], tuple(decode(text) for text in row[end:]) or NOTHING)


def _together(rows: list[Work]) -> Any:
    """The lanes of one step as one row. Histograms stay as they are kept: making numbers of their keys costs the most."""
    sums = dict(zip(COUNTERS, map(sum, zip(*(row.counts for row in rows), strict=True)), strict=True))
    merged = (_merged(parts) for parts in zip(*(row.durations for row in rows), strict=True))
    return SimpleNamespace(**sums, **dict(zip(DURATIONS, merged, strict=True)))


def _merged(parts: Iterable[Buckets]) -> Buckets:
    found: Buckets = {}
    known = found.get
    for part in parts:
        for bucket, count in part.items():
            found[bucket] = known(bucket, 0) + count
    return found


def _keep_mode(totals: Totals, mode: str) -> None:
    """Cases come in before they have a mode, so what came in stays."""
    totals.routes = Counter({route: n for route, n in totals.routes.items() if route[0] == mode})
    totals.closures = Counter({route: n for route, n in totals.closures.items() if route[0] == mode})


def _by_start(rows: Iterable[Any]) -> defaultdict[datetime, list[Any]]:
    found: defaultdict[datetime, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.start].append(row)
    return found


def _lanes(rows: list[Any], present: datetime) -> dict[Lane, LaneSums]:
    grouped: defaultdict[Lane, list[Any]] = defaultdict(list)
    for row in rows:
        grouped[row.queue_id, row.priority].append(row)
    return {lane: _lane(found, present) for lane, found in grouped.items()}


def _lane(rows: list[Work], present: datetime) -> LaneSums:
    """What is due in the step under way and still open is left to who counts it live."""
    made = LaneSums()
    for row in rows:
        made.counts.update(dict(zip(COUNTERS, row.counts, strict=True)))
        if row.start >= present:
            made.counts["unmet"] -= row.counts[COUNTERS.index("unmet")]
    active, _blind, waiting = (_merged(parts) for parts in zip(*(row.durations for row in rows), strict=True))
    made.active, made.waiting = Histogram.from_json(active), Histogram.from_json(waiting)
    return made


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
