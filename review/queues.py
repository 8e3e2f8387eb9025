"""How the queues stand: what waits, what is in somebody's hands, what is late, and how the work has gone lately.

Every figure is read off an index and counted up to a limit, so that it costs the same however much is open or done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import (
    Avg,
    Count,
    DurationField,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Now

from review.forecast import Pace
from review.models import Queue, ReviewTask

MOST_COUNTED = 10_000
MOST_NAMED = 20
LOOK_BACK = timedelta(hours=4)

# Every open task is exactly one of: free to be claimed, claimed, held, snoozed.
RUNNING = Q(lease_until__gt=Now())
HELD = ~Q(hold_reason="")
CLAIMED = RUNNING & ~HELD & Q(assignee__isnull=False)
SNOOZED = RUNNING & ~HELD & Q(assignee__isnull=True)


@dataclass(frozen=True, slots=True)
class Standing:
    """Counts, each up to `MOST_COUNTED`; since when the oldest open task waits, and when the next one is due."""

    open: int = 0
    claimed: int = 0
    held: int = 0
    snoozed: int = 0
    overdue: int = 0
    oldest: datetime | None = None
    next_due: datetime | None = None

    @property
    def waiting(self) -> int:
        """Free to be claimed."""
        return max(0, self.open - self.claimed - self.held - self.snoozed)


class Counted(Subquery):
    """How many rows a sliced query has: the slice is how far the counting goes."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


def standings(queues: Iterable[Queue]) -> dict[int, Standing]:
    """How each of these queues stands, by queue id. One query."""
    ids = [queue.pk for queue in queues]
    rows = Queue.objects.filter(pk__in=ids).order_by().values("pk")
    counted = rows.annotate(
        open=_counted(Q()),
        claimed=_counted(CLAIMED),
        held=_counted(HELD),
        snoozed=_counted(SNOOZED),
        overdue=_counted(Q(due_at__lt=Now())),
        oldest=_first("opened_at"),
        next_due=_first("due_at"),
    )
    found = {row.pop("pk"): Standing(**row) for row in counted}
    return {queue_id: found.get(queue_id, Standing()) for queue_id in ids}


def workers(queue: Queue) -> list[User]:
    """Who holds a task of this queue under a running lease, by name; at most `MOST_NAMED`."""
    holding = ReviewTask.objects.open().filter(CLAIMED, queue=queue).values("assignee")
    return list(User.objects.filter(pk__in=holding).order_by("username")[:MOST_NAMED])


def pace_of(queue: Queue, *, now: datetime) -> Pace:
    """What came into the queue and what left it lately. Two queries on bounded slices."""
    since = now - LOOK_BACK
    arrived = ReviewTask.objects.filter(queue=queue, opened_at__gte=since, opened_at__lte=now).order_by("-opened_at")
    left = ReviewTask.objects.filter(queue=queue, closed_at__gte=since, closed_at__lte=now).order_by("-closed_at")
    promised = ExpressionWrapper(F("due_at") - F("opened_at"), output_field=DurationField())
    came = arrived[:MOST_COUNTED].aggregate(count=Count("pk"), promised=Avg(promised))
    return Pace(
        hours=LOOK_BACK / timedelta(hours=1),
        arrived=came["count"],
        finished=left[:MOST_COUNTED].aggregate(count=Count("pk"))["count"],
        promised=came["promised"] or timedelta(0),
    )


def due_until(queue: Queue, moments: Sequence[datetime]) -> list[int]:
    """How many open tasks of the queue are due by each moment, what is late already included. One query."""
    soon = ReviewTask.objects.open().filter(queue=queue, due_at__lte=max(moments)).order_by("due_at")[:MOST_COUNTED]
    counts = {f"by_{n}": Count("pk", filter=Q(due_at__lte=moment)) for n, moment in enumerate(moments)}
    return list(soon.aggregate(**counts).values())


def _open() -> QuerySet[ReviewTask]:
    return ReviewTask.objects.open().filter(queue=OuterRef("pk")).order_by()


def _counted(which: Q) -> Counted:
    return Counted(_open().filter(which).values("pk")[:MOST_COUNTED])


def _first(column: str) -> Subquery:
    return Subquery(_open().order_by(column).values(column)[:1])
