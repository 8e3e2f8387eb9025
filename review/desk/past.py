"""What was before this task: the machine's attempts, decisions, stays in queues, and the requester's other cases."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Exists, OuterRef

from cases.models import Case, Prediction
from review.models import Decision, ReviewTask

EARLIER_CASES = 5
EARLIER_TASKS = 10
EARLIER_PREDICTIONS = 6


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier case of the same requester. ``id`` is 0 where the reader may not open it."""

    id: int
    case_type: str
    label: str
    state: str
    created_at: datetime


def predictions_of(case: Case) -> list[Prediction]:
    """The newest first; only its head is ever shown before a blind reader has answered, and that only as a digest."""
    return list(Prediction.objects.filter(case=case).order_by("-id")[:EARLIER_PREDICTIONS])


def decisions_of(case: Case) -> list[Decision]:
    rows = Decision.objects.filter(case=case).select_related("decided_by", "approval__by", "policy")
    return list(rows.order_by("-id")[:EARLIER_TASKS])


def earlier_tasks(task: ReviewTask) -> list[ReviewTask]:
    rows = ReviewTask.objects.filter(case=task.case_id).exclude(pk=task.pk).select_related("queue", "assignee")
    return list(
        rows.only(
            "reason", "note", "opened_at", "closed_at", "ending", "queue__name", "assignee__username", "case_id"
        ).order_by("-id")[:EARLIER_TASKS]
    )


def earlier_cases(case: Case) -> list[Earlier]:
    """The same requester's latest cases: kind, date and outcome, nothing of their content."""
    if not case.requester:
        return []
    blind = ReviewTask.objects.open().filter(case=OuterRef("pk"), blind=True, first_answer__isnull=True)
    rows = Case.objects.filter(requester=case.requester, pk__lt=case.pk).light().select_related("case_type")
    rows = rows.annotate(hidden=Exists(blind)).order_by("-pk")
    return [_earlier(row) for row in rows[:EARLIER_CASES]]


def _earlier(row: Case) -> Earlier:
    label = "" if row.hidden else row.label  # type: ignore[attr-defined]  # annotated
    return Earlier(row.pk, row.case_type.name, label, row.get_state_display(), row.created_at)
