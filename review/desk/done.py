"""What the reader has just done, in words, and whether it can still be undone: the toast on the next page."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.access import visible
from cases.models.choices import Reason, State
from review import claims, taking_back
from review.desk.screen import undo_until
from review.models import Decision, ReviewTask, Skip
from review.planted import told_after

_TASK = ("case_id", "reason", "planted", "closed_at", "ending", "hold_reason", "assignee_id", "lease_until", "due_at")
_DECISION = ("case_id", "decided_by_id", "decided_at", "outcome", "label", "held", "policy__grace_seconds")
OF_TASK = (*_TASK, "case__state", *(f"decision__{name}" for name in _DECISION))
OF_DECISION = (*_DECISION, "case__state", *(f"task__{name}" for name in _TASK))


@dataclass(frozen=True, slots=True)
class Done:
    """What the reader has just done, for the toast on the next page."""

    task_id: int
    text: str
    undo: bool
    seconds: int


def done(user: User, task_id: int) -> Done | None:
    """What became of a task that the reader has just left, and whether it can still be undone.

    Without one, the reader's last decision while it can be undone.
    """
    if task_id <= 0:
        return _last_undoable(user)
    rows = visible(user, ReviewTask.objects.filter(pk=task_id), "review.view_reviewtask")
    task = rows.select_related("case", "decision__policy").only(*OF_TASK).first()
    if task is None:
        return None
    decision = getattr(task, "decision", None)
    if decision is not None:
        decision.case = task.case  # known, so not to be read again
    return _done(task, decision, user)


def _last_undoable(user: User) -> Done | None:
    rows = Decision.objects.filter(decided_by=user, task__isnull=False).select_related("task", "case", "policy")
    last = rows.only(*OF_DECISION).order_by("-id").first()
    if last is None or last.task is None or not _undo_seconds(last, user):
        return None
    return _done(last.task, last, user)


def _done(task: ReviewTask, decision: Decision | None, user: User) -> Done:
    if decision is None:
        return Done(task.pk, _done_text(task, None, user), _can_be_taken_back(task, user), 0)
    seconds = _undo_seconds(decision, user)
    undo = seconds > 0 or (_waits(decision) and decision.decided_by_id == user.pk)
    return Done(task.pk, _done_text(task, decision, user), undo, seconds)


def _can_be_taken_back(task: ReviewTask, user: User) -> bool:
    """What was put down, while nobody else has it; what was passed on, while nobody has taken it up."""
    if task.closed_at is None:
        return task.assignee_id in (None, user.pk) and user.has_perm(claims.CLAIM)
    passed_on = task.ending in taking_back.PASSED_ON and task.assignee_id == user.pk
    return passed_on and taking_back.untouched(task).exists()


def _waits(decision: Decision) -> bool:
    """Held for a second approval that has not been given: nothing has left, so it can be taken back."""
    waiting = ReviewTask.objects.open().filter(case=decision.case_id, reason="second_approval")
    return decision.held and decision.case.state == State.DECIDED and waiting.exists()


def _undo_seconds(decision: Decision, user: User) -> int:
    if decision.decided_by_id != user.pk or decision.held or decision.case.state != State.DECIDED:
        return 0
    return max(0, int((undo_until(decision) - timezone.now()).total_seconds()))


def _done_text(task: ReviewTask, decision: Decision | None, user: User) -> str:
    told = {"id": task.case_id}
    if text := told_after(task):
        return text
    if decision is not None:
        words = {**told, "outcome": decision.get_outcome_display(), "label": decision.label or "–"}
        if decision.held:
            return _("Decided #%(id)s: %(outcome)s, %(label)s. It waits for a second approval.") % words
        return _("Decided #%(id)s: %(outcome)s, %(label)s.") % words
    if task.closed_at is None:
        return _put_down_text(task, user)
    return _ended_text(task) % told


def _ended_text(task: ReviewTask) -> str:
    if task.ending == ReviewTask.Ending.RAISED:
        return _("Raised #%(id)s.")
    if task.ending == ReviewTask.Ending.HANDED_OVER:
        return _("Handed over #%(id)s.")
    if task.reason == Reason.SECOND_APPROVAL:
        return _("Second approval of #%(id)s is done.")
    return _("Read #%(id)s. Thank you.")


def _put_down_text(task: ReviewTask, user: User) -> str:
    told = {"id": task.case_id, "moment": claims.said(task.lease_until)}
    if task.hold_reason:
        return _("#%(id)s is on hold in your hands.") % told
    if task.assignee_id is None and task.lease_until > timezone.now():
        late = task.lease_until > task.due_at
        words = _("Snoozed #%(id)s until %(moment)s, which is past its due date.") if late else ""
        return (words or _("Snoozed #%(id)s until %(moment)s.")) % told
    if Skip.objects.filter(task=task, user=user, until__gt=Now()).exists():
        return _("Skipped #%(id)s. Somebody else gets it.") % told
    return _("Released #%(id)s to its queue.") % told
