"""What may be learnt from: what people decided or reported, and examples that came with their truth. Never the machine's own word."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from cases import schemas
from cases.classifiers.texts import text_of
from cases.models import Case, CaseType
from feedback.models import Correction, LabelledExample
from review.models import Decision

HELD_OUT_SHARE = 0.2


@dataclass(frozen=True, slots=True)
class Example:
    """A text with its right output. ``group`` ties together what must not stand on both sides of the split."""

    text: str
    output: dict[str, Any]
    label: str
    group: str
    origin: str

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
    return {f"example {row.pk:012}": _example(row.payload, row.output, group="", origin="labelled") for row in rows}


def _decided(case_type: CaseType) -> dict[str, Example]:
    rows = learnable_decisions(case_type).select_related("case").iterator(chunk_size=2000)
    return {f"case {row.case_id:012}": _of_case(row.case, row.output, origin="decision") for row in rows}


def _reported(case_type: CaseType) -> dict[str, Example]:
    """What came back from downstream stands above the decision it corrects, unless the case was decided again since."""
    rows = Correction.objects.filter(case__case_type=case_type, source=Correction.Source.OUTCOME, after__isnull=False)
    later = Decision.objects.filter(case=OuterRef("case"), pk__gt=OuterRef("decision"))
    unsampled = rows.filter(_not_serving("case__"), ~Exists(later)).select_related("case").order_by("pk")
    return {f"case {row.case_id:012}": _of_case(row.case, row.after, origin="outcome") for row in unsampled}


def learnable_decisions(case_type: CaseType) -> QuerySet[Decision]:
    """Decisions of people that are in force and have an output. Samples stay out while they serve as evaluation."""
    in_force = Q(held=False) | Q(approval__approved=True)
    people = Decision.objects.by_people().filter(in_force, _not_serving("case__"), case__case_type=case_type)
    return people.filter(case_version=F("case__version"), output__isnull=False).order_by("pk")


def _not_serving(prefix: str) -> Q:
    return Q(**{f"{prefix}sampled": False}) | Q(**{f"{prefix}samples__released_at__isnull": False})


def _of_case(case: Case, output: dict[str, Any] | None, *, origin: str) -> Example:
    return _example(case.payload, output or {}, group=case.requester, origin=origin)


def _example(payload: dict[str, Any], output: dict[str, Any], *, group: str, origin: str) -> Example:
    text = text_of(payload)[0]
    return Example(text=text, output=output, label=schemas.label_of(output), group=group or text, origin=origin)


def split(examples: list[Example]) -> tuple[list[Example], list[Example]]:
    """To learn from, and held out."""
    held_out = [example for example in examples if example.held_out]
    return [example for example in examples if not example.held_out], held_out


def texts_and_labels(examples: list[Example]) -> tuple[list[str], list[str]]:
    kept: Iterator[Example] = (example for example in examples if example.label and example.text.strip())
    pairs = [(example.text, example.label) for example in kept]
    return [text for text, _ in pairs], [label for _, label in pairs]
