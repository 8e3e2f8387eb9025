"""The sums of one case type over some hours, straight from the base tables: exact, and the same however often they run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Cast, Coalesce, Floor, Least, Ln, Trunc

from cases.models import Case
from cases.models.choices import Reason
from feedback.models import OutcomeReport, Sample, SecondRead
from metrics import chances, histograms
from metrics.models import CheckRollup, FlowRollup, Rollup, SampleRollup, Span, WorkRollup
from review.models import Decision, Queue, ReviewTask

R = TypeVar("R", bound=Rollup)
# Work on work: checks of another person's decision are no production.
CHECKS = (Reason.SECOND_READ, Reason.SECOND_APPROVAL)
OVERTURNED = (SecondRead.Verdict.SECOND, SecondRead.Verdict.NEITHER)


@dataclass(frozen=True, slots=True)
class Slice:
    """Whole hours of one case type, from `start` up to `end`."""

    case_type_id: int
    start: datetime
    end: datetime

    def during(self, moment: str) -> Q:
        return Q(**{f"{moment}__gte": self.start, f"{moment}__lt": self.end})


class Rows(Generic[R]):
    """The rows of a table under construction, one per hour and key."""

    def __init__(self, model: type[R], case_type_id: int) -> None:
        self.model = model
        self.case_type_id = case_type_id
        self.rows: dict[tuple[Any, ...], R] = {}

    def at(self, start: datetime, **key: Any) -> R:
        """The row of this hour and key, made when it is first asked for."""
        place = (start, *key.values())
        if place not in self.rows:
            self.rows[place] = self.model(case_type_id=self.case_type_id, span=Span.HOUR, start=start, **key)
        return self.rows[place]

    def __iter__(self) -> Iterator[R]:
        return iter(self.rows.values())


class Seconds(models.Func):
    """A difference of two moments as seconds; SQLite keeps it in microseconds."""

    output_field = models.FloatField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="(%(expressions)s / 1000000.0)", **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="EXTRACT(EPOCH FROM %(expressions)s)::float8", **context)


def hour(moment: str) -> Trunc:
    """The hour (UTC) of a column."""
    return Trunc(moment, "hour", tzinfo=UTC)


def bucket(seconds: Any) -> models.Case:
    """SQL of `histograms.bucket_of`."""
    logarithm = Ln(seconds / Value(histograms.FLOOR)) / Value(math.log(histograms.GROWTH))
    number = Least(Floor(logarithm) + Value(1.0), Value(float(histograms.LAST)))
    return models.Case(
        models.When(models.lookups.LessThan(seconds, Value(histograms.FLOOR)), then=Value(0)),
        default=Cast(number, models.IntegerField()),
        output_field=models.IntegerField(),
    )


def flow(part: Slice) -> Iterable[FlowRollup]:
    """Cases received, routed and closed, each in the hour it happened."""
    rows = Rows(FlowRollup, part.case_type_id)
    cases = Case.objects.filter(case_type_id=part.case_type_id)
    received = cases.filter(part.during("created_at")).values(start=hour("created_at")).annotate(count=Count("pk"))
    for group in received.order_by():
        rows.at(group["start"], mode="", reason="").received += group["count"]
    for moment, column in (("routed_at", "routed"), ("closed_at", "closed")):
        for found in _routes(cases.filter(part.during(moment)), moment):
            row = rows.at(found["start"], mode=found["mode"], reason=found["why"])
            setattr(row, column, getattr(row, column) + found["count"])
    return rows


def _routes(cases: QuerySet[Case], moment: str) -> Iterable[dict[str, Any]]:
    """Counts by hour, mode and reason of the first routing; a case reopened later keeps the route it first took."""
    automatic = Decision.objects.by_policy().filter(case=OuterRef("pk"), case_version=1)
    first = ReviewTask.objects.filter(case=OuterRef("pk"), planted=False).order_by("pk")
    why = models.Case(
        models.When(Exists(automatic), then=Value("")),
        default=Coalesce(Subquery(first.values("reason")[:1]), Value("")),
    )
    mode = Coalesce(
        Subquery(automatic.values("policy__mode")[:1]), Subquery(first.values("policy__mode")[:1]), Value("")
    )
    marked: QuerySet[Any, Any] = cases.annotate(start=hour(moment), mode=mode, why=why).order_by()
    groups: Iterable[dict[str, Any]] = marked.values("start", "mode", "why").annotate(count=Count("pk"))
    return groups


def work(part: Slice) -> Iterable[WorkRollup]:
    """Tasks and the decisions made on them."""
    rows = Rows(WorkRollup, part.case_type_id)
    tasks = ReviewTask.objects.filter(case__case_type_id=part.case_type_id, planted=False)
    tasks = tasks.exclude(reason=Reason.SECOND_READ)
    decided = Q(ending=ReviewTask.Ending.DECIDED)
    _add(rows, tasks, part, "opened_at", opened=Q())
    _add(rows, _by_closing(tasks), part, "closed_at", ended=Q(), met=decided & Q(closed_at__lte=F("due_at")))
    # A task is settled when it is decided or when it falls due, whichever comes first; so past figures stand still.
    late = decided & Q(closed_at__gt=F("due_at"))
    _add(rows, tasks, part, "due_at", late=late, unmet=Q(closed_at__isnull=True))
    waited = Seconds(models.ExpressionWrapper(F("claimed_at") - F("opened_at"), models.DurationField()))
    _spread(rows, _by_closing(tasks).filter(claimed_at__isnull=False), part, "closed_at", waiting=waited)
    _decisions(rows, part)
    return rows


def _decisions(rows: Rows[WorkRollup], part: Slice) -> None:
    made = Decision.objects.by_people().filter(case__case_type_id=part.case_type_id).exclude(task__reason__in=CHECKS)
    reports = OutcomeReport.objects.filter(decision=OuterRef("pk"))
    made = made.annotate(is_checked=Exists(reports), is_wrong=Exists(reports.filter(correct=False)))
    # A sampled case is read blind first; its answer counts among the samples.
    answered = Q(shown=True, task__blind=False, prediction__isnull=False, prediction__error="")
    counters = {
        "shown": answered,
        "overrides": answered & Q(override=True),
        "checked": Q(is_checked=True),
        "wrong": Q(is_wrong=True),
    }
    _add(rows, made, part, "decided_at", "task__", **counters)
    timed = made.filter(active_seconds__isnull=False)
    for found in _grouped(timed, part, "decided_at", "task__", sum=Sum("active_seconds")):
        _row(rows, found).active_seconds += found["sum"]
    seconds = F("active_seconds")
    _spread(rows, timed.filter(task__blind=False), part, "decided_at", "task__", active=seconds)
    _spread(rows, timed.filter(task__blind=True), part, "decided_at", "task__", blind=seconds)


def samples(part: Slice) -> Iterable[SampleRollup]:
    """First decisions by the chance their case had to be read, how many were read, and how many of those were wrong.

    They count in the hour of the decision that is judged; the time of reading an automated one counts when it was read.
    """
    rows = Rows(SampleRollup, part.case_type_id)
    first = Decision.objects.filter(
        part.during("decided_at"), case__case_type_id=part.case_type_id, case_version=1, prediction__error=""
    )
    coin = Coalesce(F("case__sample_probability"), 0.0)
    chances_of = first.annotate(coin=coin, missed=chances.missed_by_rounds(part))
    counted = chances_of.filter(Q(coin__gt=0) | Q(missed__lt=1)).order_by()
    by = counted.values("coin", "missed", start=hour("decided_at"), by_policy=Q(task__isnull=True))
    wrong = Count("sample", filter=Q(sample__correct=False))
    for found in by.annotate(count=Count("pk"), read=Count("sample"), wrong=wrong):
        chance = chances.whole(found["coin"], found["missed"])
        row = rows.at(found["start"], probability=chance, automated=bool(found["by_policy"]))
        row.decided, row.read, row.wrong = (
            row.decided + found["count"],
            row.read + found["read"],
            row.wrong + found["wrong"],
        )
    read = Sample.objects.filter(part.during("read_at"), case__case_type_id=part.case_type_id, automated=True)
    timed = read.order_by().values("probability", start=hour("read_at")).annotate(sum=Sum("active_seconds"))
    for group in timed:
        rows.at(group["start"], probability=group["probability"], automated=True).seconds += group["sum"] or 0.0
    return rows


def checks(part: Slice) -> Iterable[CheckRollup]:
    """Decisions of people that were checked, each once, and the wrong ones among them, by the chance to be checked.

    A reported decision stands for itself. A second read that is settled stands for all that could have been drawn.
    """
    rows = Rows(CheckRollup, part.case_type_id)
    reports = OutcomeReport.objects.filter(decision=OuterRef("pk"))
    made = Decision.objects.by_people().filter(part.during("decided_at"), case__case_type_id=part.case_type_id)
    made = made.exclude(task__reason__in=CHECKS).annotate(reported=Exists(reports))
    found = made.filter(Q(reported=True) | Q(second_read__settled_at__isnull=False))
    wrong = Exists(reports.filter(correct=False)) | Q(second_read__verdict__in=OVERTURNED)
    chance = models.Case(models.When(reported=True, then=Value(1.0)), default=F("second_read__probability"))
    counted = found.annotate(chance=chance, is_wrong=models.Case(models.When(wrong, then=Value(1)), default=Value(0)))
    groups = counted.order_by().values("chance", start=hour("decided_at")).annotate(n=Count("pk"), bad=Sum("is_wrong"))
    for group in groups:
        row = rows.at(group["start"], probability=group["chance"])
        row.checked, row.wrong = group["n"], group["bad"]
    return rows


def _by_closing(tasks: QuerySet[ReviewTask]) -> QuerySet[ReviewTask]:
    """Naming every queue lets the database use its index on queue and closing."""
    queues = list(Queue.objects.values_list("pk", flat=True))
    return tasks.filter(queue_id__in=queues)


def _add(rows: Rows[WorkRollup], found: QuerySet[Any], part: Slice, moment: str, path: str = "", **counters: Q) -> None:
    """Add counts to the rows, one column per condition."""
    sums = {f"count_{name}": Count("pk", filter=test) if test else Count("pk") for name, test in counters.items()}
    for group in _grouped(found, part, moment, path, **sums):
        row = _row(rows, group)
        for name in counters:
            setattr(row, name, getattr(row, name) + group[f"count_{name}"])


def _spread(
    rows: Rows[WorkRollup], found: QuerySet[Any], part: Slice, moment: str, path: str = "", **seconds: Any
) -> None:
    """Add a histogram of durations to the rows."""
    ((name, duration),) = seconds.items()
    for group in _grouped(found.annotate(bucket=bucket(duration)), part, moment, path, "bucket", count=Count("pk")):
        counts: dict[str, int] = getattr(_row(rows, group), name)
        counts[str(group["bucket"])] = group["count"]


def _grouped(
    found: QuerySet[Any], part: Slice, moment: str, path: str, *more: str, **sums: Any
) -> Iterable[dict[str, Any]]:
    """Aggregates by hour, queue and priority; `path` leads from the model to the task."""
    keys = {"start": hour(moment), "task_queue": F(f"{path}queue_id"), "task_priority": F(f"{path}priority")}
    groups: Iterable[dict[str, Any]] = (
        found.filter(part.during(moment)).order_by().values(*more, **keys).annotate(**sums)
    )
    return groups


def _row(rows: Rows[WorkRollup], group: dict[str, Any]) -> WorkRollup:
    return rows.at(group["start"], queue_id=group["task_queue"], priority=group["task_priority"])
