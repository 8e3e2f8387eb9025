"""How good the machine is: first decisions by their chance to be read, by its confidence, and by what it took for what."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models
from django.db.models import Count, F, Q, QuerySet, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Coalesce, Left, NullIf

from feedback.models import Sample
from metrics import chances
from metrics.models import CertaintyRollup, LabelRollup, SampleRollup
from metrics.sums.base import Rows, Slice, confidence_bin, milliseconds, seconds
from metrics.sums.work import on_shown_output, production
from review.models import Decision

LONGEST_LABEL = 200


def samples(part: Slice) -> Iterable[SampleRollup]:
    """First decisions by the chance their case had to be read, how many were read, and how many of those were wrong.

    They count in the hour of the decision that is judged; the time of reading an automated one counts when it was read.
    """
    rows = Rows(SampleRollup, part)
    for found in _judged(part):
        _count(rows.at(found["start"], **_chance(found)), found)
    read = Sample.objects.filter(case__case_type_id=part.case_type_id, automated=True)
    by = {"chance": F("probability")}
    for group in part.grouped(read, "read_at", by, sum=milliseconds("active_seconds")):
        row = rows.at(group["start"], probability=group["chance"], automated=True)
        row.seconds += seconds(group["sum"])
    return rows


def certainty(part: Slice) -> Iterable[CertaintyRollup]:
    """The same decisions by the version of the model and the bin of its confidence."""
    rows = Rows(CertaintyRollup, part)
    by = {
        "said_by": F("prediction__model"),
        "said_in": F("prediction__model_version"),
        "number": confidence_bin("prediction__confidence"),
    }
    for found in _judged(part, **by):
        said = {"model": found["said_by"], "model_version": found["said_in"], "confidence_bin": found["number"]}
        _count(rows.at(found["start"], **said, **_chance(found)), found)
    return rows


def labels(part: Slice) -> Iterable[LabelRollup]:
    """The machine's label beside the person's: what was decided on a shown output, and what was read as a sample."""
    rows = Rows(LabelRollup, part)
    shown = production(part).filter(on_shown_output()).annotate(answer=F("label"))
    read = _first(part).filter(sample__isnull=False).annotate(answer=_read_label())
    for decisions, sampled in ((shown, False), (read, True)):
        by = {"said": F("prediction__label"), "answered": F("answer")}
        for found in part.grouped(decisions, "decided_at", by, n=Count("pk")):
            key = {"said": found["said"], "answered": found["answered"] or "", "sampled": sampled}
            rows.at(found["start"], **key).count += found["n"]
    return rows


def _first(part: Slice) -> QuerySet[Decision]:
    return Decision.objects.filter(case__case_type_id=part.case_type_id, case_version=1, prediction__error="")


def _judged(part: Slice, **by: Any) -> Iterable[dict[str, Any]]:
    """First decisions that could be read, counted by their chance and by more."""
    coin = Coalesce(F("case__sample_probability"), 0.0)
    counted = _first(part).annotate(coin=coin, missed=chances.missed_by_rounds(part))
    counted = counted.filter(Q(coin__gt=0) | Q(missed__lt=1))
    keys = {"chance": F("coin"), "left": F("missed"), "by_policy": Q(task__isnull=True), **by}
    wrong = Count("sample", filter=Q(sample__correct=False))
    return part.grouped(counted, "decided_at", keys, count=Count("pk"), read=Count("sample"), wrong=wrong)


def _chance(found: dict[str, Any]) -> dict[str, Any]:
    return {"probability": chances.whole(found["chance"], found["left"]), "automated": bool(found["by_policy"])}


def _count(row: SampleRollup | CertaintyRollup, found: dict[str, Any]) -> None:
    row.decided += found["count"]
    row.read += found["read"]
    row.wrong += found["wrong"]


def _read_label() -> Any:
    """What the reader answered. After an erasure the answer is gone, and its correction still tells the label."""
    own = models.When(Q(task__isnull=False) | Q(sample__correct=True), then=F("label"))
    told = NullIf(Left(KeyTextTransform("label", "sample__final_answer"), LONGEST_LABEL), Value(""))
    corrected = Coalesce(told, F("sample__correction__label_after"), Value(""))
    return models.Case(own, default=corrected, output_field=models.CharField())
