"""What is risky: which answers need a second person, and which cases deserve to be read before anything suggests to approve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cases import conditions
from cases.clock import moment
from cases.models import Case, Prediction
from cases.models.choices import Impact, Reason
from review.models import Policy, ReviewTask
from review.route import facts_of

OUTWARD = frozenset({Impact.CUSTOMER, Impact.REGULATOR, Impact.MONEY})
DOUBTED = frozenset({Reason.HIGH_RISK, Reason.REPORTED_ERROR, Reason.REOPENED})


def needs_second(case: Case, policy: Policy, *, output: Mapping[str, Any] | None, label: str) -> bool:
    """Whether the policy wants a second person's approval of this answer."""
    if not policy.second_approval:
        return False
    facts = facts_of(case, output=output, label=label, confidence=case.confidence)
    return conditions.holds(conditions.evaluate(policy.second_approval, facts))


def risky(task: ReviewTask, prediction: Prediction | None) -> bool:
    """Whether an approval in passing could do harm.

    So it is where the case came as doubtful, where an error of its type reaches beyond the house, and where the
    machine's answer is one that needs a second approval.
    """
    if task.reason in DOUBTED or OUTWARD & set(task.case.case_type.impact):
        return True
    return prediction is not None and needs_second(
        task.case, task.policy, output=prediction.output, label=prediction.label
    )


def reading_floor(task: ReviewTask, prediction: Prediction | None) -> int:
    """For how many seconds from the claim nothing suggests to approve; 0 where nothing is risky or the policy has none."""
    floor = task.policy.reading_floor_seconds
    return floor if floor and risky(task, prediction) else 0


def seconds_short(task: ReviewTask, prediction: Prediction | None) -> int:
    """How much of the reading floor is still to pass, by the database's clock, since the claim that runs now."""
    floor = reading_floor(task, prediction)
    if not floor or task.claimed_at is None:
        return 0
    return max(0, floor - int((moment() - task.claimed_at).total_seconds()))
