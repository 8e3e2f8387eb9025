"""What the machine said about a case, ready to be shown beside the form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cases.models import Prediction
from review.desk.fields import Link
from review.desk.text import Mark
from review.desk.words import plain, sureness
from review.models import ReviewTask

MOST_QUOTES, MOST_LINKS = 8, 3


@dataclass(frozen=True, slots=True)
class Alternative:
    label: str
    confidence: float


@dataclass(slots=True)
class Machine:
    """What the machine said, for a reader to whom it may be shown."""

    prediction: Prediction
    rows: list[tuple[str, str]]
    word: str
    alternatives: list[Alternative]
    quotes: list[Link]
    links: dict[str, list[Link]]
    below: bool
    threshold: float


def machine_of(prediction: Prediction, *, task: ReviewTask, marks: Sequence[Mark]) -> Machine:
    """Its answer in rows, its confidence in a word, and what it goes by."""
    threshold = task.policy.thresholds.get(prediction.label, task.policy.threshold)
    return Machine(
        prediction=prediction,
        rows=rows_of(prediction.output),
        word=sureness(prediction.confidence),
        alternatives=_alternatives(prediction),
        quotes=[Link(mark.quoted, mark.anchor) for mark in marks][:MOST_QUOTES],
        links=links_of(marks),
        below=prediction.confidence < threshold,
        threshold=threshold,
    )


def rows_of(output: Any) -> list[tuple[str, str]]:
    """An output, one line per field."""
    return [(str(name), plain(value)) for name, value in output.items()] if isinstance(output, dict) else []


def _alternatives(prediction: Prediction) -> list[Alternative]:
    found = []
    for row in prediction.alternatives if isinstance(prediction.alternatives, list) else []:
        confidence = row.get("confidence") if isinstance(row, dict) else None
        label = row.get("label") if isinstance(row, dict) else None
        if isinstance(label, str) and isinstance(confidence, int | float) and label != prediction.label:
            found.append(Alternative(label, float(confidence)))
    return found[:5]


def links_of(marks: Sequence[Mark]) -> dict[str, list[Link]]:
    """The evidence by the field of the output that it speaks for; what names none speaks for the label."""
    found: dict[str, list[Link]] = {}
    for mark in marks:
        links = found.setdefault(mark.supports or "label", [])
        if len(links) < MOST_LINKS:
            links.append(Link(mark.quoted, mark.anchor))
    return found
