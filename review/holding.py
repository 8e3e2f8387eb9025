"""Putting a task down: on hold in one's own hands, away until a moment, or back for somebody else."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from cases.access import visible
from cases.audit import journal
from cases.clock import from_now, moment
from cases.errors import Conflict, Invalid
from review import claims, notes
from review.claims import CLAIM, demand_task, own_claim
from review.models import ReviewTask, Skip

LONGEST_REASON = 300
HOLD_DAYS = 3650  # as good as for ever, and still a date that every database and reader takes
LONGEST_SNOOZE = timedelta(days=30)
SKIPPED_HOURS = 2


def hold(task_id: int, *, user: User, lease_token: int, reason: str, origin: str) -> None:
    """Keep a task in one's own hands without time limit. It counts against nothing and is listed as on hold.

    Raises: Invalid without a reason, Conflict when the lease is lost.
    """
    demand_task(user, CLAIM, task_id)
    why = said_why(reason, refusal=_("The task was not put on hold."))
    with journal(actor=user, origin=origin) as log:
        task = own_claim(task_id, user=user, lease_token=lease_token)
        ReviewTask.objects.filter(pk=task.pk).update(hold_reason=why, lease_until=from_now(days=HOLD_DAYS))
        log("task.held", case_id=task.case_id, subject=task)


def resume(task_id: int, *, user: User, origin: str) -> ReviewTask:
    """Take up again what one has put on hold, under a new token.

    Raises: Conflict when the task is not on hold in these hands, or they hold as many others as they may.
    """
    demand_task(user, CLAIM, task_id)
    if not held_by(user).filter(pk=task_id).exists():
        raise Conflict(_("This task is not on hold in your hands."))
    return claims.claim(task_id, user=user, origin=origin)


def snooze(task_id: int, *, user: User, lease_token: int, until: datetime, reason: str = "", origin: str) -> bool:
    """Put a task away until a moment; then it is back in its queue, for anybody. Tells whether that is past its due date.

    A reason is kept as a note on the case. Raises: Invalid when the moment is past or more than 30 days away, Conflict
    when the lease is lost.
    """
    demand_task(user, CLAIM, task_id)
    _demand_near(until)
    with journal(actor=user, origin=origin) as log:
        task = own_claim(task_id, user=user, lease_token=lease_token)
        ReviewTask.objects.filter(pk=task.pk).update(assignee=None, hold_reason="", lease_until=until)
        log("task.snoozed", case_id=task.case_id, subject=task, data={"until": until.isoformat()})
        if reason.strip():
            notes.put(task.case, author=user, text=reason, log=log)
    return until > task.due_at


def wake(task_id: int, *, user: User, origin: str) -> None:
    """Put a snoozed task back into its queue before its time; whoever may claim there may do so.

    Raises: Missing, Forbidden, or Conflict when it is not snoozed.
    """
    demand_task(user, CLAIM, task_id)
    with journal(actor=user, origin=origin) as log:
        task = snoozed().select_for_update(of=("self",)).filter(pk=task_id).first()
        if task is None:
            raise Conflict(_("This task is not snoozed."))
        claims.free(task)
        log("task.woken", case_id=task.case_id, subject=task)


def skip(task_id: int, *, user: User, lease_token: int, reason: str, origin: str) -> None:
    """Give a task back, with the reason; the same person is not given it again for some hours, unless they ask for it.

    Raises: Invalid without a reason, Conflict when the lease is lost.
    """
    demand_task(user, CLAIM, task_id)
    why = said_why(reason, refusal=_("The task was not skipped."))
    with journal(actor=user, origin=origin) as log:
        task = own_claim(task_id, user=user, lease_token=lease_token)
        claims.free(task)
        until = from_now(hours=SKIPPED_HOURS)
        Skip.objects.update_or_create(task=task, user=user, defaults={"reason": why, "until": until})
        log("task.skipped", case_id=task.case_id, subject=task)


def held_by(user: User) -> QuerySet[ReviewTask]:
    """What the person has on hold, the longest held first."""
    rows = ReviewTask.objects.open().filter(assignee=user).exclude(hold_reason="")
    return rows.order_by("claimed_at")


def snoozed() -> QuerySet[ReviewTask]:
    return ReviewTask.objects.open().filter(assignee__isnull=True, lease_until__gt=Now(), hold_reason="")


def skipped_by(user: User) -> QuerySet[ReviewTask]:
    """Free tasks that are kept from the person because they skipped them, and would be theirs to take."""
    recent = Skip.objects.filter(user=user, until__gt=Now()).values("task")
    return visible(user, ReviewTask.objects.free().filter(pk__in=recent), CLAIM)


def said_why(reason: str, *, refusal: str, field: str = "reason") -> str:
    """The reason as it is kept.

    Raises: Invalid when there is none or it is too long.
    """
    kept = " ".join(reason.replace("\x00", "").encode("utf-8", "replace").decode().split())
    if not kept:
        raise Invalid(refusal, errors={field: [_("Say why, for those who meet the task next.")]})
    if len(kept) > LONGEST_REASON:
        raise Invalid(refusal, errors={field: [_("At most %(limit)d characters.") % {"limit": LONGEST_REASON}]})
    return kept


def _demand_near(until: datetime) -> None:
    now = moment()
    if until <= now:
        errors = [_("Choose a moment that is still to come.")]
    elif until > now + LONGEST_SNOOZE:
        errors = [_("At most %(days)d days from now.") % {"days": LONGEST_SNOOZE.days}]
    else:
        return
    raise Invalid(_("The task was not snoozed."), errors={"until": errors})
