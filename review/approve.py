"""The second pair of eyes on a held decision, and the undoing of one whose effects have not left."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.utils import timezone

from cases import hooks, outbox
from cases.access import can, visible
from cases.audit import Journal, journal
from cases.clock import from_now
from cases.errors import Conflict, Forbidden, Invalid, Missing
from cases.models import Case
from cases.models.choices import Reason, State
from cases.transitions import move
from review.decide import take_effect
from review.models import Approval, Decision, ReviewTask
from review.tasks import due_at, end_task, open_task

OTHER = "Somebody else has to give the second approval."


def approve(decision_id: int, *, by: User, origin: str, note: str = "") -> Decision:
    """Let a held decision act.

    Raises: Missing; Forbidden for the one who decided; Conflict when it is not held (any more).
    """
    with journal(actor=by, origin=origin) as log:
        decision = _held(decision_id, by=by)
        _verdict(decision, approved=True, by=by, note=note, log=log)
        Case.objects.filter(pk=decision.case_id).update(lease_until=from_now(seconds=decision.policy.grace_seconds))
        take_effect(decision, log=log)
        hooks.call("decision_approved", decision=decision, log=log)
    return decision


def send_back(decision_id: int, *, by: User, note: str, origin: str) -> ReviewTask:
    """Return a held decision to the queue it came from, with a note for whoever decides again.

    Raises: as `approve`; Invalid without a note.
    """
    if not note.strip():
        raise Invalid("The decision was not sent back.", errors={"note": ["Say what should be looked at again."]})
    with journal(actor=by, origin=origin) as log:
        decision = _held(decision_id, by=by)
        _verdict(decision, approved=False, by=by, note=note, log=log)
        return return_to_review(
            decision, reason=decision.task.reason if decision.task else Reason.REOPENED, note=note, log=log
        )


def undo(decision_id: int, *, by: User, origin: str) -> ReviewTask:
    """Take a decision back while its grace period runs and nothing has left.

    Raises: Missing, Forbidden, or Conflict when its effects have begun to leave.
    """
    with journal(actor=by, origin=origin) as log:
        decision = _seen(decision_id, by=by, verb="review.undo_decision")
        case = Case.objects.select_for_update().get(pk=decision.case_id)
        if case.version != decision.case_version or case.state != State.DECIDED:
            raise Conflict("The decision can no longer be undone; reopen the case instead.", code="grace-over")
        outbox.call_off(case.pk, version=case.version)
        acting = case.effects.filter(case_version=case.version, blocking=True)
        if acting.exclude(status="cancelled").exists():
            raise Conflict("Its effects have begun to leave; reopen the case instead.", code="grace-over")
        log("decision.undone", case_id=case.pk, subject=decision)
        _end_second_approval(decision)
        return return_to_review(decision, reason=Reason.REOPENED, note="", log=log)


def return_to_review(decision: Decision, *, reason: str, note: str, log: Journal) -> ReviewTask:
    """decided → in_review: the case is put up for decision again, in the queue it was decided in."""
    case, task = decision.case, decision.task
    if task is None or not move({case.pk: {"reason": reason}}, source=State.DECIDED, target=State.IN_REVIEW, log=log):
        raise Conflict("The case has moved on; look again.")
    case.refresh_from_db(fields=["version", "state"])
    due = due_at(decision.policy, priority=case.priority, since=timezone.now())
    return open_task(case, queue=task.queue, policy=decision.policy, reason=reason, due=due, log=log, note=note)


def _held(decision_id: int, *, by: User) -> Decision:
    decision = _seen(decision_id, by=by, verb="review.approve_decision")
    if decision.decided_by_id == by.pk:
        raise Forbidden(OTHER)
    if not decision.held or Approval.objects.filter(decision=decision).exists():
        raise Conflict("This decision does not wait for a second approval.", code="not-held")
    case = Case.objects.get(pk=decision.case_id)
    if case.state != State.DECIDED or case.version != decision.case_version:
        raise Conflict("The case has moved on; look again.", code="not-held")
    return decision


def _seen(decision_id: int, *, by: User, verb: str) -> Decision:
    """The decision, locked, if the account may see it and do the verb."""
    rows = visible(by, Decision.objects.all(), "review.view_decision").select_for_update(of=("self",))
    decision = (
        rows.filter(pk=decision_id).select_related("case__case_type", "policy", "task__queue", "supersedes").first()
    )
    if decision is None:
        raise Missing("There is no such decision, or it is not yours to see.")
    if not can(by, verb, decision):
        own = verb == "review.approve_decision" and decision.decided_by_id == by.pk
        raise Forbidden(OTHER if own else "You may see this decision and not do this with it.")
    return decision


def _verdict(decision: Decision, *, approved: bool, by: User, note: str, log: Journal) -> None:
    Approval.objects.create(decision=decision, approved=approved, by=by, note=note)
    _end_second_approval(decision)
    log(
        "decision.approved" if approved else "decision.sent_back",
        case_id=decision.case_id,
        subject=decision,
        data={"note": bool(note)},
    )


def _end_second_approval(decision: Decision) -> None:
    for task in ReviewTask.objects.open().filter(case=decision.case_id, reason=Reason.SECOND_APPROVAL):
        end_task(task, ending=ReviewTask.Ending.DECIDED)
