"""What the feedback app forgets when a case is erased (hook ``case_erased``). An emptied case teaches nothing any more."""

from __future__ import annotations

from collections.abc import Sequence

from django.db.models import Count, F, Q
from django.db.models.functions import JSONObject, Now

from cases.audit import Journal
from cases.models import Attachment, Case
from feedback.models import (
    Correction,
    Dataset,
    DatasetItem,
    Fingerprint,
    GoldCase,
    OutcomeReport,
    Planting,
    Sample,
    SecondRead,
    ShadowPrediction,
)
from review.models import Draft, Note, ReviewTask


def forget(*, case_ids: Sequence[int], log: Journal) -> None:
    corrections = Correction.objects.filter(case__in=case_ids)
    corrections.filter(before__isnull=False).update(before=JSONObject(label=F("label_before")))
    corrections.filter(after__isnull=False).update(after=JSONObject(label=F("label_after")))
    corrections.update(why="")
    reports = OutcomeReport.objects.filter(case__in=case_ids)
    reports.filter(output__isnull=False).update(output={})
    reports.update(note="")
    Fingerprint.objects.filter(case__in=case_ids).delete()
    _leave_datasets(case_ids)
    shadowed = ShadowPrediction.objects.filter(case__in=case_ids)
    shadowed.filter(Q(label__startswith="{") | Q(said__startswith="{")).delete()  # a whole output in place of a label
    Sample.objects.filter(case__in=case_ids).update(first_answer={}, final_answer={})
    gold = GoldCase.objects.filter(case__in=case_ids)
    gold.update(output={}, shown={}, why="")
    Planting.objects.filter(gold__in=gold, output__isnull=False).update(output={})
    _empty_copies(case_ids)
    reads = SecondRead.objects.filter(decision__case__in=case_ids)
    reads.filter(output__isnull=False).update(output=JSONObject(label=F("label")))
    reads.filter(settled__isnull=False).update(settled={})


def _empty_copies(case_ids: Sequence[int]) -> None:
    """What a known case was planted as holds what it held. A reader who has one open finds that it was withdrawn."""
    copies = Case.everything.filter(copy_of__in=case_ids)
    unread = ReviewTask.objects.open().filter(case__in=copies)
    unread.update(closed_at=Now(), ending=ReviewTask.Ending.CANCELLED)
    Attachment.objects.filter(case__in=copies).delete()  # the files are the original's
    Draft.objects.filter(task__case__in=copies).delete()
    Note.objects.filter(case__in=copies).delete()
    copies.update(payload={}, context=[], metadata={}, salt="", requester="", idempotency_key="")


def _leave_datasets(case_ids: Sequence[int]) -> None:
    """A frozen dataset loses the case's examples and says how many; its digest tells that it is no longer whole."""
    items = DatasetItem.objects.filter(case__in=case_ids)
    for dataset_id, count in items.order_by().values_list("dataset").annotate(count=Count("pk")):
        Dataset.objects.filter(pk=dataset_id).update(erased=F("erased") + count)
    items.delete()
