"""A text classifier that runs anywhere: learnt in seconds, sure exactly as often as it is right, able to show its reasons.

Words, pairs of words and runs of 2–5 characters, weighed by TF-IDF, scored by a linear model; see ``text_training`` for how it
is learnt. Nothing here knows of Django, cases or files: texts in, guesses out, bytes in and out.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Self

import numpy as np

from cases.classifiers.calibration import Flags, Reals, probabilities
from cases.classifiers.evidence import Evidence, evidence_of
from cases.classifiers.model_file import ModelFileError, pack, unpack
from cases.classifiers.ngrams import Counts, Ints, Vocabulary, chunks, counted
from cases.classifiers.text_training import Lesson, NotEnoughExamples, TrainingFailed, learn
from cases.classifiers.weighing import Weights, matrix_of, scores_of

__all__ = ["Evidence", "Guess", "ModelFileError", "NotEnoughExamples", "TextModel", "TrainingFailed"]

ALTERNATIVES = 5
_SHAPES = {"idf": 1, "weights": 2, "bias": 1}
_LIMITS = {"temperature": (0.01, 100.0), "ceiling": (0.0, 1.0), "scope_mark": (0.0, 1.0)}


class Guess(NamedTuple):
    """What the model makes of one text.

    ``confidence`` is calibrated: of all guesses made with 0.8, about 80 % are right. ``raw`` is the highest probability before
    that and tells strangeness: below the model's mark the text is ``out_of_scope``. A text with nothing known in it gets 0 for
    both. ``alternatives`` are up to five other labels with their confidence, likeliest first.
    """

    label: str
    confidence: float
    raw: float
    out_of_scope: bool
    alternatives: list[tuple[str, float]]
    evidence: list[Evidence]


@dataclass(frozen=True, slots=True)
class TextModel:
    """A learnt model. Safe to share between threads; never changed once made."""

    vocabulary: Vocabulary
    labels: tuple[str, ...]
    learnt: Weights
    temperature: float
    ceiling: float
    scope_mark: float
    report: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def fit(cls, texts: Sequence[str], labels: Sequence[str], *, seed: int, out_of_scope: Sequence[str] = ()) -> Self:
        """Learn from labelled texts. The same examples, in the same order, and the same seed give the same model.

        ``out_of_scope`` are texts known to have none of the labels; they only help to place the mark. ``report`` then says
        how the model did on examples held out: accuracy, calibration error before and after, and what it was made from.

        Raises: NotEnoughExamples, TrainingFailed when the model is not clearly better than guessing.
        """
        lesson: Lesson = learn(texts, labels, seed=seed, out_of_scope=out_of_scope)
        calibrated = (lesson.temperature, lesson.ceiling, lesson.scope_mark)
        return cls(lesson.vocabulary, lesson.labels, lesson.learnt, *calibrated, lesson.report)

    def predict(
        self, texts: Sequence[str], *, allowed: Collection[str] | None = None, evidence: bool = True
    ) -> list[Guess]:
        """One guess per text, in order. Only ``allowed`` labels are guessed, when given; fastest in batches of 1,000.

        Raises: ValueError when the model knows none of the allowed labels.
        """
        open_labels = self._open_labels(allowed)
        guesses: list[Guess] = []
        for chunk in chunks(texts):
            guesses += self._guesses(counted(chunk, self.vocabulary), open_labels, evidence=evidence)
        return guesses

    def dumps(self) -> bytes:
        """The model as bytes; the same model gives the same bytes."""
        header = {
            "labels": self.labels,
            "features": sorted(self.vocabulary.numbers, key=self.vocabulary.numbers.__getitem__),
            "temperature": self.temperature,
            "ceiling": self.ceiling,
            "scope_mark": self.scope_mark,
            "report": self.report,
        }
        arrays = {"idf": self.learnt.idf, "weights": self.learnt.weights, "bias": self.learnt.bias}
        return pack(header, arrays)

    @classmethod
    def loads(cls, data: bytes) -> Self:
        """The model of some bytes, which need not be trusted.

        Raises: ModelFileError, with what is wrong, for anything but a whole and consistent model.
        """
        header, arrays = unpack(data, shapes=_SHAPES)
        labels, features = _strings(header, "labels"), _strings(header, "features")
        if len(labels) < 2 or arrays["weights"].shape != (len(features), len(labels)):  # noqa: PLR2004
            raise ModelFileError("the labels and features of the model file do not fit its weights")
        if len(arrays["idf"]) != len(features) or len(arrays["bias"]) != len(labels):
            raise ModelFileError("the arrays of the model file do not fit each other")
        vocabulary = Vocabulary({feature: at for at, feature in enumerate(features)})
        figures = {name: _figure(header, name, *limits) for name, limits in _LIMITS.items()}
        report = header.get("report")
        return cls(vocabulary, labels, Weights(**arrays), **figures, report=report if isinstance(report, dict) else {})

    def _open_labels(self, allowed: Collection[str] | None) -> Flags:
        flags = np.array([allowed is None or label in allowed for label in self.labels], dtype=np.bool_)
        if not flags.any():
            raise ValueError("the model knows none of the allowed labels")
        return flags

    def _guesses(self, counts: Counts, open_labels: Flags, *, evidence: bool) -> list[Guess]:
        rows, scores = scores_of(matrix_of(counts, len(self.vocabulary.numbers)), self.learnt)
        something = np.bincount(counts.text, minlength=len(counts.units)) > 0
        raw = (probabilities(scores) * open_labels).max(axis=1) * something
        scores[:, ~open_labels] = -np.inf
        sure = np.minimum(probabilities(scores, temperature=self.temperature), self.ceiling) * something[:, None]
        best = np.argsort(-scores, axis=1, kind="stable")[:, : min(ALTERNATIVES + 1, int(open_labels.sum()))]
        spans: list[list[Evidence]] = [[] for _ in counts.units]
        if evidence:
            spans = evidence_of(counts, rows.data, self.learnt, best[:, 0])
        return self._told(best, sure, raw, spans)

    def _told(self, best: Ints, sure: Reals, raw: Reals, spans: list[list[Evidence]]) -> list[Guess]:
        confidence = np.round(np.take_along_axis(sure, best, axis=1), 6).tolist()
        strange = (raw < self.scope_mark) | (raw == 0)
        told: list[Guess] = []
        for columns, chances, *rest in zip(
            best.tolist(), confidence, raw.tolist(), strange.tolist(), spans, strict=True
        ):
            (label, chance), *others = zip([self.labels[column] for column in columns], chances, strict=True)
            told.append(Guess(label, chance, rest[0], rest[1], others if rest[0] else [], rest[2]))
        return told


def _strings(header: dict[str, Any], name: str) -> tuple[str, ...]:
    values = header.get(name)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ModelFileError(f"{name} in the model file is not a list of texts")
    if len(set(values)) != len(values):
        raise ModelFileError(f"{name} in the model file repeats itself")
    return tuple(values)


def _figure(header: dict[str, Any], name: str, low: float, high: float) -> float:
    value = header.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ModelFileError(f"{name} in the model file is not a number from {low} to {high}")
    return float(value)
