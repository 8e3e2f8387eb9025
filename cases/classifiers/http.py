"""Any model behind a URL: one POST per batch, and every answer is checked as if a stranger had written it.

Sent: ``{"case_type": key, "cases": [{"id", "payload", "context"}]}``. Wanted: ``{"answers": [{"output", "confidence",
"rationale"?, "fields"?, "evidence"?, "alternatives"?, "out_of_scope"?, "model"?, "model_version"?, "id"?, "error"?}]}``, in order.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _

from cases.classifiers.base import Answer, Brief, ClassifierError, Question
from cases.classifiers.hostile import is_suspicious, texts
from cases.outbound import OutboundError, Reply, post, require_success
from cases.passages import value_at
from cases.schemas import label_of, problems

MAX_ANSWER = 16 << 20
MAX_TEXT, MAX_NAME, MAX_ITEMS, MAX_FIELDS = 5_000, 100, 50, 200
KNOWN = {"id", "output", "confidence", "fields", "rationale", "evidence", "alternatives", "out_of_scope"} | {
    "model",
    "model_version",
    "error",
}


class WrongAnswerError(ValueError):
    """One answer breaks the protocol; the message says how."""


class HttpClassifier:
    """OPTIONS: ``url``, ``headers`` (such as an authorization), ``timeout`` in seconds of a whole batch."""

    def __init__(
        self, *, url: str = "", headers: Mapping[str, str] | None = None, timeout: float = 60, batch_size: int = 100
    ) -> None:
        self.url = url
        self.headers = {"content-type": "application/json", "accept": "application/json", **(headers or {})}
        self.timeout = timeout
        self.batch_size = batch_size

    def classify(self, brief: Brief, questions: Sequence[Question]) -> list[Answer]:
        """Raises: ClassifierError when the model cannot be reached; a wrong answer is an Answer with an error."""
        if not self.url:
            raise ClassifierError(_("No model is configured: set HTTP_CLASSIFIER_URL."), permanent=True)
        reply = self._ask(brief, questions)
        try:
            told = _answers(reply, len(questions))
        except WrongAnswerError as error:
            return [Answer(output=None, error=str(error)) for _question in questions]
        each = max(1, round(reply.elapsed_ms / max(len(questions), 1)))
        return [
            replace(_checked(one, brief, question), latency_ms=each, suspicious=is_suspicious(question))
            for one, question in zip(told, questions, strict=True)
        ]

    def _ask(self, brief: Brief, questions: Sequence[Question]) -> Reply:
        cases = [{"id": each.case_id, "payload": each.payload, "context": list(each.context)} for each in questions]
        try:
            body = json.dumps({"case_type": brief.key, "cases": cases}, default=dict).encode()
            reply = post(
                self.url,
                body=body,
                headers=self.headers,
                timeout_total=self.timeout,
                allow_private=True,  # the operator chose the endpoint; models often run next door
                max_read=MAX_ANSWER,
            )
            return require_success(reply)
        except OutboundError as error:
            raise ClassifierError(str(error), permanent=error.permanent) from error


def _answers(reply: Reply, count: int) -> list[Any]:
    if reply.truncated:
        raise WrongAnswerError(_("The model's reply is too large."))
    try:
        content = json.loads(reply.body)
    except (ValueError, RecursionError):
        raise WrongAnswerError(_("The model's reply is no JSON.")) from None
    told = content.get("answers") if isinstance(content, dict) else None
    if not isinstance(told, list):
        raise WrongAnswerError(_("The model's reply has no list of answers."))
    if len(told) != count:
        raise WrongAnswerError(_("%(told)d answers to %(count)d cases.") % {"told": len(told), "count": count})
    return told


def _checked(told: Any, brief: Brief, question: Question) -> Answer:
    try:
        return _answer(told, brief, question)
    except WrongAnswerError as error:
        return Answer(output=None, error=str(error))


def _answer(told: Any, brief: Brief, question: Question) -> Answer:
    _check_frame(told, question)
    output = told.get("output")
    found = problems(brief.output_schema, output)
    if found:
        raise WrongAnswerError("; ".join(f"output.{path}: {message}" for path, message in found[:3]))
    fields = dict(texts(question))
    return Answer(
        output=output,
        confidence=_share(told.get("confidence"), "confidence"),
        label=label_of(output),
        rationale=_text(told, "rationale", MAX_TEXT),
        fields=_shares(told.get("fields", {})),
        evidence=[_span(item, fields, output) for item in _items(told, "evidence")],
        alternatives=[_alternative(item) for item in _items(told, "alternatives")],
        out_of_scope=_truth(told.get("out_of_scope", False)),
        model=_text(told, "model", MAX_NAME),
        model_version=_text(told, "model_version", MAX_NAME),
    )


def _check_frame(told: Any, question: Question) -> None:
    if not isinstance(told, dict):
        raise WrongAnswerError(_("An answer is an object."))
    unknown = sorted(str(key) for key in told if key not in KNOWN)
    if unknown:
        raise WrongAnswerError(_("Unknown field: %(name)s") % {"name": unknown[0][:MAX_NAME]})
    if "id" in told and (isinstance(told["id"], bool) or told["id"] != question.case_id):
        raise WrongAnswerError(_("The answer is to another case."))
    if told.get("error"):
        raise WrongAnswerError(_("The model says: %(error)s") % {"error": str(told["error"])[:300]})


def _share(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or not 0 <= value <= 1:
        raise WrongAnswerError(_("%(name)s must be a number from 0 to 1.") % {"name": name})
    return float(value)


def _shares(told: Any) -> dict[str, float]:
    if not isinstance(told, dict) or len(told) > MAX_FIELDS:
        raise WrongAnswerError(_("fields must be an object of at most %(n)d shares.") % {"n": MAX_FIELDS})
    return {path: _share(share, f"fields.{path[:MAX_NAME]}") for path, share in told.items()}


def _text(told: Mapping[str, Any], name: str, limit: int) -> str:
    value = told.get(name, "")
    if not isinstance(value, str) or len(value) > limit or "\x00" in value or value != _sound(value):
        raise WrongAnswerError(_("%(name)s must be a text of at most %(n)d characters.") % {"name": name, "n": limit})
    return value


def _sound(value: str) -> str:
    return value.encode("utf-8", "replace").decode()


def _items(told: Mapping[str, Any], name: str) -> list[Any]:
    value = told.get(name, [])
    if not isinstance(value, list) or len(value) > MAX_ITEMS or not all(isinstance(item, dict) for item in value):
        raise WrongAnswerError(_("%(name)s must be a list of at most %(n)d objects.") % {"name": name, "n": MAX_ITEMS})
    return value


def _span(item: Mapping[str, Any], fields: Mapping[str, str], output: Mapping[str, Any]) -> dict[str, Any]:
    field, start, end = item.get("field"), item.get("start"), item.get("end")
    if not isinstance(field, str) or field not in fields:
        raise WrongAnswerError(_("evidence.field must name a text of the case, such as payload.text."))
    if not isinstance(start, int) or not isinstance(end, int) or not 0 <= start < end <= len(fields[field]):
        raise WrongAnswerError(_("evidence needs a start before its end, in characters of the text."))
    span = {"field": field, "start": int(start), "end": int(end), "weight": _share(item.get("weight", 1.0), "weight")}
    return span | _supports(item, output)


def _supports(item: Mapping[str, Any], output: Mapping[str, Any]) -> dict[str, str]:
    name = item.get("supports")
    if name is None:
        return {}
    if not isinstance(name, str) or value_at(output, name) is None:
        raise WrongAnswerError(_("evidence.supports must name a field of the output, such as label."))
    return {"supports": name}


def _alternative(item: Mapping[str, Any]) -> dict[str, Any]:
    confidence = _share(item.get("confidence"), "alternatives.confidence")
    return {"label": _text(item, "label", MAX_NAME), "confidence": confidence}


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise WrongAnswerError(_("out_of_scope must be true or false."))
    return value
