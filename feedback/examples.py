"""What may be learnt from: what people decided or reported, and examples that came with their truth. Never the machine's own word."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from cases import schemas
from cases.classifiers.texts import text_of
from cases.models import Case, CaseType, Prediction
from feedback.models import Correction, Draw, LabelledExample, Sample
from review.models import Decision, ReviewTask

HELD_OUT_SHARE = 0.2
FROM_OUTSIDE = (Correction.Source.OUTCOME, Correction.Source.ADJUDICATION)
READ_OF_DECISIONS = (
    *("output", "note", "reason", "decided_at", "case__payload", "case__requester", "prediction__output"),
    *("prediction__model", "prediction__model_version"),
)


@dataclass(frozen=True, slots=True)
class Example:
    """A text with its right output. ``group`` ties together what must not stand on both sides of the split."""

    text: str
    output: dict[str, Any]
    label: str
    group: str
    origin: str
    at: datetime | None = None
    case_id: int | None = None
    decision_id: int | None = None
    correction_id: int | None = None
    prediction: Prediction | None = None
    why: str = ""

    @property
    def rejected(self) -> dict[str, Any] | None:
        """What the machine said, where that was something else."""
        said = self.prediction.output if self.prediction else None
        return said if said is not None and said != self.output else None

    @property
    def held_out(self) -> bool:
        """Kept for evaluation. It depends on the group alone, so an example never changes sides between trainings."""
        digest = hashlib.sha256(self.group.encode("utf-8", "surrogatepass")).digest()
        return int.from_bytes(digest[:4], "big") / 2**32 < HELD_OUT_SHARE


def learnable(case_type: CaseType) -> list[Example]:
    """Every example of a case type in a stable order; labels that its schema no longer has are left out."""
    known = set(schemas.labels_of(case_type.output_schema))
    found = {**_labelled(case_type), **_decided(case_type), **_reported(case_type)}
    return [found[key] for key in sorted(found) if not known or found[key].label in known]


def _labelled(case_type: CaseType) -> dict[str, Example]:
    rows = LabelledExample.objects.filter(case_type=case_type).iterator(chunk_size=2000)
    return {
        f"example {row.pk:012}": _example(row.payload, row.output, origin="labelled", at=row.created_at) for row in rows
    }


def _decided(case_type: CaseType) -> dict[str, Example]:
    rows = learnable_decisions(case_type).select_related("case", "prediction").only(*READ_OF_DECISIONS)
    return {f"case {row.case_id:012}": _of_decision(row) for row in rows.iterator(chunk_size=2000)}


def _of_decision(row: Decision) -> Example:
    why, told = row.note or row.reason, {"decision_id": row.pk, "prediction": row.prediction}
    return _of_case(row.case, row.output, origin="decision", at=row.decided_at, why=why, **told)


def _reported(case_type: CaseType) -> dict[str, Example]:
    """What came back from downstream or from an adjudicator stands above the decision it corrects."""
    found = standing_corrections().filter(case__case_type=case_type, source__in=FROM_OUTSIDE)
    rows = found.select_related("case", "prediction").order_by("pk")
    return {f"case {row.case_id:012}": _of_report(row) for row in rows.iterator(chunk_size=2000)}


def standing_corrections() -> QuerySet[Correction]:
    """Corrections with an answer that may be learnt from and that nothing has overtaken: no later decision, no undoing."""
    later = Decision.objects.filter(case=OuterRef("case"), pk__gt=OuterRef("decision"))
    undone = Q(source=Correction.Source.OVERRIDE, decision__case_version__lt=F("case__version"))
    rows = Correction.objects.filter(~undone, not_serving("case__"), after__isnull=False)
    return rows.filter(~_read_blind("case"), ~Exists(later))


def _of_report(row: Correction) -> Example:
    told = {"decision_id": row.decision_id, "correction_id": row.pk, "prediction": row.prediction}
    return _of_case(row.case, row.after, origin=row.source, at=row.created_at, why=row.why, **told)


def serving(case_type: CaseType) -> list[Example]:
    """The samples that serve as evaluation data: a blind reader's final answers. Nothing is ever trained on them."""
    rows = Sample.objects.filter(~_read_blind("case"), case__case_type=case_type, released_at=None)
    rows = rows.select_related("case", "prediction")
    return [_of_sample(row) for row in rows.order_by("pk").iterator(chunk_size=2000) if row.final_answer]


def _of_sample(row: Sample) -> Example:
    told = {"decision_id": row.decision_id, "prediction": row.prediction}
    return _of_case(row.case, row.final_answer, origin="sample", at=row.read_at, **told)


def learnable_decisions(case_type: CaseType) -> QuerySet[Decision]:
    """Decisions of people that are in force and have an output. Samples stay out while they serve as evaluation."""
    people = Decision.objects.by_people().in_force().filter(not_serving("case__"), case__case_type=case_type)
    people = people.filter(~_read_blind("case"))
    return people.filter(case_version=F("case__version"), output__isnull=False).order_by("pk")


def not_serving(prefix: str = "") -> Q:
    """Cases (by the path ``prefix``) on whose answer the machine is not judged: neither sampled nor drawn in a round, or
    every sample of them released.
    """
    case = OuterRef(f"{prefix}pk")
    samples, drawn = Sample.objects.filter(case=case), Draw.objects.filter(case=case, dropped="", sample=None)
    released = Exists(samples.filter(released_at__isnull=False))
    outside = Q(**{f"{prefix}sampled": False}) | Q(released)
    return outside & ~Exists(samples.filter(released_at=None)) & ~Exists(drawn)


def _read_blind(case: str) -> Exists:
    """Somebody is to answer the case blind: what was answered before may not leave the house until they have."""
    tasks = ReviewTask.objects.open().filter(case=OuterRef(case), blind=True, first_answer__isnull=True)
    return Exists(tasks)


def _of_case(case: Case, output: dict[str, Any] | None, **more: Any) -> Example:
    return _example(case.payload, output or {}, group=case.requester, case_id=case.pk, **more)


def _example(payload: dict[str, Any], output: dict[str, Any], *, group: str = "", **more: Any) -> Example:
    text = text_of(payload)[0]
    return Example(text=text, output=output, label=schemas.label_of(output), group=group or text, **more)


def split(examples: list[Example]) -> tuple[list[Example], list[Example]]:
    """To learn from, and held out."""
    held_out = [example for example in examples if example.held_out]
    return [example for example in examples if not example.held_out], held_out


def texts_and_labels(examples: list[Example]) -> tuple[list[str], list[str]]:
    kept: Iterator[Example] = (example for example in examples if example.label and example.text.strip())
    pairs = [(example.text, example.label) for example in kept]
    return [text for text, _ in pairs], [label for _, label in pairs]
