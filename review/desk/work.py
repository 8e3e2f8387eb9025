"""What is waiting, what is mine and what I did today: cheap figures for the home page and the empty desk."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Avg, Count, Min, Q
from django.db.models.functions import Now
from django.utils import timezone

from cases.access import can, visible
from review.access import desk_of
from review.models import Decision, Queue, ReviewTask

MOST_CLAIMS = 20


@dataclass(frozen=True, slots=True)
class QueueState:
    """How a queue stands: ``waiting`` are free to be claimed, ``claimed`` are in somebody's hands."""

    id: int
    key: str
    name: str
    kind: str
    waiting: int
    claimed: int
    overdue: int
    next_due: datetime | None
    mine: bool
    late: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """One person's decisions since midnight in their time zone."""

    decided: int
    changed: int
    seconds: float | None


def queue_states(user: User) -> list[QueueState]:
    """Every queue the account may see, the most pressing first, in three queries whatever their number."""
    queues = list(visible(user, Queue.objects.order_by("name"), "review.view_queue"))
    mine = desk_of(user).queues
    counts = _counts([queue.pk for queue in queues])
    return sorted((_state(queue, counts.get(queue.pk, {}), mine=queue.pk in mine) for queue in queues), key=_pressing)


def _counts(queue_ids: list[int]) -> dict[int, Any]:
    free, late = Q(lease_until__lte=Now()), Q(due_at__lt=Now())
    rows = (
        ReviewTask.objects.open()
        .filter(queue__in=queue_ids)
        .values("queue_id")
        .annotate(
            waiting=Count("pk", filter=free),
            claimed=Count("pk", filter=~free),
            overdue=Count("pk", filter=late),
            next_due=Min("due_at"),
        )
    )
    return {row["queue_id"]: row for row in rows.order_by()}


def _state(queue: Queue, row: Mapping[str, Any], *, mine: bool) -> QueueState:
    next_due = row.get("next_due")
    return QueueState(
        id=queue.pk,
        key=queue.key,
        name=queue.name,
        kind=queue.get_kind_display(),
        waiting=row.get("waiting", 0),
        claimed=row.get("claimed", 0),
        overdue=row.get("overdue", 0),
        next_due=next_due,
        mine=mine,
        late=next_due is not None and next_due < timezone.now(),
    )


def _pressing(state: QueueState) -> tuple[bool, bool, float]:
    return (not state.mine, state.waiting == 0, state.next_due.timestamp() if state.next_due else float("inf"))


def my_claims(user: User) -> list[ReviewTask]:
    """What the account holds under a running lease, the oldest claim first."""
    rows = ReviewTask.objects.claimed().filter(assignee=user).select_related("case__case_type", "queue")
    return list(
        rows.defer("case__payload", "case__context", "case__metadata", "trace").order_by("claimed_at")[:MOST_CLAIMS]
    )


def my_day(user: User) -> Day:
    """What the account has decided today."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    mine = Decision.objects.filter(decided_by=user, decided_at__gte=midnight)
    row = mine.aggregate(
        decided=Count("pk"), changed=Count("pk", filter=Q(override=True)), seconds=Avg("active_seconds")
    )
    return Day(row["decided"], row["changed"], row["seconds"])


def works_at_the_desk(user: User) -> bool:
    return can(user, "review.claim_reviewtask")
