"""A later check found an error: the case is put up for decision again, or decided anew at once by one who may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from cases import outbox
from cases.access import can, visible
from cases.audit import Journal, journal
from cases.errors import Conflict, Forbidden, Invalid, Missing
from cases.models import Case
from cases.models.choices import Reason, State
from cases.outbox import Happening
from cases.transitions import move
from review.decide import Answer, check_answer, conclude, settle
from review.models import Decision, ReviewTask
from review.route import lane_queue
from review.shown import newest_prediction
from review.tasks import due_at, end_open_tasks, open_task


def reopen(case: Case, *, reason: str, note: str, log: Journal) -> ReviewTask:
    """closed or decided → in_review, with a task in the supervisors' lane; read blind in place of a sample not yet read.

    Raises: Conflict when the case is not decided.
    """
    policy = _last_decision(case).policy
    unread = ReviewTask.objects.open().filter(case=case, reason=Reason.SAMPLE).exists()
    end_open_tasks(case_id=case.pk, log=log)
    for source in (State.CLOSED, State.DECIDED):
        if move({case.pk: {"reason": reason}}, source=source, target=State.IN_REVIEW, log=log):
            break
    else:
        raise Conflict(f"Only a decided case can be reopened; this one is {case.get_state_display()}.")
    outbox.call_off(case.pk, version=case.version)
    case.refresh_from_db(fields=["version", "state"])
    outbox.announce([Happening(case=case, event="case.reopened", data={"reason": reason})], log=log)
    due = due_at(policy, priority=case.priority, since=timezone.now())
    queue = lane_queue(policy, Reason.HIGH_RISK)
    return open_task(case, queue=queue, policy=policy, reason=reason, due=due, log=log, note=note, blind=unread)


def reopen_case(case_id: int, *, by: User, note: str, origin: str) -> ReviewTask:
    """A supervisor reopens a case, with the reason why.

    Raises: Missing, Forbidden, Invalid without a note, Conflict.
    """
    case = visible(by, Case.objects.select_related("case_type"), "cases.view_case").filter(pk=case_id).first()
    if case is None:
        raise Missing("There is no such case, or it is not yours to see.")
    if not can(by, "review.override_decision"):
        raise Forbidden("You may see this case and not reopen it.")
    _demand_note(note)
    with journal(actor=by, origin=origin) as log:
        return reopen(case, reason=Reason.REOPENED, note=note, log=log)


def override(
    decision_id: int, *, by: User, outcome: str, output: Mapping[str, Any] | None, note: str, origin: str
) -> Decision:
    """Replace a decision by a better one. It is held until a second person approves it.

    Raises: Missing, Forbidden, Invalid, or Conflict when a later decision stands already.
    """
    rows = visible(by, Decision.objects.all(), "review.view_decision").select_related("case__case_type")
    decision = rows.filter(pk=decision_id).first()
    if decision is None:
        raise Missing("There is no such decision, or it is not yours to see.")
    if not can(by, "review.override_decision", decision):
        raise Forbidden("You may see this decision and not override it.")
    _demand_note(note)
    answer = Answer(outcome=outcome, output=output, reason="override", note=note)
    check_answer(answer)
    with journal(actor=by, origin=origin) as log:
        return _decide_anew(decision, answer=answer, by=by, log=log)


def _decide_anew(decision: Decision, *, answer: Answer, by: User, log: Journal) -> Decision:
    case = Case.objects.select_related("case_type").get(pk=decision.case_id)
    if case.version != decision.case_version:
        raise Conflict("A later decision stands already; override that one.")
    task = reopen(case, reason=Reason.REOPENED, note=answer.note, log=log)
    prediction = newest_prediction(case)
    settled = settle(answer, case=case, prediction=prediction, blind=False)
    return conclude(task, answer=answer, settled=settled, prediction=prediction, user=by, log=log, hold=True)


def _last_decision(case: Case) -> Decision:
    decision = Decision.objects.filter(case=case).select_related("policy").order_by("-id").first()
    if decision is None:
        raise Conflict("This case has never been decided.")
    return decision


def _demand_note(note: str) -> None:
    if not note.strip():
        raise Invalid("Nothing was changed.", errors={"note": ["Say why; it is kept in the audit log."]})
