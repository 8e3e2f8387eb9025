"""What a sender may send: the body of a case, parsed and checked before anything is stored.

Every refusal names its field by a JSON path and says what to do. Nothing here asks the database.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar, get_args
from urllib.parse import urlsplit

import msgspec
from django.conf import settings
from django.utils.translation import gettext as _
from msgspec import Meta, Struct

from cases import strict_json
from cases.errors import Invalid, Refused, TooLarge
from cases.passages import text_at, value_at

MOST_CASES = 1000
MOST_METADATA_BYTES = 16 * 1024
# What looks like nothing, or like something else, and yet counts as printable: fillers, joiners, variation selectors.
MISSING_OR_UNKNOWN = re.compile(r"Object (missing required|contains unknown) field `(.*)`", re.DOTALL)
FIELD_PATH = r"^[^.\[\]]+(\.[^.\[\]]+|\[[0-9]{1,6}\])*$"  # names by dots, positions in brackets
UNSEEN = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]")

PriorityName = Literal["urgent", "high", "normal", "low"]
S = TypeVar("S", bound=Struct)
Name = Annotated[str, Meta(max_length=120)]
Word = Annotated[str, Meta(max_length=200)]
Offset = Annotated[int, Meta(ge=0)]


class Evidence(Struct, forbid_unknown_fields=True, frozen=True):
    """A span of a text of the case, in characters; ``supports`` names the field of the output that it speaks for."""

    field: Annotated[str, Meta(min_length=1, max_length=200)]
    start: Offset
    end: Offset
    weight: float = 1.0
    supports: Annotated[str, Meta(min_length=1, max_length=200)] | msgspec.UnsetType = msgspec.UNSET


Share = Annotated[float, Meta(ge=0, le=1)]
FieldPath = Annotated[str, Meta(max_length=200, pattern=FIELD_PATH)]


class PredictionIn(Struct, forbid_unknown_fields=True, frozen=True):
    """What an outside model said. ``confidence`` is a share from 0 to 1.

    ``fields`` tells it for single fields of the output, by their JSON paths: ``{"amount": 0.61, "items[0].sku": 0.9}``.
    """

    output: dict[str, Any]
    confidence: Share
    rationale: Annotated[str, Meta(max_length=20_000)] = ""
    evidence: Annotated[list[Evidence], Meta(max_length=200)] = []
    model: Name = ""
    model_version: Annotated[str, Meta(max_length=64)] = ""
    fields: Annotated[dict[FieldPath, Share], Meta(max_length=200)] | msgspec.UnsetType = msgspec.UNSET


class ContextItem(Struct, forbid_unknown_fields=True, frozen=True):
    title: Word
    text: str = ""
    url: Annotated[str, Meta(max_length=2000)] = ""


class CaseIn(Struct, forbid_unknown_fields=True, frozen=True):
    """One case as sent. An empty ``external_id`` or ``requester`` means that there is none."""

    case_type: Annotated[str, Meta(min_length=1, max_length=64)]
    payload: dict[str, Any]
    source: Name = ""
    external_id: Word = ""
    priority: PriorityName = "normal"
    requester: Word = ""
    context: Annotated[list[ContextItem], Meta(max_length=50)] = []
    prediction: PredictionIn | None = None
    metadata: dict[str, Any] = {}

    def content(self) -> bytes:
        """The same bytes for the same content, however it was written; what identifies the case is not part of it."""
        parts = (
            self.case_type,
            self.priority,
            self.requester,
            self.payload,
            self.context,
            self.prediction,
            self.metadata,
        )
        return msgspec.json.encode(parts, order="deterministic")


class CancelIn(Struct, forbid_unknown_fields=True, frozen=True):
    reason: Annotated[str, Meta(min_length=1, max_length=500)]


def read_case(raw: bytes) -> CaseIn:
    """The case in the body of a request.

    Raises: Invalid, or TooLarge where the payload is.
    """
    return case_of(_read(raw))


def read_cases(raw: bytes) -> list[CaseIn | Refused]:
    """The cases in the body of a bulk request, each of them or why it is refused.

    Raises: Invalid when there is no list of at most 1,000 to go by.
    """
    body = _read(raw)
    if type(body) is not dict or set(body) != {"cases"} or type(body["cases"]) is not list:
        raise invalid("cases", _('Send an object with one field, "cases", given once, that holds a list.'))
    if len(body["cases"]) > MOST_CASES:
        raise invalid("cases", _("At most %(limit)d cases at a time.") % {"limit": MOST_CASES})
    return [_case_or_refusal(item) for item in body["cases"]]


def read_prediction(raw: bytes) -> PredictionIn:
    """The prediction in the body of a request; whether its evidence is there is for `check_evidence` and the case to say.

    Raises: Invalid.
    """
    return converted(_sound(_read(raw)), PredictionIn)


def read_object(raw: bytes, kind: type[S]) -> S:
    """The body of a request as ``kind``. An empty body counts as an empty object.

    Raises: Invalid.
    """
    return converted(_sound(_read(raw) if raw.strip() else {}), kind)


def case_of(value: Any) -> CaseIn:
    """A parsed JSON value as a case.

    Raises: Invalid, or TooLarge where the payload is.
    """
    made = converted(_sound(value), CaseIn)
    for name in ("case_type", "source", "external_id", "requester"):
        check_identifier(getattr(made, name), path=name)
    for position, item in enumerate(made.context):
        _check_url(item.url, path=f"context[{position}].url")
    if made.prediction is not None:
        facts = {"payload": made.payload, "context": value.get("context")}  # as plain values, which paths lead into
        check_evidence(made.prediction, facts=facts, path="prediction.evidence")
    _check_sizes(made)
    return made


def check_evidence(prediction: PredictionIn, *, facts: Mapping[str, Any], path: str) -> None:
    """Every span must lie inside a text of the case, ``{"payload": …, "context": […]}``: nothing wrong may ever be marked.

    Raises: Invalid with the JSON path, which begins with ``path``.
    """
    for position, span in enumerate(prediction.evidence):
        place = f"{path}[{position}]"
        if span.end < span.start:
            raise invalid(f"{place}.end", _("The end lies before the start."))
        found = text_at(facts, span.field)
        if found is None:
            raise invalid(f"{place}.field", _("Name a text of the case, such as payload.text or context[0].text."))
        if span.end > len(found.text):
            told = _("The text ends before that: it has %(count)d characters.") % {"count": len(found.text)}
            raise invalid(f"{place}.end", told)
        if span.supports is not msgspec.UNSET and value_at(prediction.output, span.supports) is None:
            raise invalid(f"{place}.supports", _("Name a field of the output, such as label."))


def check_identifier(text: str, *, path: str) -> None:
    """Identifiers must look the same to everybody: no control, zero-width, direction or tag characters.

    Raises: Invalid.
    """
    if text != text.strip() or not text.isprintable() or (not text.isascii() and UNSEEN.search(text)):
        raise invalid(path, _("Identifiers hold visible characters only, without spaces at either end."))


def invalid(path: str, message: str) -> Invalid:
    """The refusal of one field."""
    return Invalid(_("The request is not valid; see errors."), errors={path or "body": [message]})


def converted(value: Any, kind: type[S]) -> S:
    """A plain value as a struct, without taking a text for a number or ``true`` for 1.

    Raises: Invalid with the JSON path.
    """
    try:
        return msgspec.convert(value, kind)
    except msgspec.ValidationError as error:
        raise invalid(*_told(str(error))) from error


def _told(message: str) -> tuple[str, str]:
    """msgspec's message as a path and a sentence."""
    text, _at, place = message.partition(" - at `")
    path = place.rstrip("`").removeprefix("$").removeprefix(".")
    if named := MISSING_OR_UNKNOWN.fullmatch(text):
        path = f"{path}.{named[2]}".removeprefix(".")
        text = (
            _("This field is needed.")
            if named[1] == "missing required"
            else _("This field is not known; leave it out.")
        )
    if text.startswith("Invalid enum value"):  # the priority is the only one
        text = _("Choose one of: %(choices)s") % {"choices": ", ".join(get_args(PriorityName))}
    return path[:300], text.replace("`", "")


def _case_or_refusal(value: Any) -> CaseIn | Refused:
    try:
        return case_of(value)
    except Refused as refusal:
        return refusal


def _read(raw: bytes) -> Any:
    try:
        return strict_json.read(raw)
    except strict_json.NotJsonError as error:
        raise invalid("body", str(error)) from error


def _sound(value: Any) -> dict[str, Any]:
    """The object without the nulls at its top, which count as left out."""
    if not isinstance(value, dict):
        raise invalid("body", _("Send a JSON object."))
    if found := strict_json.fault(value, depth=0):
        raise invalid(found.path, found.message)
    return {name: item for name, item in value.items() if item is not None}


def _check_sizes(case: CaseIn) -> None:
    limit: int = settings.PAYLOAD_MAX_BYTES
    for name, value, most in (
        ("payload", case.payload, limit),
        ("context", case.context, limit),
        ("metadata", case.metadata, MOST_METADATA_BYTES),
    ):
        if value and len(msgspec.json.encode(value)) > most:
            message = _("Too large: at most %(limit)d bytes of JSON.") % {"limit": most}
            raise TooLarge(_("The case is too large; see errors."), errors={name: [message]})


def _check_url(url: str, *, path: str) -> None:
    if not url:
        return
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and url.isprintable() and "\\" not in url
    except ValueError:
        fine = False
    if not fine:
        raise invalid(path, _("Send an address that starts with https:// or http://."))
