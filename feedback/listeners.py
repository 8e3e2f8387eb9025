"""What the review app tells this one (``settings.HOOKS``), inside the transaction of the decision."""

from __future__ import annotations

from cases.audit import Journal
from feedback import corrections, sampling
from review.models import Decision, ReviewTask


def decision_made(*, decision: Decision, task: ReviewTask, log: Journal) -> None:
    """A case of the coin is a sample, right or wrong; any other override is a correction."""
    if task.blind:
        sampling.from_decision(decision=decision, task=task, log=log)
    elif decision.override:
        corrections.from_override(decision)
