"""A later check found an error: the case is put up for decision again, or decided anew at once by one who may."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from django.utils.translation import gettext as _

from cases import outbox
from cases.access import can, visible
from cases.audit import Journal, journal
from cases.errors import Conflict, Forbidden, Invalid, Missing
from cases.models import Case
from cases.models.choices import Reason, State
from cases.outbox import Happening
from cases.transitions import move
from review import notices
from review.decide import Answer, check_answer, conclude, settle
from review.models import Decision, Note, Notice, ReviewTask
from review.route import lane_queue
from review.shown import conceals, newest_prediction
from review.tasks import end_open_tasks, open_task, rank_of, staggered

MOST_TOLD = 50
BACKEND = "django.contrib.auth.backends.ModelBackend"


def reopen(case: Case, *, reason: str, note: str, log: Journal) -> ReviewTask:
    """closed or decided → in_review, with a task in the supervisors' lane; read blind in place of a sample not yet read.

    A decision held for a second approval is superseded with it, and its task ends. Nobody outside hears of that, since
    nobody outside had heard of the decision.

    Raises: Conflict when the case is not decided.
    """
    lock(case.pk)
    last = _last_decision(case)
    unheard = last.held and not Decision.objects.in_force().filter(pk=last.pk).exists()
    unread = ReviewTask.objects.open().filter(case=case, reason=Reason.SAMPLE).exists()
    end_open_tasks(case_id=case.pk, log=log)
    _put_up_again(case, reason=reason, log=log)
    outbox.call_off(case.pk, version=case.version)
    case.refresh_from_db(fields=["version", "state"])
    if not unheard:
        outbox.announce([Happening(case=case, event="case.reopened", data={"reason": reason})], log=log)
    queue = lane_queue(last.policy, Reason.HIGH_RISK)
    rank = rank_of(case, queue=queue, reason=reason)
    due = staggered(last.policy, case, since=timezone.now(), rank=rank)
    return open_task(case, queue=queue, policy=last.policy, reason=reason, due=due, log=log, note=note, blind=unread)


def reported_wrong(case: Case, *, note: str, log: Journal) -> None:
    """What took effect was reported as wrong: the case is put up for decision again.

    Where a better decision waits for its second approval already, the news goes to whoever gives that: no second task is
    opened, and an approval of what was shown before the news is refused.

    Raises: Conflict when the case is not decided.
    """
    lock(case.pk)
    waiting = ReviewTask.objects.open().filter(case=case, reason=Reason.SECOND_APPROVAL).first()
    if waiting is None or not Decision.objects.in_force().filter(case=case).exists():
        reopen(case, reason=Reason.REPORTED_ERROR, note=note, log=log)
        return
    flag = _("What stood before was reported as wrong. %(note)s") % {"note": note}
    waiting.note = "\n\n".join(text for text in (waiting.note, flag.strip()) if text)
    waiting.save(update_fields=["note"])
    log("task.flagged", case_id=case.pk, subject=waiting, data={"reason": str(Reason.REPORTED_ERROR)})


def lock(case_id: int) -> Case:
    """The case as it stands, locked until the transaction ends; before its tasks and decisions, as in `review.approve`."""
    return Case.objects.select_for_update(of=("self",)).select_related("case_type").get(pk=case_id)


def _put_up_again(case: Case, *, reason: str, log: Journal) -> None:
    for source in (State.CLOSED, State.DECIDED):
        if move({case.pk: {"reason": reason}}, source=source, target=State.IN_REVIEW, log=log):
            return
    state = {"state": case.get_state_display()}
    raise Conflict(_("Only a decided case can be reopened; this one is %(state)s.") % state)


def reopen_case(case_id: int, *, by: User, note: str, origin: str) -> ReviewTask:
    """A supervisor reopens a case, with the reason why.

    Raises: Missing, Forbidden, Invalid without a note, Conflict.
    """
    case = _seen_case(case_id, by=by)
    if not can(by, "review.override_decision"):
        raise Forbidden(_("You may see this case and not reopen it."))
    _demand_note(note)
    with journal(actor=by, origin=origin) as log:
        return reopen(case, reason=Reason.REOPENED, note=note, log=log)


def request_reopening(case_id: int, *, by: User, note: str, origin: str) -> int:
    """Ask those who may reopen to look at a decided case again. It is kept as a note on the case; tells how many know.

    Raises: Missing, Forbidden, Invalid without a note, Conflict when the case is not decided.
    """
    case = _seen_case(case_id, by=by)
    if not can(by, "review.request_reopening"):
        raise Forbidden(_("You may see this case and not ask for it to be reopened."))
    _demand_note(note)
    with journal(actor=by, origin=origin) as log:
        if lock(case.pk).state not in (State.DECIDED, State.CLOSED):
            raise Conflict(_("Only a decided case can be reopened; this one is %(state)s.") % {"state": case.state})
        row = Note.objects.create(case=case, author=by, text=_("Please reopen: %(note)s") % {"note": note.strip()})
        told = _tell_supervisors(case, sender=by, note=note)
        log("case.reopening_requested", case_id=case.pk, subject=row, data={"told": told})
    return told


def _tell_supervisors(case: Case, *, sender: User, note: str) -> int:
    may = User.objects.with_perm("review.override_decision", include_superusers=False, backend=BACKEND)
    people = may.filter(is_active=True).exclude(pk=sender.pk).order_by("pk")[:MOST_TOLD]
    text = _("Please reopen: %(note)s") % {"note": note.strip()}
    return notices.tell(people, kind=Notice.Kind.HELP, case_id=case.pk, sender=sender, text=text)


def override(
    decision_id: int, *, by: User, outcome: str, output: Mapping[str, Any] | None, note: str, origin: str
) -> Decision:
    """Replace a decision by a better one. It is held until a second person approves it.

    Raises: Missing, Forbidden, Invalid, or Conflict when a later decision stands already.
    """
    rows = visible(by, Decision.objects.all(), "review.view_decision").select_related("case__case_type")
    decision = rows.filter(pk=decision_id).first()
    if decision is None:
        raise Missing(_("There is no such decision, or it is not yours to see."))
    if not can(by, "review.override_decision", decision):
        raise Forbidden(_("You may see this decision and not override it."))
    _demand_note(note)
    answer = Answer(outcome=outcome, output=output, reason="override", note=note)
    check_answer(answer)
    with journal(actor=by, origin=origin) as log:
        return _decide_anew(decision, answer=answer, by=by, log=log)


def _decide_anew(decision: Decision, *, answer: Answer, by: User, log: Journal) -> Decision:
    case = lock(decision.case_id)
    if case.version != decision.case_version:
        raise Conflict(_("A later decision stands already; override that one."))
    task = reopen(case, reason=Reason.REOPENED, note=answer.note, log=log)
    prediction = newest_prediction(case)
    settled = settle(answer, case=case, prediction=prediction, blind=conceals(task))
    return conclude(task, answer=answer, settled=settled, prediction=prediction, user=by, log=log, hold=True)


def _seen_case(case_id: int, *, by: User) -> Case:
    case = visible(by, Case.objects.select_related("case_type"), "cases.view_case").filter(pk=case_id).first()
    if case is None:
        raise Missing(_("There is no such case, or it is not yours to see."))
    return case


def _last_decision(case: Case) -> Decision:
    decision = Decision.objects.filter(case=case).select_related("policy").order_by("-id").first()
    if decision is None:
        raise Conflict(_("This case has never been decided."))
    return decision


def _demand_note(note: str) -> None:
    if not note.strip():
        raise Invalid(_("Nothing was changed."), errors={"note": [_("Say why; it is kept in the audit log.")]})
