"""The model that runs in the worker itself, learnt from this organisation's own decisions.

It answers ``{"label": …}`` and no other field. A case type whose schema requires more than a label gets its answers refused by
the pipeline's own check, so every case goes to a person with that reason; such a case type wants another classifier.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from time import monotonic
from typing import Any

from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from cases import schemas
from cases.classifiers.base import Answer, Brief, ClassifierError, Question
from cases.classifiers.text_model import Evidence, Guess, ModelFileError, TextModel
from cases.classifiers.texts import Span, places_of, text_of

NAME = "local"
"""What a Prediction names as its model."""

_KEPT_MODELS = 8  # per process; one takes about 5–40 MB
_QUOTED = 40  # characters of one piece of evidence in the rationale


@dataclass(frozen=True, slots=True)
class ActiveModel:
    """The model at work for a case type. ``read`` fetches the bytes ``TextModel.dumps`` made; a version never changes."""

    version: str
    read: Callable[[], bytes]


Models = Callable[[str], ActiveModel | None]


class LocalClassifier:
    """The plug-in. ``models`` is the dotted path of a callable from a case type's key to its active model, if any."""

    def __init__(self, *, models: str) -> None:
        self._find: Models = import_string(models)
        self._kept: OrderedDict[tuple[str, str], TextModel] = OrderedDict()
        self._lock = threading.Lock()

    def classify(self, brief: Brief, questions: Sequence[Question]) -> list[Answer]:
        """Answer every question, in order, all at once. Untrained, it answers none: each goes to a person with that reason.

        Labels that the schema no longer has are never answered; labels newer than the model cannot be.

        Raises: ClassifierError when the active model cannot be read.
        """
        active = self._find(brief.key)
        if active is None:
            return _refusals(questions, "untrained: no model has been trained for this case type yet")
        model = self._model(brief.key, active)
        allowed = set(schemas.labels_of(brief.output_schema)) or set(model.labels)
        if allowed.isdisjoint(model.labels):
            return _refusals(questions, "untrained: the model knows none of the labels this case type has now")
        return _answers(model, active.version, questions, allowed)

    def _model(self, key: str, active: ActiveModel) -> TextModel:
        with self._lock:
            name = (key, active.version)
            model = self._kept.get(name) or _loaded(active)
            self._kept[name] = model
            self._kept.move_to_end(name)
            if len(self._kept) > _KEPT_MODELS:
                self._kept.popitem(last=False)
            return model


def _loaded(active: ActiveModel) -> TextModel:
    """The model of the bytes. Storage may come back, so that is worth another try; a broken file is not."""
    try:
        return TextModel.loads(active.read())
    except ModelFileError as error:
        raise ClassifierError(f"model version {active.version} cannot be used: {error}", permanent=True) from error
    except OSError as error:
        raise ClassifierError(f"model version {active.version} cannot be fetched: {error}") from error


def _refusals(questions: Sequence[Question], error: str) -> list[Answer]:
    return [Answer(output=None, error=error, model=NAME) for _question in questions]


def _answers(model: TextModel, version: str, questions: Sequence[Question], allowed: set[str]) -> list[Answer]:
    started = monotonic()
    read = [text_of(question.payload) for question in questions]
    guesses = model.predict([text for text, _spans in read], allowed=allowed)
    latency = round((monotonic() - started) * 1000 / max(len(questions), 1))
    return [
        _answer(guess, text, spans, version=version, latency_ms=latency)
        for guess, (text, spans) in zip(guesses, read, strict=True)
    ]


def _answer(guess: Guess, text: str, spans: Sequence[Span], *, version: str, latency_ms: int) -> Answer:
    return Answer(
        output={"label": guess.label},
        confidence=guess.confidence,
        label=guess.label,
        rationale=_rationale(guess, text),
        evidence=[place for piece in guess.evidence for place in _placed(piece, spans)],
        alternatives=[{"label": label, "confidence": confidence} for label, confidence in guess.alternatives],
        fields={"label": guess.confidence},
        out_of_scope=guess.out_of_scope,
        raw_confidence=round(guess.raw, 6),
        model=NAME,
        model_version=version,
        cost=Decimal(0),
        latency_ms=latency_ms,
    )


def _placed(piece: Evidence, spans: Sequence[Span]) -> list[dict[str, Any]]:
    """A piece of evidence where the payload has it; a piece in a key has no place to be shown."""
    return [
        {"field": place.field, "start": place.start, "end": place.end, "weight": piece.weight, "supports": "label"}
        for place in places_of(spans, piece.start, piece.end)
    ]


def _rationale(guess: Guess, text: str) -> str:
    """One sentence for the reviewer: which words spoke loudest."""
    quoted = [_quote(text[piece.start : piece.end]) for piece in guess.evidence]
    words = ", ".join(dict.fromkeys(quoted))
    if guess.raw == 0:
        return _("Nothing in this text is known to the model.")
    if guess.out_of_scope:
        unlike = _("Unlike anything the model has learnt; the nearest label is “%(label)s”.") % {"label": guess.label}
        return unlike if not words else unlike + " " + _("The nearest words: %(words)s.") % {"words": words}
    if not words:
        return _("No single word speaks for “%(label)s”; it is the likeliest of all labels.") % {"label": guess.label}
    return _("The words %(words)s speak most for “%(label)s”.") % {"words": words, "label": guess.label}


def _quote(written: str) -> str:
    short = " ".join(written.split())
    return f"“{short}”" if len(short) <= _QUOTED else f"“{short[:_QUOTED]}…”"
