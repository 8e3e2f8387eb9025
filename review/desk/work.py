"""What is waiting, what is mine and what I did today: cheap figures for the home page and the empty desk."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Avg, Count, Q
from django.utils import timezone

from cases.access import can, visible
from review.access import desk_of
from review.models import Decision, Queue, ReviewTask
from review.queues import Standing, stand

MOST_CLAIMS = 20


@dataclass(frozen=True, slots=True)
class QueueState:
    """How a queue stands, with what the pages say about it. Counts stop at `review.queues.MOST_COUNTED`."""

    id: int
    key: str
    name: str
    kind: str
    waiting: int
    claimed: int
    held: int
    snoozed: int
    overdue: int
    next_due: datetime | None
    oldest: datetime | None
    mine: bool
    late: bool = False

    @property
    def open(self) -> int:
        return self.waiting + self.claimed + self.held + self.snoozed

    @property
    def all_taken(self) -> bool:
        """It looks empty to who wants a task, and is not."""
        return self.waiting == 0 and self.open > 0


@dataclass(frozen=True, slots=True)
class Day:
    """One person's decisions since midnight in their time zone."""

    decided: int
    changed: int
    seconds: float | None


def queue_states(user: User) -> list[QueueState]:
    """Every queue the account may see, the most pressing first, in two queries whatever their number."""
    rows = visible(user, Queue.objects.order_by("name"), "review.view_queue")
    return sorted((state_of(queue, found, user) for queue, found in stand(rows)), key=_pressing)


def state_of(queue: Queue, found: Standing, user: User) -> QueueState:
    return QueueState(
        id=queue.pk,
        key=queue.key,
        name=queue.name,
        kind=queue.get_kind_display(),
        waiting=found.waiting,
        claimed=found.claimed,
        held=found.held,
        snoozed=found.snoozed,
        overdue=found.overdue,
        next_due=found.next_due,
        oldest=found.oldest,
        mine=queue.pk in desk_of(user).queues,
        late=found.next_due is not None and found.next_due < timezone.now(),
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
