"""A report: the measures of a time, beside those of another, and step by step. It reads rollups alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from django.db.models import Sum

from metrics import backlog, loading, measures
from metrics.backlog import Lane, Standing
from metrics.estimates import Estimate, Facts, share
from metrics.histograms import Histogram
from metrics.loading import EVERYTHING, LaneSums, Loaded
from metrics.models import PersonRollup, Span
from metrics.periods import Period, floor
from metrics.totals import Totals, looked_at, merged
from review.models import Policy, Queue

WINDOWS = {Span.DAY: 7, Span.HOUR: 24}  # steps


class Estimates(dict[str, Estimate]):
    """A step's figures by measure, each computed when it is first asked for."""

    def __init__(self, make: Callable[[str], Estimate]) -> None:
        super().__init__()
        self._make = make

    def __missing__(self, key: str) -> Estimate:
        self[key] = self._make(key)
        return self[key]


@dataclass(frozen=True, slots=True)
class Step:
    """One hour or day of a report, with the tasks open at its end."""

    start: datetime
    totals: Totals
    estimates: Estimates
    backlog: int


@dataclass(frozen=True, slots=True)
class QueueLine:
    """How one queue and priority kept up."""

    queue_id: int
    queue: str
    key: str
    priority: int
    settled: int
    met: int
    attainment: Estimate
    waiting: Histogram
    active: Histogram


@dataclass(frozen=True)
class Report:
    period: Period
    now: datetime
    totals: Totals
    facts: Facts
    readings: list[measures.Reading]
    steps: list[Step]
    queues: list[QueueLine] = field(default_factory=list)
    other: Report | None = None  # the time it is compared with

    @cached_property
    def windows(self) -> list[Totals]:
        """For each step what was looked at in the window that ends with it."""
        length = WINDOWS[self.period.span]
        parts = [step.totals for step in self.steps]
        return [looked_at(parts[max(0, at + 1 - length) : at + 1]) for at in range(len(parts))]

    @property
    def empty(self) -> bool:
        """Nothing at all happened."""
        return not (self.totals.received or self.totals.routed or self.totals.closed or self.totals.tasks.total())

    def reading(self, key: str) -> measures.Reading:
        return next(found for found in self.readings if found.measure.key == key)


def build(
    period: Period,
    *,
    now: datetime | None = None,
    needs: frozenset[str] = EVERYTHING,
    other: Period | None = None,
) -> Report:
    """The report of a period. `needs` leaves tables out that nothing on the page is computed from."""
    now = now or datetime.now(UTC)
    beside = _built(other, now=now, needs=needs) if other else None
    return _built(period, now=now, needs=needs, other=beside)


def _built(period: Period, *, now: datetime, needs: frozenset[str], other: Report | None = None) -> Report:
    loaded = loading.load(period, needs=needs, now=now)
    begun = loaded.steps
    standing = backlog.standing(period, now=now) if "backlog" in needs else Standing()
    present = floor(now, period.span)
    if present in begun and "backlog" in needs:
        begun[present].tasks["unmet"] = standing.late.total()
    whole = merged(begun.values())
    levels = _levels(standing, begun)
    caught = planted(period) if "people" in needs else (0, 0)
    facts = _facts(period, standing, open_tasks=levels[-1] if levels else 0, caught=caught)
    series = [_step(start, part, facts, level) for (start, part), level in zip(begun.items(), levels, strict=True)]
    late = standing.late if present in begun else {}
    queues = _queues(loaded, late) if "lanes" in needs else []
    readings = [
        found for found in measures.read(whole, before=loaded.before, facts=facts) if obeys(found.measure.heeds, period)
    ]
    return Report(period, now, whole, facts, readings, series, queues, other)


def obeys(heeds: frozenset[str], period: Period) -> bool:
    """Whether a figure's sums are kept apart by all filters in use: else it would be that of something else."""
    return period.only.chosen <= heeds


def _step(start: datetime, totals: Totals, facts: Facts, level: int) -> Step:
    there = Facts(open_tasks=level, promise=facts.promise)
    return Step(start, totals, Estimates(lambda key: measures.BY_KEY[key].estimate(totals, there)), level)


def _levels(standing: Standing, steps: dict[datetime, Totals]) -> list[int]:
    """Open tasks at the end of each step."""
    level, levels = standing.open_before, []
    for totals in steps.values():
        level += totals.tasks["opened"] - totals.tasks["ended"]
        levels.append(max(0, level))
    return levels


def _facts(period: Period, standing: Standing, *, open_tasks: int, caught: tuple[int, int]) -> Facts:
    active = Policy.objects.filter(status=Policy.Status.ACTIVE).exclude(mode=Policy.Mode.VALIDATOR)
    if period.case_type:
        active = active.filter(case_type=period.case_type)
    promised = {
        key: float(promise["error"])
        for key, promise in active.values_list("case_type__key", "promise")
        if isinstance(promise.get("error"), int | float)
    }
    same = set(promised.values())
    return Facts(
        open_tasks=open_tasks,
        overdue_tasks=standing.overdue,
        promise=same.pop() if len(same) == 1 else None,
        manual_seconds=float(period.case_type.manual_minutes) * 60 if period.case_type else None,
        promises=promised,
        planted=caught,
    )


def planted(period: Period) -> tuple[int, int]:
    """How many known cases were shown with a wrong output, and how many of those were caught."""
    rows: Any = loading.narrowed(PersonRollup, period)
    found = rows.aggregate(wrong=Sum("planted_wrong", default=0), caught=Sum("planted_caught", default=0))
    return found["wrong"], found["caught"]


def _queues(loaded: Loaded, late: Any) -> list[QueueLine]:
    """Attainment by queue and priority; the present step is counted live."""
    queues = {pk: (name, key) for pk, name, key in Queue.objects.values_list("pk", "name", "key")}
    lanes: dict[Lane, LaneSums] = {**{lane: LaneSums() for lane in late}, **loaded.lanes}
    lines = []
    for (queue_id, priority), sums in lanes.items():
        settled = sums.counts["met"] + sums.counts["late"] + sums.counts["unmet"] + late.get((queue_id, priority), 0)
        met, (name, key) = sums.counts["met"], queues.get(queue_id, ("–", ""))
        attained = share(met, settled)
        lines.append(QueueLine(queue_id, name, key, priority, settled, met, attained, sums.waiting, sums.active))
    return sorted((line for line in lines if line.settled), key=lambda line: (line.queue, line.priority))
