"""The one shape of every classifier: a brief and questions in, one answer per question out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol


class ClassifierError(Exception):
    """The classifier could not answer a batch at all.

    ``permanent`` tells whether trying again is pointless (a wrong key, an unknown model).
    """

    def __init__(self, message: str, *, permanent: bool = False) -> None:
        super().__init__(message)
        self.permanent = permanent


@dataclass(frozen=True, slots=True)
class Brief:
    """What a classifier is told about a case type."""

    key: str
    name: str
    output_schema: Mapping[str, Any]
    guidelines: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """What a classifier may see of one case. The payload is hostile input."""

    case_id: int
    payload: Mapping[str, Any]
    context: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said. ``output`` is None exactly when ``error`` tells why.

    ``confidence`` is in [0, 1] and calibrated where the model can be; ``raw_confidence`` is the score before
    calibration. ``fields`` is the confidence in single fields of the output by their JSON paths
    (``{"amount": 0.61, "items[0].sku": 0.9}``). ``evidence`` holds ``{"field": "payload.text", "start": int, "end": int, "weight": float}`` with offsets in
    characters, and ``"supports": "amount"`` where it speaks for one field of the output. ``alternatives`` holds ``{"label": str, "confidence": float}``, best first. ``cost`` is in US dollars.
    ``suspicious`` marks a case whose text reads like instructions to a machine; it can only make a case go to a person.
    """

    output: Mapping[str, Any] | None
    confidence: float = 0.0
    label: str = ""
    rationale: str = ""
    evidence: Sequence[Mapping[str, Any]] = ()
    alternatives: Sequence[Mapping[str, Any]] = ()
    out_of_scope: bool = False
    raw_confidence: float | None = None
    model: str = ""
    model_version: str = ""
    cost: Decimal | None = None
    latency_ms: int = 0
    tokens: Mapping[str, int] = field(default_factory=dict)
    error: str = ""
    suspicious: bool = False
    fields: Mapping[str, float] = field(default_factory=dict)


class Classifier(Protocol):
    """A plug-in: ``{"BACKEND": dotted path, "OPTIONS": {}}``; OPTIONS become keyword arguments of its constructor."""

    def classify(self, brief: Brief, questions: Sequence[Question]) -> list[Answer]:
        """Answer every question, in order. A single question's trouble is an Answer with an error;

        Raises: ClassifierError when the whole batch cannot be answered.
        """
        ...
