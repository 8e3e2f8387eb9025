"""Cases of the intake coin, read blind: what the reader said becomes evaluation data."""

from __future__ import annotations

from django.contrib.auth.models import User

from cases.audit import Journal
from cases.models import Prediction
from cases.models.choices import Reason
from feedback import corrections
from feedback.models import Sample
from review.decide import Answer, Settled
from review.models import Decision, ReviewTask
from review.reopen import reopen


def from_decision(*, decision: Decision, task: ReviewTask, log: Journal) -> None:
    """A sampled case that went to a person: read blind in the flow, and decided.

    Where a report reopened an automated case before its sample was read, this reading is the sample, and is held against
    what policy decided: else exactly the wrong ones would be missing.
    """
    acted = decision.supersedes
    automated = acted is not None and acted.task_id is None
    judged = acted if automated else decision.prediction
    said = judged.output if judged else None
    sample = Sample.objects.create(
        case=decision.case,
        decision=decision,
        read_by_id=decision.decided_by_id or 0,
        prediction=decision.prediction,
        probability=decision.case.sample_probability or 1.0,
        automated=automated,
        first_answer=task.first_answer or decision.output or {},
        final_answer=decision.output or {},
        correct=said is not None and said == decision.output,
        active_seconds=decision.active_seconds,
    )
    if said is not None and not sample.correct:
        corrections.from_sample(sample, why=decision.note)
    log("sample.taken", case_id=decision.case_id, subject=sample, data={"automated": automated})


def record(
    *, task: ReviewTask, answer: Answer, settled: Settled, prediction: Prediction | None, user: User, log: Journal
) -> None:
    """Hook ``sample_read``: an automated case of the coin was read. An error reopens the case."""
    case = task.case
    acted = Decision.objects.filter(case=case).order_by("-id").first()
    correct = acted is not None and settled.output == acted.output
    sample = Sample.objects.create(
        case=case,
        decision=acted,
        prediction=prediction,
        probability=case.sample_probability or 1.0,
        automated=True,
        first_answer=task.first_answer or settled.output or {},
        final_answer=settled.output or {},
        correct=correct,
        read_by=user,
        active_seconds=answer.active_seconds,
    )
    log("sample.taken", case_id=case.pk, subject=sample, data={"automated": True, "correct": correct})
    if not correct:
        corrections.from_sample(sample, why=answer.note)
        reopen(case, reason=Reason.REPORTED_ERROR, note=answer.note, log=log)
