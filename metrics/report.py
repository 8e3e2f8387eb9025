"""A report: the measures of a time, beside those of the time before, and step by step. It reads rollups alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Min, Q, QuerySet, Sum

from metrics import backlog, measures
from metrics.estimates import Estimate, Facts, share
from metrics.models import CheckRollup, FlowRollup, Rollup, SampleRollup, Span, WorkRollup
from metrics.periods import STEPS, Period, floor
from metrics.totals import Totals, merged, total
from review.models import Policy, Queue


@dataclass(frozen=True, slots=True)
class Step:
    """One hour or day of a report, with the tasks open at its end."""

    start: datetime
    totals: Totals
    estimates: dict[str, Estimate]
    backlog: int


@dataclass(frozen=True, slots=True)
class QueueLine:
    """How one queue and priority kept up."""

    queue: str
    priority: int
    settled: int
    met: int
    attainment: Estimate


@dataclass(frozen=True, slots=True)
class Report:
    period: Period
    now: datetime
    totals: Totals
    facts: Facts
    readings: list[measures.Reading]
    steps: list[Step]
    queues: list[QueueLine]

    @property
    def empty(self) -> bool:
        """Nothing at all happened."""
        return not (self.totals.received or self.totals.routed or self.totals.closed or self.totals.tasks.total())


def build(period: Period, *, now: datetime | None = None) -> Report:
    """The report of a period."""
    now = now or datetime.now(UTC)
    steps = _totals(period, now)
    whole = merged(steps.values())
    levels = _backlogs(period, steps, now)
    facts = _facts(period, open_tasks=levels[-1] if levels else 0, now=now)
    readings = measures.read(whole, before=merged(_totals(period.before, now).values()), facts=facts)
    series = [_step(start, part, facts, level) for (start, part), level in zip(steps.items(), levels, strict=True)]
    return Report(period, now, whole, facts, readings, series, _queues(period, now))


def _step(start: datetime, totals: Totals, facts: Facts, level: int) -> Step:
    there = Facts(open_tasks=level, promise=facts.promise)
    return Step(start, totals, {m.key: m.estimate(totals, there) for m in measures.MEASURES}, level)


def _totals(period: Period, now: datetime) -> dict[datetime, Totals]:
    """Sums of every step that has begun."""
    rows = [_by_start(_rows(model, period)) for model in (FlowRollup, WorkRollup, SampleRollup, CheckRollup)]
    begun = _first(period)
    found = {}
    for start in period.steps():
        if start <= now:
            flow, work, samples, checks = (part[start] for part in rows)
            found[start] = total(flow, work, samples, checks, hours=_elapsed(start, period.span, begun=begun, now=now))
    present = floor(now, period.span)
    if present in found:
        found[present].tasks["unmet"] = backlog.unmet(period.case_type, since=present, now=now).total()
    return found


def _rows(model: type[Any], period: Period) -> QuerySet[Any]:
    rows: QuerySet[Any] = model.objects.within(period.span, period.start, period.end)
    return rows.filter(case_type=period.case_type) if period.case_type else rows


def _by_start(rows: Iterable[Rollup]) -> defaultdict[datetime, list[Any]]:
    found: defaultdict[datetime, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.start].append(row)
    return found


def _first(period: Period) -> datetime | None:
    """The hour of the first case there ever was: before it the clock does not count."""
    rows = FlowRollup.objects.filter(span=Span.HOUR, received__gt=0)
    if period.case_type:
        rows = rows.filter(case_type=period.case_type)
    first: datetime | None = rows.aggregate(first=Min("start"))["first"]
    return first


def _elapsed(start: datetime, span: Span, *, begun: datetime | None, now: datetime) -> float:
    if begun is None:
        return 0.0
    return max(0.0, (min(start + STEPS[span], now) - max(start, begun)).total_seconds() / 3600)


def _backlogs(period: Period, steps: dict[datetime, Totals], now: datetime) -> list[int]:
    """Open tasks at the end of each step."""
    level = backlog.open_at(period.case_type, min(period.start, now))
    levels = []
    for totals in steps.values():
        level += totals.tasks["opened"] - totals.tasks["ended"]
        levels.append(max(0, level))
    return levels


def _facts(period: Period, *, open_tasks: int, now: datetime) -> Facts:
    active = Policy.objects.filter(status=Policy.Status.ACTIVE).exclude(mode=Policy.Mode.VALIDATOR)
    if period.case_type:
        active = active.filter(case_type=period.case_type)
    promised = {
        key: float(promise["error"])
        for key, promise in active.values_list("case_type__key", "promise")
        if isinstance(promise.get("error"), int | float)
    }
    same = set(promised.values())
    manual = float(period.case_type.manual_minutes) * 60 if period.case_type else None
    return Facts(
        open_tasks=open_tasks,
        overdue_tasks=backlog.overdue(period.case_type, now=now),
        promise=same.pop() if len(same) == 1 else None,
        manual_seconds=manual,
        promises=promised,
    )


def _queues(period: Period, now: datetime) -> list[QueueLine]:
    """Attainment by queue and priority, summed in the database; the present step is counted live."""
    present = floor(now, period.span)
    begun = _rows(WorkRollup, period).filter(start__lte=present).values("queue_id", "priority").order_by("priority")
    unmet = Sum("unmet", filter=Q(start__lt=present), default=0)
    late = (
        backlog.unmet(period.case_type, since=present, now=now) if period.start <= present < period.end else Counter()
    )
    names = dict(Queue.objects.values_list("pk", "name"))
    lines = []
    for row in begun.annotate(in_time=Sum("met"), settled=Sum("met") + Sum("late") + unmet):
        settled = row["settled"] + late[row["queue_id"], row["priority"]]
        name = names.get(row["queue_id"], "–")
        lines.append(QueueLine(name, row["priority"], settled, row["in_time"], share(row["in_time"], settled)))
    return sorted((line for line in lines if line.settled), key=lambda line: (line.queue, line.priority))
