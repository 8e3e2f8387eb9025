"""How the queues stand: what waits, what is claimed, what is late."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db.models import Count, Min, Q
from django.db.models.functions import Now

from review.models import Queue, ReviewTask

NOTHING: dict[str, Any] = {"waiting": 0, "claimed": 0, "overdue": 0, "oldest": None}


def standings(queues: Iterable[Queue]) -> dict[int, dict[str, Any]]:
    """Counts by queue id: waiting, claimed, overdue, and when the oldest open task was opened. One query."""
    ids = [queue.pk for queue in queues]
    claimed = Q(lease_until__gt=Now(), assignee__isnull=False)
    rows = ReviewTask.objects.open().filter(queue__in=ids).order_by().values("queue")
    counted = rows.annotate(
        waiting=Count("pk", filter=~claimed),
        claimed=Count("pk", filter=claimed),
        overdue=Count("pk", filter=Q(due_at__lt=Now())),
        oldest=Min("opened_at"),
    )
    found = {row["queue"]: {name: row[name] for name in NOTHING} for row in counted.values("queue", *NOTHING)}
    return {queue_id: found.get(queue_id, NOTHING) for queue_id in ids}
