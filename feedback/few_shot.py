"""Earlier cases that a language model is shown with the case at hand: people's answers only, corrections of the machine first.

Never the case itself, never one by which the machine is judged, never what only the machine said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet

from cases import schemas
from cases.classifiers.base import Question
from cases.classifiers.texts import text_of
from cases.models import Case, CaseType
from feedback import fingerprints
from feedback.examples import Example, learnable_decisions, not_serving, standing_corrections
from feedback.models import Correction, Dataset, DatasetItem

SIMILAR, NEWEST, FIXED = "similar", "newest", "fixed"
CHOICES = (SIMILAR, NEWEST, FIXED)
USUAL = 8
LOOKED_AT = 8  # of the most alike some may not be shown
LONGEST_TEXT, MOST_CHARACTERS = 2_000, 12_000
CORRECTED_LEAD = 0.1
"""What a corrected error counts above an agreement that is as alike: it is there that the model needs telling."""

Shot = tuple[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Choice:
    """How many, and which. For a trial, ``judging`` leaves out what is held out, ``before`` what was answered later."""

    count: int = USUAL
    choice: str = SIMILAR
    dataset: Dataset | None = None
    judging: bool = False
    before: datetime | None = None


def shots(case_type: CaseType, question: Question, choice: Choice) -> list[Shot]:
    """The examples for a question; the most alike last, nearest to the case. Fewer where they would be too long together."""
    if choice.count <= 0:
        return []
    if choice.choice == FIXED:
        return _bounded(_fixed(choice, question), choice)
    found = _similar(case_type, question, choice) if choice.choice == SIMILAR else []
    if len(found) < choice.count:
        taken = {example.case_id for example in found}
        found += [each for each in _newest(case_type, question, choice) if each.case_id not in taken]
    return _bounded(found, choice)[::-1]


def _bounded(found: Iterable[Example], choice: Choice) -> list[Shot]:
    """The first so many with a text of their own, within the length that all may have together."""
    kept: dict[str, Shot] = {}
    left = MOST_CHARACTERS
    for example in found:
        text = example.text[:LONGEST_TEXT]
        size = len(text) + len(str(example.output))
        if not text.strip() or not example.output or text in kept or (choice.judging and example.held_out):
            continue
        if size > left or len(kept) == choice.count:
            break
        kept[text], left = (text, example.output), left - size
    return list(kept.values())


def _similar(case_type: CaseType, question: Question, choice: Choice) -> list[Example]:
    text = text_of(question.payload)[0]
    limit = choice.count * LOOKED_AT
    scores = dict(fingerprints.alike(case_type.pk, text, without=question.case_id, limit=limit))
    answers = _answers(case_type, list(scores), choice)

    def worth(example: Example) -> float:
        return scores[example.case_id or 0] + (CORRECTED_LEAD if example.correction_id else 0.0)

    return sorted(answers, key=worth, reverse=True)


def _answers(case_type: CaseType, case_ids: Sequence[int], choice: Choice) -> list[Example]:
    """What people say of these cases now: their decisions, and above them what corrected these since."""
    if not case_ids:
        return []
    decided = learnable_decisions(case_type).filter(_asked_by_nobody(""), case__in=case_ids).select_related("case")
    corrected = _corrections(case_type).filter(case__in=case_ids)
    if choice.before is not None:
        decided, corrected = (
            decided.filter(decided_at__lt=choice.before),
            corrected.filter(created_at__lt=choice.before),
        )
    found = {row.case_id: _example(row.case, row.output) for row in decided}
    found |= {row.case_id: _example(row.case, row.after, correction_id=row.pk) for row in corrected.order_by("pk")}
    return list(found.values())


def _newest(case_type: CaseType, question: Question, choice: Choice) -> list[Example]:
    """The newest corrections: first the newest of each label, then the others."""
    rows = _corrections(case_type).exclude(case=question.case_id).order_by("-pk")
    rows = rows.filter(created_at__lt=choice.before) if choice.before is not None else rows
    found = [_example(row.case, row.after, correction_id=row.pk) for row in rows[: choice.count * LOOKED_AT]]
    first: dict[str, Example] = {}
    for example in found:
        first.setdefault(example.label, example)
    newest = list(first.values())
    return newest + [example for example in found if example not in newest]


def _corrections(case_type: CaseType) -> QuerySet[Correction]:
    rows = standing_corrections().filter(_asked_by_nobody("decision__"), case_type=case_type)
    return rows.select_related("case")


def _asked_by_nobody(prefix: str) -> Q:
    """Not what was planted to see whether a reader is awake."""
    return Q(**{f"{prefix}task__planted": False}) | Q(**{f"{prefix}task": None})


def _example(case: Case, output: dict[str, Any] | None, **more: Any) -> Example:
    text, answer = text_of(case.payload)[0], output or {}
    label, group = schemas.label_of(answer), case.requester or text
    return Example(text, answer, label, group, origin="decision", case_id=case.pk, **more)


def _fixed(choice: Choice, question: Question) -> list[Example]:
    """The learning side of a frozen dataset in its order, what the machine got wrong first."""
    usable = Q(case=None) | not_serving("case__") & ~Q(case=question.case_id)
    rows = DatasetItem.objects.filter(usable, dataset=choice.dataset, side=DatasetItem.Side.TRAIN)
    items = rows.order_by("position")[: choice.count * LOOKED_AT * LOOKED_AT]
    return [
        Example(item.text, item.output, schemas.label_of(item.output), group="", origin=item.origin)
        for item in sorted(items, key=lambda item: item.rejected is None)
    ]
