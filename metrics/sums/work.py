"""What people do, by queue and priority: tasks, and the decisions made on them; and how long it all takes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from cases.models.choices import Reason
from feedback.models import OutcomeReport
from metrics.models import PaceRollup, WorkRollup
from metrics.sums.base import CHECKS, Rows, Seconds, Slice, bucket, milliseconds, seconds
from review.models import Decision, Queue, ReviewTask


def work(part: Slice) -> Iterable[WorkRollup]:
    """Tasks and the decisions made on them."""
    rows = Rows(WorkRollup, part)
    tasks = _tasks(part)
    decided = Q(ending=ReviewTask.Ending.DECIDED)
    _add(rows, tasks, "opened_at", opened=Q())
    _add(rows, _by_closing(tasks), "closed_at", ended=Q(), met=decided & Q(closed_at__lte=F("due_at")))
    # A task is settled when it is decided or when it falls due, whichever comes first; so past figures stand still.
    late = decided & Q(closed_at__gt=F("due_at"))
    _add(rows, tasks, "due_at", late=late, unmet=Q(closed_at__isnull=True))
    _decisions(rows, part)
    for name, found, moment, path in _durations(part):
        for group in _grouped(rows, found, moment, path, "length", count=Count("pk")):
            rows.count(_row(rows, group), name, bucket=group["length"], count=group["count"])
    return rows


def pace(part: Slice) -> Iterable[PaceRollup]:
    """The durations of `work`, of all queues and priorities together."""
    rows = Rows(PaceRollup, part)
    for name, found, moment, _path in _durations(part):
        for group in part.grouped(found, moment, {"length": F("length")}, count=Count("pk")):
            rows.count(rows.at(group["start"]), name, bucket=group["length"], count=group["count"])
    return rows


def _durations(part: Slice) -> Iterator[tuple[str, QuerySet[Any], str, str]]:
    """By figure: the rows, each with the bucket of its duration, the moment they count at, and the way to their task."""
    waited = Seconds(models.ExpressionWrapper(F("claimed_at") - F("opened_at"), models.DurationField()))
    claimed = _by_closing(_tasks(part)).filter(claimed_at__isnull=False)
    yield "waiting", claimed.annotate(length=bucket(waited)), "closed_at", ""
    timed = production(part).filter(active_seconds__isnull=False).annotate(length=bucket(F("active_seconds")))
    yield "active", timed.filter(task__blind=False), "decided_at", "task__"
    yield "blind", timed.filter(task__blind=True), "decided_at", "task__"


def _tasks(part: Slice) -> QuerySet[ReviewTask]:
    tasks = ReviewTask.objects.filter(case__case_type_id=part.case_type_id, planted=False)
    return tasks.exclude(reason=Reason.SECOND_READ)


def production(part: Slice) -> QuerySet[Decision]:
    """What people decided; checks of another person's decision are none."""
    return Decision.objects.by_people().filter(case__case_type_id=part.case_type_id).exclude(task__reason__in=CHECKS)


def on_shown_output() -> Q:
    """Decisions made with the machine's output in sight. A sampled case is read blind; its answer is a sample."""
    return Q(shown=True, task__blind=False, prediction__isnull=False, prediction__error="")


def _decisions(rows: Rows[WorkRollup], part: Slice) -> None:
    reports = OutcomeReport.objects.filter(decision=OuterRef("pk"))
    made = production(part).annotate(is_checked=Exists(reports), is_wrong=Exists(reports.filter(correct=False)))
    answered = on_shown_output()
    counters = {
        "shown": answered,
        "overrides": answered & Q(override=True),
        "checked": Q(is_checked=True),
        "wrong": Q(is_wrong=True),
    }
    _add(rows, made, "decided_at", "task__", **counters)
    timed = made.filter(active_seconds__isnull=False)
    for found in _grouped(rows, timed, "decided_at", "task__", sum=milliseconds("active_seconds")):
        _row(rows, found).active_seconds = seconds(found["sum"])


def _by_closing(tasks: QuerySet[ReviewTask]) -> QuerySet[ReviewTask]:
    """Naming every queue lets the database use its index on queue and closing."""
    queues = list(Queue.objects.values_list("pk", flat=True))
    return tasks.filter(queue_id__in=queues)


def _add(rows: Rows[WorkRollup], found: QuerySet[Any], moment: str, path: str = "", **counters: Q) -> None:
    """Add counts to the rows, one column per condition."""
    sums = {f"count_{name}": Count("pk", filter=test) if test else Count("pk") for name, test in counters.items()}
    for group in _grouped(rows, found, moment, path, **sums):
        row = _row(rows, group)
        for name in counters:
            setattr(row, name, getattr(row, name) + group[f"count_{name}"])


def _grouped(
    rows: Rows[WorkRollup], found: QuerySet[Any], moment: str, path: str, *more: str, **sums: Any
) -> Iterable[dict[str, Any]]:
    """Aggregates by hour, queue and priority; `path` leads from the model to the task."""
    keys = {"task_queue": F(f"{path}queue_id"), "task_priority": F(f"{path}priority")}
    return rows.part.grouped(found, moment, keys | {name: F(name) for name in more}, **sums)


def _row(rows: Rows[WorkRollup], group: dict[str, Any]) -> WorkRollup:
    return rows.at(group["start"], queue_id=group["task_queue"], priority=group["task_priority"])
