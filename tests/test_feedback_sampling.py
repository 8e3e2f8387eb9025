"""What becomes of a blind reading."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from cases.audit import journal
from cases.classifiers.base import Question
from cases.errors import Conflict, Forbidden, Invalid
from cases.models import AuditEvent, CaseType
from cases.models.choices import Reason, State
from feedback import sampling
from feedback.datasets import Selection, composed
from feedback.examples import serving
from feedback.few_shot import NEWEST, Choice, shots
from feedback.listeners import decision_made
from feedback.models import Correction, Draw, Round, Sample
from review.decide import Answer, conclude, settle
from review.models import Decision, ReviewTask
from review.reopen import reopen
from tests.factories import make_case, make_case_type, make_decision, make_prediction, make_task, make_user

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


def test_a_case_drawn_in_a_round_stays_out_of_training_exports_and_prompts_until_it_is_released() -> None:
    case_type = make_case_type()
    reader, supervisor = make_user("reviewer"), make_user("supervisor")
    case = make_case(case_type, state=State.CLOSED)
    said = make_prediction(case)
    decision = make_decision(
        case, by=reader, task=make_task(case), prediction=said, output={"label": "other"}, label="other"
    )
    with journal(actor=reader, origin="test") as log:
        decision.override = True
        decision_made(decision=decision, task=ReviewTask.objects.get(), log=log)
    assert taught(case_type) == (["other"], ["other"])
    draw = Draw.objects.create(round=a_round(case_type), case=case, probability=0.5)
    assert taught(case_type) == ([], [])
    read = {"first_answer": {"label": "other"}, "final_answer": {"label": "other"}, "correct": False, "read_by": reader}
    sample = Sample.objects.create(case=case, probability=0.5, automated=True, draw=draw, prediction=said, **read)
    assert taught(case_type) == ([], [])
    assert [example.label for example in serving(case_type)] == ["other"]
    assert sampling.release([sample.pk], by=supervisor, reason="enough of it", origin="test") == 1
    assert taught(case_type) == (["other"], ["other"])
    assert serving(case_type) == []


def taught(case_type: CaseType) -> tuple[list[str], list[str]]:
    """Labels that a dataset holds to learn from, and labels that a prompt would be given as examples."""
    question = Question(case_id=0, payload={"text": "hello"})
    shown = shots(case_type, question, Choice(choice=NEWEST))
    items = [item for item in composed(case_type, Selection()) if item.origin != "sample"]
    assert all(item.side == "eval" for item in composed(case_type, Selection()) if item.origin == "sample")
    return [str(item.output["label"]) for item in items], [str(output["label"]) for _text, output in shown]


def a_round(case_type: CaseType) -> Round:
    now = timezone.now()
    period = {"since": now - timedelta(days=2), "until": now - timedelta(days=1), "due_at": now + timedelta(days=1)}
    return Round.objects.create(case_type=case_type, number=1, kind="once", size=1, **period)


@pytest.mark.parametrize("role", ["reviewer", "auditor", "manager", "administrator", "integration"])
def test_only_a_supervisor_releases_and_says_why_once(role: str) -> None:
    read_blind(said="refund", answered="refund")
    sample, supervisor = Sample.objects.get(), make_user("supervisor")
    with pytest.raises(Forbidden):
        sampling.release([sample.pk], by=make_user(role), reason="because", origin="test")
    with pytest.raises(Invalid) as refusal:
        sampling.release([sample.pk], by=supervisor, reason=" ", origin="test")
    assert list(refusal.value.errors) == ["reason"]
    sampling.release([sample.pk], by=supervisor, reason="because", origin="test")
    with pytest.raises(Conflict):
        sampling.release([sample.pk], by=supervisor, reason="because", origin="test")
    assert AuditEvent.objects.get(action="sample.released").data == {"reason": "because"}
