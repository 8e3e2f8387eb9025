"""What the review app tells this one (``settings.HOOKS``), inside the transaction of the decision."""

from __future__ import annotations

from typing import Any

from cases.audit import Journal
from cases.models import Prediction
from cases.models.choices import Reason
from feedback import corrections, gold, sampling, second_reads
from review.models import Decision, ReviewTask


def decision_made(*, decision: Decision, task: ReviewTask, log: Journal) -> None:
    """A case of the coin is a sample, right or wrong; any other override is a correction, once it is in force."""
    if not decision.held:
        gold.end_if_answer_changed(decision.case_id, decision.output, log=log)
    if task.blind:
        sampling.from_decision(decision=decision, task=task, log=log)
    elif decision.override and not decision.held:
        corrections.from_override(decision)


def decision_approved(*, decision: Decision, log: Journal) -> None:
    """A held override is in force now; one that was sent back never taught anything."""
    gold.end_if_answer_changed(decision.case_id, decision.output, log=log)
    if decision.override and decision.task is not None and not decision.task.blind:
        corrections.from_override(decision)


def task_read(*, task: ReviewTask, prediction: Prediction | None, **read: Any) -> None:
    """A task whose answer decides nothing was answered: a second read, or a quality sample."""
    if task.reason == Reason.SECOND_READ:
        second_reads.record(task=task, **read)
    else:
        sampling.record(task=task, prediction=prediction, **read)
