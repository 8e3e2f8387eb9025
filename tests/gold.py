"""Known cases for tests: made, planted, and answered."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from cases.models import Case, CaseType
from cases.models.choices import State
from feedback import gold, plantings
from feedback.models import GoldCase, Planting
from review import claims
from review.decide import Answer, decide
from review.models import Decision, ReviewTask
from review.shown import digest_of, shown_prediction
from tests.factories import make_case, make_case_type, make_decision, make_prediction, make_queue, make_user


def closed_case(case_type: CaseType, *, said: str = "refund", right: str = "refund", **how: Any) -> Case:
    case = make_case(case_type, state=State.CLOSED, label=right, confidence=0.9, requester=how.pop("requester", ""))
    case.closed_at = case.decided_at = case.routed_at = timezone.now()
    case.save()
    by = how.pop("by", None) or make_user("expert")
    made = make_prediction(case, label=said, confidence=how.pop("confidence", 0.9))
    make_decision(case, by=by, output={"label": right}, label=right, prediction=made, **how)
    return case


def drill(case_type: CaseType, **how: Any) -> GoldCase:
    case = closed_case(case_type, **how)
    shown = {"label": "billing"}
    return gold.make_drill(case.pk, by=make_user("supervisor"), origin="test", shown=shown, why="The text says so.")


def planted(case_type: CaseType | None = None, *, reader: User | None = None, **policy: Any) -> ReviewTask:
    """A drill in the front desk's queue."""
    case_type = case_type or make_case_type("exception_handler", policy=policy)
    drill(case_type)
    planting = plantings.plant(case_type.policies.get(status="active"), queue=make_queue(), reader=reader)
    assert planting is not None
    assert planting.task is not None
    return planting.task


def answer(task: ReviewTask, user: User, *, caught: bool) -> Decision | None:
    how = {"outcome": "amend", "output": {"label": "refund"}} if caught else {"outcome": "approve"}
    mine = claims.claim(task.pk, user=user, origin="test")
    digest = digest_of(mine, mine.case, shown_prediction(mine))
    return decide(task.pk, user=user, lease_token=mine.lease_token, digest=digest, answer=Answer(**how), origin="test")


def approve_everything(user: User, case_type: CaseType, *, times: int = 4) -> Planting | None:
    """The reader waves so many drills through. Returns the last."""
    for _number in range(times):
        answer(planted(case_type, reader=user), user, caught=False)
    return Planting.objects.filter(user=user).order_by("-pk").first()
