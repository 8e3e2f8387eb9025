"""What a reader was shown, as a digest: a decision is bound to exactly that."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from cases.access import Account
from cases.models import Case, Prediction
from cases.models.choices import Reason
from review.models import Decision, ReviewTask
from review.planted import planted_of


def newest_prediction(case: Case) -> Prediction | None:
    return Prediction.objects.filter(case=case).order_by("-id").first()


def shown_prediction(task: ReviewTask) -> Prediction | None:
    """What this task shows as the machine's answer: the newest prediction, or on a known case what was planted there."""
    known = planted_of(task) if task.closed_at is None else None
    return known.prediction() if known else newest_prediction(task.case)


def conceals(task: ReviewTask) -> bool:
    """Whether the machine's output is still hidden from the reader: read blind, and no first answer yet."""
    return task.blind and task.first_answer is None


def digest_of(task: ReviewTask, case: Case, prediction: Prediction | None) -> str:
    """SHA-256 over what stands before the reader. Anything that changes it makes a decision on the old view a conflict."""
    seen = None if conceals(task) or prediction is None else [prediction.pk, prediction.output, prediction.confidence]
    return _sha256([task.pk, task.policy_id, case.pk, case.version, case.content_digest, task.first_answer, seen])


def digest_of_held(decision: Decision) -> str:
    """SHA-256 over a held decision as its approver reads it, with what has been noted on its task since."""
    case, waiting = decision.case, ReviewTask.objects.open().filter(case=decision.case_id)
    noted = list(waiting.filter(reason=Reason.SECOND_APPROVAL).values_list("pk", "note"))
    answer = [decision.pk, decision.case_version, decision.outcome, decision.output, decision.reason, decision.note]
    return _sha256([case.pk, case.version, case.content_digest, answer, noted])


def _sha256(parts: list[object]) -> str:
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def concealed_ids(user: Account, case_ids: Iterable[int]) -> set[int]:
    """The cases that somebody is to read blind and has not answered yet: nothing of the machine's answer may be told."""
    found = ReviewTask.objects.open().filter(blind=True, first_answer__isnull=True, case__in=list(case_ids))
    return set(found.values_list("case_id", flat=True))
