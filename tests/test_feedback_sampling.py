"""What becomes of a blind reading."""

from __future__ import annotations

import pytest

from cases.audit import journal
from cases.models import AuditEvent
from cases.models.choices import Reason, State
from feedback import sampling
from feedback.listeners import decision_made
from feedback.models import Correction, Sample
from review.decide import Answer, conclude, settle
from review.models import Decision
from review.reopen import reopen
from tests.factories import make_case, make_decision, make_prediction, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def read_blind(*, said: str, answered: str) -> Decision:
    case = make_case(state=State.IN_REVIEW, sampled=True, sample_probability=0.05)
    user = make_user("reviewer")
    task = make_task(case, blind=True, claimed_by=user, first_answer={"label": answered})
    decision = make_decision(
        case,
        by=user,
        task=task,
        prediction=make_prediction(case, label=said),
        output={"label": answered},
        override=said != answered,
    )
    with journal(actor=user, origin="test") as log:
        decision_made(decision=decision, task=task, log=log)
    return decision


@pytest.mark.parametrize(("answered", "corrections"), [("refund", 0), ("other", 1)])
def test_a_blind_reading_is_a_sample_with_its_probability_and_a_correction_only_when_wrong(
    answered: str, corrections: int
) -> None:
    decision = read_blind(said="refund", answered=answered)
    sample = Sample.objects.get()
    assert (sample.decision, sample.probability, sample.automated) == (decision, 0.05, False)
    assert (sample.correct, sample.read_by) == (answered == "refund", decision.decided_by)
    assert Correction.objects.count() == corrections
    assert not Correction.objects.filter(source="override").exists()


def test_a_sample_is_on_record_without_its_content() -> None:
    read_blind(said="refund", answered="other")
    assert AuditEvent.objects.filter(action="sample.taken").latest("id").data == {"automated": False}


def test_a_sample_taken_where_the_machine_failed_counts_it_as_wrong_and_corrects_nothing() -> None:
    case = make_case(state=State.IN_REVIEW, sampled=True, sample_probability=0.05)
    user = make_user("reviewer")
    task = make_task(case, blind=True, claimed_by=user)
    failed = make_prediction(case, output=None, label="", confidence=0.0, error="down")
    decision = make_decision(case, by=user, task=task, prediction=failed, shown=False)
    with journal(actor=user, origin="test") as log:
        sampling.from_decision(decision=decision, task=task, log=log)
    assert not Sample.objects.get().correct
    assert not Correction.objects.exists()


def test_a_report_on_an_automated_case_leaves_its_sample_to_the_one_who_decides_anew() -> None:
    case = make_case(state=State.CLOSED, sampled=True, sample_probability=0.05)
    acted = make_decision(
        case, prediction=make_prediction(case), output={"label": "refund"}, label="refund", shown=False
    )
    make_task(case, reason=Reason.SAMPLE, blind=True)
    with journal(actor="test", origin="test") as log:
        task = reopen(case, reason=Reason.REPORTED_ERROR, note="wrong", log=log)
    assert (task.blind, task.first_answer) == (True, None)
    supervisor = make_user("supervisor")
    answer = Answer(outcome="amend", output={"label": "billing"})
    settled = settle(answer, case=case, prediction=acted.prediction, blind=True)
    with journal(actor=supervisor, origin="test") as log:
        conclude(task, answer=answer, settled=settled, prediction=acted.prediction, user=supervisor, log=log)
    sample = Sample.objects.get()
    assert (sample.automated, sample.correct, sample.read_by) == (True, False, supervisor)
