"""News from downstream about a decision. A wrong one is a correction, and the case is put up for decision again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db.models import F
from django.utils.translation import gettext as _

from cases.access import can, visible
from cases.audit import journal
from cases.errors import Conflict, Forbidden, Invalid, Missing
from cases.models import Case
from cases.models.choices import State
from feedback import corrections
from feedback.models import OutcomeReport
from review.decide import checked_output
from review.models import Decision
from review.reopen import reported_wrong

LONGEST_SOURCE = 120


def report_outcome(
    case_id: int,
    *,
    by: User,
    correct: bool,
    source: str,
    origin: str,
    output: Mapping[str, Any] | None = None,
    note: str = "",
) -> tuple[OutcomeReport, bool]:
    """Take a report down; the same report again changes nothing. Returns it and whether it is new.

    Raises: Missing, Forbidden, Invalid with the field, Conflict when the case is not decided or the source said otherwise before.
    """
    case = visible(by, Case.objects.select_related("case_type"), "cases.view_case").filter(pk=case_id).first()
    if case is None:
        raise Missing(_("There is no such case, or it is not yours to see."))
    if not can(by, "feedback.add_outcomereport"):
        raise Forbidden(_("You may see this case and not report on it."))
    with journal(actor=by, origin=origin) as log:
        decision = _decision_of(case)
        known = OutcomeReport.objects.filter(decision=decision, source=source).first()
        if known is not None:
            return _same(known, correct=correct, output=output), False
        _check(case, decision, correct=correct, output=output, source=source)
        report = OutcomeReport.objects.create(
            case=case, decision=decision, correct=correct, output=output, source=source, note=note, reported_by=by
        )
        log("outcome.reported", case_id=case.pk, subject=report, data={"correct": correct, "source": source})
        if not correct:
            corrections.from_report(report)
            reported_wrong(case, note=note, log=log)
    return report, True


def _decision_of(case: Case) -> Decision:
    """The newest decision that took effect, which is what a receiver downstream knows of; else one that is still held."""
    state = Case.objects.select_for_update().get(pk=case.pk).get_state_display()
    decisions = Decision.objects.filter(case=case).select_related("policy", "prediction")
    decision = decisions.in_force().order_by("-pk").first() or decisions.order_by("-pk").first()
    if decision is None:
        raise Conflict(_("The case has not been decided: it is %(state)s.") % {"state": state})
    return decision


def _same(known: OutcomeReport, *, correct: bool, output: Mapping[str, Any] | None) -> OutcomeReport:
    if known.correct != correct or known.output != output:
        raise Conflict(_("This source has reported something else about this decision before."))
    return known


def _check(case: Case, decision: Decision, *, correct: bool, output: Mapping[str, Any] | None, source: str) -> None:
    if not source.strip() or len(source) > LONGEST_SOURCE:
        raise Invalid(
            _("The report was not taken."), errors={"source": [_("Name the reporting system in 1 to 120 characters.")]}
        )
    later = Decision.objects.waiting().filter(case=case, case__state=State.DECIDED, case_version=F("case__version"))
    if decision.case_version != Case.objects.values_list("version", flat=True).get(pk=case.pk) and not later.exists():
        raise Conflict(_("The case has been reopened and awaits a new decision."))
    if output is not None:
        checked_output(output, case=case)
    if not correct and output is not None and output == decision.output:
        raise Invalid(
            _("The report contradicts itself."), errors={"output": [_("This is the output that was decided.")]}
        )
