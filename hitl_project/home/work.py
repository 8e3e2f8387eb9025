"""Who works at the desk: what waits, what is in their hands, what falls due next, and their day."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import DateTimeField, Exists, ExpressionWrapper, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from cases.access import visible
from review.access import desk_of
from review.desk.work import my_day, queue_states, works_at_the_desk
from review.models import Decision, ReviewTask
from review.picking import INDEPENDENT
from review.skills import readable, waiting_within

MOST_IN_HANDS = 20
MOST_DUE = 5


def blocks(user: User) -> dict[str, Any]:
    queues = queue_states(user) if user.has_perm("review.view_queue") else []
    if not works_at_the_desk(user):
        return {"queues": queues}
    mine = [state for state in queues if state.mine]
    hands = in_my_hands(user)
    known = waiting_within(user, [state.id for state in mine])
    return {
        "at_the_desk": True,
        "queues": queues,
        "has_queue": bool(mine),
        "waiting": sum(state.waiting for state in mine) if known is None else known,
        "claimed": sum(state.claimed for state in mine),
        "hands": hands,
        "my_claims": [task for task in hands if not task.hold_reason],
        "due_next": due_next(user),
        "day": my_day(user),
    }


def in_my_hands(user: User) -> list[ReviewTask]:
    """What the account has claimed, was handed or holds, the earliest due first."""
    return list(lean(ReviewTask.objects.claimed().filter(assignee=user))[:MOST_IN_HANDS])


def due_next(user: User) -> list[ReviewTask]:
    """What of the account's queues will be late first, or is late already, unless somebody else has it in hand."""
    rows = visible(user, ReviewTask.objects.free(), "review.claim_reviewtask").filter(
        readable(user), queue__in=desk_of(user).queues
    )
    mine = Decision.objects.filter(case=OuterRef("case"), decided_by=user)
    return list(lean(rows.exclude(Q(Exists(mine)), reason__in=INDEPENDENT))[:MOST_DUE])


def lean(rows: QuerySet[ReviewTask]) -> QuerySet[ReviewTask]:
    """By due moment, with what a line of the list says and without the wide columns."""
    clock = ExpressionWrapper(Now(), output_field=DateTimeField())
    related = rows.select_related("case__case_type", "queue").annotate(read_at=clock).order_by("due_at", "id")
    return related.defer("case__payload", "case__context", "case__metadata", "trace", "first_answer")
