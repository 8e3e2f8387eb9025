"""Rows of rollups as totals by step and by lane. The database adds up what it can."""

from __future__ import annotations

from collections import Counter, defaultdict, namedtuple
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from typing import Any

from django.db import models
from django.db.models import F, Min, Sum, Value

from metrics.backlog import Lane
from metrics.histograms import Histogram
from metrics.models import CheckRollup, FlowRollup, PaceRollup, SampleRollup, Span, WorkRollup
from metrics.periods import STEPS, Period, floor
from metrics.totals import Totals, total

# By name: the table, and what tells its sums apart beside the time.
TABLES: dict[str, tuple[type[Any], tuple[str, ...]]] = {
    "flow": (FlowRollup, ("mode", "reason")),
    "work": (WorkRollup, ()),
    "samples": (SampleRollup, ("probability", "automated")),
    "checks": (CheckRollup, ("probability",)),
}
MEASURES = frozenset({*TABLES, "durations", "backlog", "people"})  # what the measures are computed from
EVERYTHING = MEASURES | {"lanes"}
DURATIONS = ("active", "blind", "waiting")
NOTHING = (b"",) * len(DURATIONS)


class Epoch(models.Func):
    """A moment as whole seconds since 1970: a page reads moments by the thousand, and Django makes each of them in Python."""

    output_field = models.BigIntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        seconds = "CAST(STRFTIME('%%%%s', %(expressions)s) AS INTEGER)"
        return self.as_sql(compiler, connection, template=seconds, **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="EXTRACT(EPOCH FROM %(expressions)s)::bigint", **context)


@dataclass(slots=True)
class LaneSums:
    """One queue and priority over a time."""

    counts: Counter[str] = field(default_factory=Counter)
    waiting: Histogram = field(default_factory=Histogram)
    active: Histogram = field(default_factory=Histogram)


@dataclass(slots=True)
class Loaded:
    steps: dict[datetime, Totals]
    before: Totals  # of the time of equal length before
    lanes: dict[Lane, LaneSums]


def load(period: Period, *, needs: frozenset[str], now: datetime) -> Loaded:
    """Totals of every step of the period that has begun, of the time before it as one, and the lanes of the period."""
    begun = _first(period) if "flow" in needs else None
    parts = {name: _by_step(_rows(name, period, needs, now=now)) for name in TABLES}

    def added(step: int | None, hours: float) -> Totals:
        return _kept(period, total(*(parts[name][step] for name in TABLES), hours=hours))

    def elapsed(start: datetime) -> float:
        return _elapsed(start, period.span, begun=begun, now=now)

    begins = [start for start in period.steps() if start <= now]
    steps = {start: added(int(start.timestamp()), elapsed(start)) for start in begins}
    before = added(None, sum(elapsed(start) for start in period.before.steps()))
    return Loaded(steps, before, _lanes(period, now=now) if "lanes" in needs else {})


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


def _rows(name: str, period: Period, needs: frozenset[str], *, now: datetime) -> list[Any]:
    """The sums of a table up to now, by step and its own keys; the time before is one step, without a beginning.
    Nothing where nothing on the page needs it."""
    if name not in needs:
        return []
    model, keys = TABLES[name]
    wide = replace(period, start=period.before.start)
    earlier = models.When(start__lt=period.start, then=None)
    step = models.Case(earlier, default=Epoch("start"), output_field=models.BigIntegerField())
    rows = narrowed(model, wide).filter(start__lte=now).annotate(step=step)
    if name != "work":
        return list(_summed(rows, model, "step", *keys))
    # Durations of all queues together have rows of their own, which are few.
    paces = rows if period.only.queue else narrowed(PaceRollup, wide).filter(start__lte=now).annotate(step=step)
    return list(_summed(rows, model, "step", timed=_histograms(paces, "step") if "durations" in needs else None))


def _summed(
    rows: Any, model: type[Any], *by: str, timed: Mapping[tuple[Any, ...], Sequence[bytes]] | None = None
) -> Iterator[Any]:
    """Every count of a table by these columns, as tuples that name them, with the durations known."""
    counts = [name for name in model.figures if name not in DURATIONS]
    row = _named(*by, *counts, *DURATIONS)
    keys: dict[str, Any] = {f"by_{name}": F(name) for name in by}
    sums = {f"sum_{name}": Sum(name) for name in counts}
    groups = rows.order_by().values(**keys).annotate(**sums)
    for values in groups.values_list(*(f"by_{name}" for name in by), *sums):
        yield row(*values, *(timed or {}).get(values[: len(by)], NOTHING))


@cache
def _named(*columns: str) -> Any:
    """Tuples with these columns."""
    return namedtuple("_named", columns)  # noqa: PYI024 - known only when it runs


def _histograms(rows: Any, *by: str, names: Sequence[str] = DURATIONS) -> dict[tuple[Any, ...], list[bytes]]:
    """The packed durations of every group, each put behind the other."""
    found: defaultdict[tuple[Any, ...], list[tuple[bytes, ...]]] = defaultdict(list)
    for values in rows.order_by().values_list(*by, *names):
        found[values[: len(by)]].append(values[len(by) :])
    return {key: [b"".join(parts) for parts in zip(*each, strict=True)] for key, each in found.items()}


def _kept(period: Period, totals: Totals) -> Totals:
    """Where one mode is asked for, of that alone. Cases come in before they have a mode, so what came in stays."""
    if mode := period.only.mode:
        totals.routes = Counter({route: n for route, n in totals.routes.items() if route[0] == mode})
        totals.closures = Counter({route: n for route, n in totals.closures.items() if route[0] == mode})
    return totals


def _by_step(rows: Iterable[Any]) -> defaultdict[int | None, list[Any]]:
    found: defaultdict[int | None, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.step].append(row)
    return found


def _lanes(period: Period, *, now: datetime) -> dict[Lane, LaneSums]:
    """What is due in the step under way and still open is left to who counts it live: so that step is a group of its own."""
    present = floor(now, period.span)
    past = models.Case(models.When(start__lt=present, then=Value(1)), default=Value(0))
    rows = narrowed(WorkRollup, period).filter(start__lte=now).annotate(past=past)
    found: defaultdict[Lane, LaneSums] = defaultdict(LaneSums)
    for row in _summed(rows, WorkRollup, "queue_id", "priority", "past"):
        counts = found[row.queue_id, row.priority].counts
        counts.update(met=row.met, late=row.late, unmet=row.unmet if row.past else 0)
    for lane, (waiting, active) in _histograms(rows, "queue_id", "priority", names=("waiting", "active")).items():
        found[lane].waiting, found[lane].active = Histogram(waiting), Histogram(active)
    return dict(found)


def _first(period: Period) -> datetime | None:
    """The hour of the first case there ever was: before it the clock does not count."""
    found = FlowRollup.objects.filter(span=Span.HOUR, received__gt=0)
    if period.case_type:
        found = found.filter(case_type=period.case_type)
    first: datetime | None = found.aggregate(first=Min("start"))["first"]
    return first


def _elapsed(start: datetime, span: Span, *, begun: datetime | None, now: datetime) -> float:
    if begun is None:
        return 0.0
    return max(0.0, (min(start + STEPS[span], now) - max(start, begun)).total_seconds() / 3600)
