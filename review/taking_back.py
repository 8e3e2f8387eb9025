"""Undoing what one did with a task short of deciding it: it is in one's own hands again, as far as nobody else has begun.

A decision is taken back by `review.approve.undo`.
"""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

from cases.audit import journal
from cases.clock import from_now
from cases.errors import Conflict
from review import claims, holding
from review.models import Notice, ReviewTask
from review.tasks import end_task

PASSED_ON = (ReviewTask.Ending.HANDED_OVER, ReviewTask.Ending.RAISED)


def take_back(task_id: int, *, user: User, origin: str) -> ReviewTask:
    """Take up again what one has held, snoozed, skipped or released; or handed over or raised, while nobody has taken
    that up. Returns the task that is now in the user's hands.

    Raises: Missing, Forbidden, or Conflict when somebody else has it by now or the user holds as many as they may.
    """
    with transaction.atomic():
        task = claims.demand_task(user, "review.view_reviewtask", task_id)
        if task.closed_at is not None:
            task = _returned(task, user=user, origin=origin)
        elif holding.held_by(user).filter(pk=task_id).exists():
            return holding.resume(task_id, user=user, origin=origin)
        elif holding.snoozed().filter(pk=task_id).exists():
            holding.wake(task_id, user=user, origin=origin)
        return claims.claim(task.pk, user=user, origin=origin)


def untouched(task: ReviewTask) -> QuerySet[ReviewTask]:
    """The case's next stay after this one, while nobody has taken it up."""
    return ReviewTask.objects.open().filter(case=task.case_id, pk__gt=task.pk, claimed_at__isnull=True)


def _returned(task: ReviewTask, *, user: User, origin: str) -> ReviewTask:
    """End the next stay and open another in the queue from which the task was passed on, for the user to claim."""
    with journal(actor=user, origin=origin) as log:
        rows = untouched(task).select_for_update(of=("self",))
        stay = rows.select_related("case__case_type", "policy", "queue").first()
        mine = task.assignee_id == user.pk and task.ending in PASSED_ON
        if stay is None or not mine or not end_task(stay, ending=ReviewTask.Ending.HANDED_OVER):
            raise Conflict(_("It has been taken up by now, so it cannot be taken back."))
        Notice.objects.filter(task=stay, seen_at__isnull=True).delete()
        log("task.taken_back", case_id=task.case_id, subject=stay, data={"from": stay.queue.key, "to": task.queue.key})
        kept = {"assignee": user, "lease_until": from_now(seconds=settings.TASK_LEASE_SECONDS)}
        return claims.move_on(stay, queue=task.queue, note=task.note, log=log, **kept)
