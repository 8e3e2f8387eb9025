"""What only the present tells: tasks about to fall due, dead deliveries, workers. Counted up to a limit, off an index."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta

from cases import hooks
from cases.models import Effect
from metrics.alerting.shapes import CountSight, DueSight
from review import queues
from review.forecast import Forecast
from review.models import Queue, ReviewTask

MOST = 1_000
NOTHING_DUE = DueSight(0, 0)


def outlooks(now: datetime) -> dict[int, Forecast]:
    """What is to come in each queue whose pace is known."""
    return {queue.pk: found for queue, found in queues.outlooks(Queue.objects.all(), now=now) if found}


def due_soon(now: datetime, *, minutes: int) -> dict[int, DueSight]:
    """By queue: the open tasks that fall due within so many minutes, and those past it."""
    rows = ReviewTask.objects.open().filter(planted=False, due_at__lte=now + timedelta(minutes=minutes))
    soon: dict[int, list[datetime]] = defaultdict(list)
    for queue_id, due_at in rows.order_by("-due_at").values_list("queue_id", "due_at")[:MOST]:
        soon[queue_id].append(due_at)
    return {queue_id: _due(moments, now) for queue_id, moments in soon.items()}


def _due(moments: list[datetime], now: datetime) -> DueSight:
    coming = [moment for moment in moments if moment >= now]
    return DueSight(len(coming), len(moments) - len(coming), min(coming, default=None))


def dead_effects() -> CountSight:
    """Deliveries that were given up, with the names of where they were to go."""
    rows = Effect.objects.dead().order_by("-id").values_list("endpoint__key", "action")[:MOST]
    found = [endpoint or action for endpoint, action in rows]
    return CountSight(len(found), tuple(sorted(set(found))))


def silent_queues() -> CountSight:
    """Queues on which no worker has said that it is alive. Nothing where Redis itself is away: that is another fault."""
    names = tuple(sorted(hooks.ask("silent_queues")))
    return CountSight(len(names), names)
