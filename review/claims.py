"""Taking a task for a limited time. The fencing token proves that it is still yours; the database's clock decides."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models.functions import Greatest, Now
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from cases.access import can, demand, visible
from cases.audit import Journal, journal
from cases.clock import from_now
from cases.errors import Conflict, Forbidden, Invalid, Missing
from cases.models import AuditEvent
from review import notices, picking, presence
from review.access import desk_of
from review.models import Notice, Queue, ReviewTask, Skip
from review.planted import planted_of
from review.route import senior_queue
from review.tasks import end_task, open_task

CLAIM = "review.claim_reviewtask"


def claim_next(user: User, *, origin: str, queue: str = "") -> ReviewTask | None:
    """Take the next free task of the user's queues, or of the one named; `review.picking` says which. None when there is none.

    Raises: Missing when the queue is not one of the user's, Conflict when they hold as many as they may.
    """
    found = take_next(user, origin=origin, queue=queue)
    return None if found is None else _read(found, user)


def take_next(user: User, *, origin: str, queue: str = "") -> int | None:
    """As `claim_next`, for who reads the task in their own way: tells its id alone."""
    demand(user, CLAIM)
    queues = _queues_of(user, queue)
    with journal(actor=user, origin=origin) as log:
        found = picking.take_next(user, queues)
        if found is not None:
            log("task.claimed", case_id=found.case_id, subject=found)
    return found.pk if found else None


def claim(task_id: int, *, user: User, origin: str) -> ReviewTask:
    """Take this very task; taking again what one holds, or has put on hold, renews the token.

    Raises: Missing, Forbidden, or Conflict when somebody else holds it, it is done, it is outside the user's skills, or
    they hold as many as they may.
    """
    demand_task(user, CLAIM, task_id)
    with journal(actor=user, origin=origin) as log:
        picking.demand_room(user, taking=task_id)
        Skip.objects.filter(task=task_id, user=user).delete()  # who asks for it by name wants it after all
        found = picking.take_this(user, task_id)
        if found is None and ReviewTask.objects.claimed().filter(pk=task_id, assignee=user).exists():
            ReviewTask.objects.filter(pk=task_id).update(lease_until=Now(), hold_reason="")
            found = picking.take_this(user, task_id)
        if found is None:
            raise Conflict(_why_not(task_id, user), code="not-claimable")
        log("task.claimed", case_id=found.case_id, subject=found)
    return _read(found.pk, user)


def heartbeat(task_id: int, *, user: User, lease_token: int) -> datetime:
    """Extend one's lease and tell until when it runs. A longer one, as that of a task on hold, is not cut short.

    Raises: Conflict when the lease is lost.
    """
    demand_task(user, CLAIM, task_id)
    mine = ReviewTask.objects.claimed().filter(pk=task_id, assignee=user, lease_token=lease_token)
    if not mine.update(lease_until=Greatest("lease_until", from_now(seconds=settings.TASK_LEASE_SECONDS))):
        raise Conflict(lost_because(task_id, user), code="lease-lost")
    return ReviewTask.objects.values_list("lease_until", flat=True).get(pk=task_id)


def demand_claim(task_id: int, *, user: User, lease_token: int) -> None:
    """Refuse unless one's claim still runs; extends nothing.

    Raises: Conflict with what happened to it.
    """
    if not ReviewTask.objects.claimed().filter(pk=task_id, assignee=user, lease_token=lease_token).exists():
        raise Conflict(lost_because(task_id, user), code="lease-lost")


def release(task_id: int, *, user: User, lease_token: int, origin: str) -> None:
    """Give a task back to its queue.

    Raises: Conflict when the lease is lost already.
    """
    with journal(actor=user, origin=origin) as log:
        task = own_claim(task_id, user=user, lease_token=lease_token)
        free(task)
        log("task.released", case_id=task.case_id, subject=task)


def take_away(task_id: int, *, by: User, reason: str, origin: str) -> None:
    """A supervisor frees a task that somebody else holds; the reason is kept.

    Raises: Invalid without a reason, Conflict when nobody holds it.
    """
    demand_task(by, "review.release_any_reviewtask", task_id)
    if not reason.strip():
        raise Invalid(
            _("The task was not taken away."), errors={"reason": [_("Say why; it is kept in the audit log.")]}
        )
    with journal(actor=by, origin=origin) as log:
        task = ReviewTask.objects.claimed().select_for_update(of=("self",)).filter(pk=task_id).first()
        if task is None:
            raise Conflict(_("Nobody holds this task now."))
        tell_holder(task, by=by, why=reason)
        free(task)
        log("task.taken_away", case_id=task.case_id, subject=task, data={"reason": reason, "from": task.assignee_id})


def raise_task(task_id: int, *, user: User, lease_token: int, reason: str, origin: str) -> ReviewTask:
    """Pass one's task to a more senior queue, with the reason for those who read it there.

    Raises: Invalid without a reason, Conflict when the lease is lost or no queue is more senior.
    """
    demand_task(user, "review.raise_reviewtask", task_id)
    if not reason.strip():
        words = _("Say what the next reader should look at.")
        raise Invalid(_("The task was not raised."), errors={"reason": [words]})
    with journal(actor=user, origin=origin) as log:
        task = own_claim(task_id, user=user, lease_token=lease_token)
        target = senior_to(task)
        if known := planted_of(task):
            end_task(task, ending=ReviewTask.Ending.RAISED)
            known.raised(user=user, log=log)
            return task
        end_task(task, ending=ReviewTask.Ending.RAISED)
        log("task.raised", case_id=task.case_id, subject=task, data={"to": target.key})
        return move_on(task, queue=target, note=reason, log=log)


def move_on(task: ReviewTask, *, queue: Queue, note: str, log: Journal, **more: Any) -> ReviewTask:
    """Open the case's next stay after one that has just ended: same policy, reason and due date, in that queue.

    A first answer was the earlier reader's own; the next one reads blind anew.
    """
    return open_task(
        task.case,
        queue=queue,
        policy=task.policy,
        reason=task.reason,
        due=task.due_at,
        log=log,
        note=note,
        trace=task.trace,
        blind=task.blind,
        planted=task.planted,
        breached_at=task.breached_at,
        **more,
    )


def note_expired() -> int:
    """Write down which claims have run out and name no assignee any more. Returns how many."""
    presence.forget_the_gone()
    with journal(actor="lease", origin="worker") as log:
        expired = (
            ReviewTask.objects.free().filter(assignee__isnull=False).select_for_update(skip_locked=True, of=("self",))
        )
        tasks = list(expired[:500])
        ReviewTask.objects.filter(pk__in=[task.pk for task in tasks]).update(assignee=None)
        for task in tasks:
            log("task.lease_expired", case_id=task.case_id, subject=task, data={"assignee": task.assignee_id})
    return len(tasks)


def own_claim(task_id: int, *, user: User, lease_token: int, verb: str = CLAIM) -> ReviewTask:
    """The task, locked until the transaction ends, if the user may do the verb on it and their claim still runs.

    Raises: as `demand_task`; Conflict with what happened to the claim.
    """
    locked = visible(user, ReviewTask.objects.claimed(), verb).select_for_update(of=("self",))
    mine = locked.filter(pk=task_id, assignee=user, lease_token=lease_token)
    found = mine.select_related("case__case_type", "policy", "queue").first()
    if found is None:
        demand_task(user, verb, task_id)
        raise Conflict(lost_because(task_id, user), code="lease-lost")
    return found


def lost_because(task_id: int, user: User | None = None) -> str:
    """In words, why a claim on this task no longer holds; ``user`` is whose claim it was."""
    task = ReviewTask.objects.select_related("assignee", "decision__decided_by").filter(pk=task_id).first()
    if task is None:
        return _("There is no such task.")
    if task.closed_at is not None:
        return _ended(task)
    if ReviewTask.objects.claimed().filter(pk=task_id).exists():
        if user is not None and task.assignee_id == user.pk:
            return _("You have claimed this task again since, in another place: go on there, or claim it once more.")
        return _("Your lease ended and %(name)s holds this task now.") % {"name": task.assignee}
    return _put_down(task, user)


def said(moment: datetime) -> str:
    """A moment as the reader's language and time zone have it."""
    return date_format(localtime(moment), "SHORT_DATETIME_FORMAT")


def _put_down(task: ReviewTask, user: User | None) -> str:
    if user is not None and (by := _taken_by(task, user)):
        return _("%(name)s has taken this task away from you.") % {"name": by}
    if not ReviewTask.objects.free().filter(pk=task.pk).exists():
        return _("This task is snoozed until %(moment)s.") % {"moment": said(task.lease_until)}
    return _("Your lease on this task has ended; claim it again.")


def _ended(task: ReviewTask) -> str:
    decision = getattr(task, "decision", None)
    told = {"how": task.get_ending_display(), "moment": said(task.closed_at or task.lease_until)}
    if decision is None or decision.decided_by is None:
        return _("This task was %(how)s on %(moment)s.") % told
    told["name"] = decision.decided_by.get_username()
    return _("This task was %(how)s by %(name)s on %(moment)s.") % told


def _taken_by(task: ReviewTask, user: User) -> str:
    """Who took the task from the user, if that is the last thing that befell it."""
    events = AuditEvent.objects.filter(case_id=task.case_id, action__startswith="task.").order_by("-id")
    last = events.values("action", "actor", "object_id", "data").first()
    taken = last is not None and last["action"] == "task.taken_away" and last["object_id"] == task.pk
    return str(last["actor"]) if last and taken and last["data"].get("from") == user.pk else ""


def demand_task(user: User, verb: str, task_id: int) -> ReviewTask:
    """The task, if the user may do the verb on it.

    Raises: Missing where the user may not see it, Forbidden where they may see and not do, Conflict where they could
    if they held it.
    """
    rows = visible(user, ReviewTask.objects.filter(pk=task_id), "review.view_reviewtask")
    if task := visible(user, rows, verb).first():
        return task
    seen = rows.first()
    if seen is None:
        raise Missing(_("There is no such task, or it is not yours to see."))
    if can(user, verb) and can(user, CLAIM, seen):  # theirs to take up, but no longer in their hands
        raise Conflict(lost_because(task_id), code="lease-lost")
    raise Forbidden(_("You may see this task and not do this with it."))


def _queues_of(user: User, key: str) -> list[int]:
    if not key:
        return sorted(desk_of(user).queues)
    found = list(visible(user, Queue.objects.filter(key=key), CLAIM).values_list("pk", flat=True))
    if not found:
        words = _("“%(key)s” is not yours.") % {"key": key}
        raise Missing(_("There is no such queue, or you do not work in it."), errors={"queue": [words]})
    return found


def _read(task_id: int, holder: User) -> ReviewTask:
    task = ReviewTask.objects.select_related("case__case_type", "policy", "queue").get(pk=task_id)
    task.assignee = holder  # known, so not to be read again
    return task


def _why_not(task_id: int, user: User) -> str:
    if reason := picking.why_not(task_id, user):
        return reason
    holder = ReviewTask.objects.claimed().select_related("assignee").filter(pk=task_id).exclude(assignee=user).first()
    return _("%(name)s holds this task now.") % {"name": holder.assignee} if holder else lost_because(task_id)


def free(task: ReviewTask) -> None:
    """Nobody's from now on. For verbs that have locked the task."""
    ReviewTask.objects.filter(pk=task.pk).update(assignee=None, lease_until=Now(), hold_reason="")


def tell_holder(task: ReviewTask, *, by: User, why: str) -> None:
    """Let the one in whose hands the task still is know that somebody else takes it from them."""
    holders = User.objects.filter(pk__in=ReviewTask.objects.claimed().filter(pk=task.pk).values("assignee"))
    notices.tell(holders, kind=Notice.Kind.TAKEN_AWAY, case_id=task.case_id, task=task, sender=by, text=why)


def senior_to(task: ReviewTask) -> Queue:
    """The queue to which this task is raised. Raises: Conflict when none is more senior."""
    target = senior_queue(task.policy, task.queue)
    if target is None:
        raise Conflict(_("There is no queue more senior than this one."))
    return target
