"""What stands and waits at this moment, and for how long: cases, tasks, effects."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db.models import Count, Min, Q
from django.db.models.functions import Now
from django.utils import timezone
from prometheus_client.core import Metric

from cases.models import Case, Effect
from cases.models.choices import State
from hitl_project.prometheus.families import gauge
from review.models import ReviewTask

# The closed ones are millions, and in the reports.
STANDING = [State.RECEIVED, State.CLASSIFIED, State.IN_REVIEW, State.DECIDED]


def figures() -> Iterator[Metric]:
    yield from _cases()
    yield from _tasks()
    yield from _effects()


def _cases() -> Iterator[Metric]:
    there = Case.objects.filter(state__in=STANDING).order_by()
    rows: list[Any] = list(there.values_list("state").annotate(Count("pk"), Min("pk")))
    arrived = dict(Case.objects.filter(pk__in=[oldest for *_rest, oldest in rows]).values_list("state", "created_at"))
    counts, now = {state: count for state, count, _oldest in rows}, timezone.now()
    standing = [([state.value], counts.get(state, 0)) for state in STANDING]
    ages = [([state], (now - at).total_seconds()) for state, at in arrived.items()]
    yield gauge("cases_standing", "Cases by the state they stand in.", ["state"], standing)
    yield gauge("oldest_case_seconds", "Age of the oldest case that stands in the state.", ["state"], ages)


def _tasks() -> Iterator[Metric]:
    figures = {
        "all": Count("pk"),
        "late": Count("pk", filter=Q(due_at__lt=Now())),
        "held": Count("pk", filter=Q(lease_until__gt=Now(), assignee__isnull=False)),
        "oldest": Min("opened_at"),
    }
    rows: list[Any] = list(ReviewTask.objects.open().order_by().values_list("queue__key").annotate(**figures))
    now = timezone.now()
    yield gauge("tasks_open", "Open review tasks.", ["queue"], [([row[0]], row[1]) for row in rows])
    yield gauge("tasks_overdue", "Open tasks past their due moment.", ["queue"], [([row[0]], row[2]) for row in rows])
    yield gauge("tasks_claimed", "Open tasks in somebody's hands.", ["queue"], [([row[0]], row[3]) for row in rows])
    ages = [([row[0]], (now - row[4]).total_seconds()) for row in rows]
    yield gauge("oldest_task_seconds", "Age of the oldest open task.", ["queue"], ages)


def _effects() -> Iterator[Metric]:
    due = Count("pk", filter=Q(next_attempt_at__lte=Now()))
    pending = Effect.objects.unfinished().aggregate(count=Count("pk"), due=due, oldest=Min("created_at"))
    dead = Effect.objects.dead().aggregate(count=Count("pk"), oldest=Min("created_at"))
    counts = {"pending": pending["count"], "due": pending["due"], "dead": dead["count"]}
    ages = {"pending": pending["oldest"], "dead": dead["oldest"]}
    now = timezone.now()
    yield gauge("effects", "Effects not delivered.", ["status"], [([name], count) for name, count in counts.items()])
    yield gauge(
        "oldest_effect_seconds",
        "Age of the oldest effect that is not delivered.",
        ["status"],
        [([name], (now - at).total_seconds()) for name, at in ages.items() if at],
    )
