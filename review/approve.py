"""The second pair of eyes on a held decision, and the undoing of one whose effects have not left.

Every verb here locks the case before anything else, as reopening does: of two that meet, the second sees what the first did.
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import hooks, outbox
from cases.access import can, visible
from cases.audit import Journal, journal
from cases.clock import from_now
from cases.errors import Conflict, Forbidden, Invalid, Missing
from cases.models import Case
from cases.models.choices import Reason, State
from cases.transitions import move
from review import notices
from review.decide import take_effect
from review.models import Approval, Decision, Notice, Queue, ReviewTask, Skip
from review.route import lane_queue
from review.shown import digest_of_held
from review.tasks import due_at, end_open_tasks, end_task, open_task

LEFT_TO_OTHERS_HOURS, LONGEST_REASON = 24, 300


def approve(decision_id: int, *, by: User, origin: str, note: str = "", digest: str | None = None) -> Decision:
    """Let a held decision act, as it was held: under the policy it was taken by, whatever is in force by now.

    ``digest`` (of `review.shown.digest_of_held`) binds the approval to what stood before the approver.

    Raises: Missing; Forbidden for whoever has decided the case before, in whatever version; Conflict when it is not held
    (any more), or no longer what was shown.
    """
    with journal(actor=by, origin=origin) as log:
        decision = _held(decision_id, by=by, digest=digest)
        _verdict(decision, approved=True, by=by, note=note, log=log)
        Case.objects.filter(pk=decision.case_id).update(lease_until=from_now(seconds=decision.policy.grace_seconds))
        take_effect(decision, log=log)
        hooks.call("decision_approved", decision=decision, log=log)
    return decision


def send_back(decision_id: int, *, by: User, note: str, origin: str, digest: str | None = None) -> ReviewTask:
    """Return a held decision to the queue it came from, with a note for whoever decides again. The decider is told.

    Raises: as `approve`; Invalid without a note.
    """
    if not note.strip():
        raise Invalid(_("The decision was not sent back."), errors={"note": [_("Say what should be looked at again.")]})
    with journal(actor=by, origin=origin) as log:
        decision = _held(decision_id, by=by, digest=digest)
        _verdict(decision, approved=False, by=by, note=note, log=log)
        reason = decision.task.reason if decision.task else Reason.REOPENED
        task = return_to_review(decision, reason=reason, note=note, log=log)
        _give_back(decision, task=task, sender=by, note=note)
    return task


def undo(decision_id: int, *, by: User, origin: str, note: str = "") -> ReviewTask:
    """Take a decision back while its grace period runs and nothing has left: one's own, or with a reason another's.

    Raises: Missing, Forbidden; Invalid when another's, or a policy's, is to be undone without a reason; Conflict when
    its effects have begun to leave.
    """
    with journal(actor=by, origin=origin) as log:
        decision = _seen(decision_id, by=by, verb="review.undo_decision")
        own = decision.decided_by_id == by.pk
        if not own and not note.strip():
            raise Invalid(_("The decision was not undone."), errors={"note": [_("Say why; it is kept with the case.")]})
        _call_off(decision)
        log("decision.undone", case_id=decision.case_id, subject=decision, data={"own": own, "note": bool(note)})
        task = return_to_review(decision, reason=Reason.REOPENED, note=note, log=log)
        if not own:
            _give_back(decision, task=task, sender=by, note=note)
    return task


def undo_newest(case_id: int, *, by: User, origin: str, note: str = "") -> ReviewTask:
    """`undo` the case's newest decision.

    Raises: as `undo`.
    """
    newest = Decision.objects.filter(case=case_id).order_by("-id").values_list("pk", flat=True).first()
    return undo(newest or 0, by=by, origin=origin, note=note)


def may_undo(decision: Decision, *, by: User) -> bool:
    """Whether the account could take this decision back now, as far as a page can tell."""
    case = decision.case
    if case.state != State.DECIDED or case.version != decision.case_version or not can(by, "review.undo_decision"):
        return False
    acting = case.effects.filter(case_version=case.version, blocking=True).exclude(status="cancelled")
    return not acting.exclude(status="pending", attempts=0).exists() and can(by, "review.undo_decision", decision)


def return_to_review(decision: Decision, *, reason: str, note: str, log: Journal) -> ReviewTask:
    """decided → in_review: the case is put up for decision again, in the queue it was decided in.

    What policy decided goes to the supervisors' lane; a sample of it that nobody has read yet is read blind there.
    """
    case, policy = decision.case, decision.policy
    unread = ReviewTask.objects.open().filter(case=case, reason=Reason.SAMPLE).exists()
    end_open_tasks(case_id=case.pk, log=log)
    if not move({case.pk: {"reason": reason}}, source=State.DECIDED, target=State.IN_REVIEW, log=log):
        raise Conflict(_("The case has moved on; look again."))
    case.refresh_from_db(fields=["version", "state"])
    due = due_at(policy, priority=case.priority, since=timezone.now())
    return open_task(
        case, queue=_queue_again(decision), policy=policy, reason=reason, due=due, log=log, note=note, blind=unread
    )


def _queue_again(decision: Decision) -> Queue:
    return decision.task.queue if decision.task else lane_queue(decision.policy, Reason.HIGH_RISK)


def _held(decision_id: int, *, by: User, digest: str | None) -> Decision:
    decision = _seen(decision_id, by=by, verb="review.approve_decision")
    if not decision.held or Approval.objects.filter(decision=decision).exists():
        raise Conflict(_("This decision does not wait for a second approval (any more)."), code="not-held")
    case = decision.case
    if case.state != State.DECIDED or case.version != decision.case_version:
        raise Conflict(_("The case has moved on; look again."), code="not-held")
    if digest is not None and digest != digest_of_held(decision):
        raise Conflict(
            _("What you were shown has changed since; look again before you decide."), code="content-changed"
        )
    return decision


def _seen(decision_id: int, *, by: User, verb: str) -> Decision:
    """The decision, its case locked, if the account may see it and do the verb."""
    rows = visible(by, Decision.objects.all(), "review.view_decision").select_for_update(of=("case",))
    related = ("case__case_type", "policy", "task__queue", "supersedes", "decided_by")
    decision = rows.filter(pk=decision_id).select_related(*related).first()
    if decision is None:
        raise Missing(_("There is no such decision, or it is not yours to see."))
    if not can(by, verb, decision):
        own = verb == "review.approve_decision" and can(by, verb)
        raise Forbidden(_somebody_else() if own else _("You may see this decision and not do this with it."))
    return decision


def _somebody_else() -> str:
    return _("Somebody else has to give the second approval: you have decided this case yourself.")


def _verdict(decision: Decision, *, approved: bool, by: User, note: str, log: Journal) -> None:
    Approval.objects.create(decision=decision, approved=approved, by=by, note=note)
    for task in ReviewTask.objects.open().filter(case=decision.case_id, reason=Reason.SECOND_APPROVAL):
        end_task(task, ending=ReviewTask.Ending.DECIDED)
    action = "decision.approved" if approved else "decision.sent_back"
    log(action, case_id=decision.case_id, subject=decision, data={"note": bool(note)})


def _call_off(decision: Decision) -> None:
    """Cancel the decision's effects, every one of them, or refuse."""
    case = decision.case
    if case.version != decision.case_version or case.state != State.DECIDED:
        raise Conflict(_("The decision can no longer be undone; reopen the case instead."), code="grace-over")
    outbox.call_off(case.pk, version=case.version)
    acting = case.effects.filter(case_version=case.version, blocking=True)
    if acting.exclude(status="cancelled").exists():
        raise Conflict(_("Its effects have begun to leave; reopen the case instead."), code="grace-over")


def _give_back(decision: Decision, *, task: ReviewTask, sender: User, note: str) -> None:
    """Tell the decider, and leave the task to them and to others: who sent it back is to judge it, not to take it over."""
    if decision.decided_by is not None:
        kind = Notice.Kind.SENT_BACK
        notices.tell([decision.decided_by], kind=kind, case_id=task.case_id, task=task, sender=sender, text=note)
        until = from_now(hours=LEFT_TO_OTHERS_HOURS)
        Skip.objects.create(task=task, user=sender, reason=note.strip()[:LONGEST_REASON], until=until)
