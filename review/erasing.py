"""What the review app forgets when a case is erased (hook ``case_erased``): outputs but for their label, traces,
and all that people wrote: notes, notices, drafts, reasons."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import F
from django.db.models.functions import JSONObject

from cases.audit import Journal
from review import drafts, notes, notices
from review.models import Approval, Decision, ReviewTask, Skip
from review.tasks import end_open_tasks


def forget(*, case_ids: Sequence[int], log: Journal) -> None:
    """Labels, times and people stay: they say nothing of the requester, and the measures need them."""
    for case_id in ReviewTask.objects.open().filter(case__in=case_ids).values_list("case_id", flat=True):
        end_open_tasks(case_id=case_id, log=log)
    tasks = ReviewTask.objects.filter(case__in=case_ids)
    tasks.update(trace=[], note="", hold_reason="")
    tasks.filter(first_answer__isnull=False).update(first_answer={})
    decisions = Decision.objects.filter(case__in=case_ids)
    decisions.filter(output__isnull=False).update(output=JSONObject(label=F("label")))
    decisions.update(note="", reason="")
    Approval.objects.filter(decision__in=decisions).update(note="")
    Skip.objects.filter(task__case__in=case_ids).delete()
    for written in (notes, notices, drafts):
        written.forget(case_ids)
