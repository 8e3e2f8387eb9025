"""What the machine said about a case, ready to be shown beside the form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cases.models import Case, Prediction
from review.desk.form import plain
from review.desk.text import Mark
from review.desk.why import sureness
from review.models import ReviewTask


@dataclass(frozen=True, slots=True)
class Alternative:
    label: str
    confidence: float


@dataclass(frozen=True, slots=True)
class Quote:
    """A piece of evidence, quoted, with the mark that it jumps to."""

    text: str
    anchor: str


@dataclass(slots=True)
class Machine:
    """What the machine said, for a reader to whom it may be shown."""

    prediction: Prediction
    rows: list[tuple[str, str]]
    word: str
    alternatives: list[Alternative]
    quotes: list[Quote]
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
        quotes=_quotes(task.case, marks),
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


def _quotes(case: Case, marks: Sequence[Mark]) -> list[Quote]:
    found = []
    for mark in marks:
        text = _text_at({"payload": case.payload, "context": case.context}, mark.path)
        if isinstance(text, str) and mark.start < len(text):
            found.append(Quote(text[mark.start : mark.end][:80], mark.anchor))
    return found[:8]


def _text_at(facts: Any, path: str) -> Any:
    value = facts
    for part in path.split("."):
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value
