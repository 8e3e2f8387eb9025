"""The decision form, made from a case type's output schema: one field per property, read back without loss.

What a person did not touch comes back exactly as it was, whatever a browser makes of line ends and number formats.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.http import QueryDict

from cases.outputs import choices
from review.desk import reading
from review.desk.reading import ABSENT, Unreadable

RADIO_LIMIT = 12
DIGITS = 9
LONG_TEXT = 160
WHOLE = ""  # the name of the one field of a schema that declares no properties


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a closed list. ``text`` is how a form sends it, ``digit`` the key that chooses it, ``score`` what
    the machine gave it."""

    value: Any
    text: str
    chosen: bool = False
    digit: str = ""
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Field:
    """One property of the output as a form field. ``text`` is what the control shows, ``value`` what it stands for."""

    name: str
    kind: str
    title: str
    help: str = ""
    required: bool = False
    nullable: bool = False
    value: Any = ABSENT
    text: str = ""
    options: tuple[Option, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[str, ...] = ()

    @property
    def likely(self) -> list[Option]:
        """What the machine thinks most of, where the list is long; the best first."""
        return sorted((one for one in self.options if one.score is not None), key=lambda one: -(one.score or 0))

    @property
    def input_name(self) -> str:
        return f"output.{self.name}" if self.name else "output"

    @property
    def id(self) -> str:
        return "field-" + (self.name or "output").replace(" ", "-")

    @property
    def described_by(self) -> str:
        return " ".join(f"{self.id}-{part}" for part, there in (("help", self.help), ("errors", self.errors)) if there)


def fields_of(schema: Mapping[str, Any], output: Mapping[str, Any] | None) -> list[Field]:
    """The form of a schema, filled with an output where there is one."""
    properties = schema.get("properties")
    if not isinstance(properties, Mapping) or not properties:
        return [
            _filled(Field(name=WHOLE, kind="json", title="", required=True), output if output is not None else ABSENT)
        ]
    required = set(schema.get("required", ()))
    fields = [_field(str(name), _followed(schema, part), name in required) for name, part in properties.items()]
    given = output or {}
    return _with_digits([_filled(one, given.get(one.name, ABSENT)) for one in fields])


def with_scores(fields: Sequence[Field], scores: Mapping[str, float]) -> list[Field]:
    """The label's choices with what the machine gave each; of a long list the likely ones answer to digits."""
    return [_scored_field(one, scores) if one.name == "label" else one for one in fields]


def _scored_field(one: Field, scores: Mapping[str, float]) -> Field:
    scored = replace(one, options=_scored(one.options, scores))
    if one.kind != "select":
        return scored
    digits = {option.text: str(number) for number, option in enumerate(scored.likely[:DIGITS], start=1)}
    return replace(
        scored, options=tuple(replace(option, digit=digits.get(option.text, "")) for option in scored.options)
    )


def _scored(options: Sequence[Option], scores: Mapping[str, float]) -> tuple[Option, ...]:
    return tuple(replace(option, score=scores.get(option.text)) for option in options)


def read(fields: Sequence[Field], data: QueryDict) -> list[Field]:
    """The same fields as a person filled them in."""
    return [
        _read(one, str(data.get(one.input_name, "")), [str(text) for text in data.getlist(one.input_name)])
        for one in fields
    ]


def faulty(fields: Sequence[Field]) -> bool:
    return any(one.errors for one in fields)


def output_of(fields: Sequence[Field], shown: Mapping[str, Any] | None) -> dict[str, Any]:
    """The output that the fields make; what the machine said beyond the schema's properties is kept."""
    if len(fields) == 1 and fields[0].name == WHOLE:
        return fields[0].value if isinstance(fields[0].value, dict) else {}
    names = {one.name for one in fields}
    kept = {name: value for name, value in (shown or {}).items() if name not in names}
    given = {one.name: one.value for one in fields if one.value is not ABSENT}
    ordered = {name: given.pop(name) for name in (shown or {}) if name in given}
    return {**ordered, **given, **kept}


def with_errors(fields: Sequence[Field], errors: Mapping[str, Sequence[str]]) -> tuple[list[Field], list[str]]:
    """The fields with a refusal's messages beside them, and the messages that belong to no field."""
    rest = [text for path, texts in errors.items() if not _owner(fields, path) for text in texts]
    return [replace(one, errors=(*one.errors, *_messages(fields, one, errors))) for one in fields], rest


def _messages(fields: Sequence[Field], one: Field, errors: Mapping[str, Sequence[str]]) -> list[str]:
    return [text for path, texts in errors.items() if _owner(fields, path) is one for text in texts]


def _owner(fields: Sequence[Field], path: str) -> Field | None:
    for one in fields:
        if path == one.input_name or path.startswith((f"{one.input_name}.", f"{one.input_name}[")):
            return one
    return None


def _followed(schema: Mapping[str, Any], part: Any) -> Mapping[str, Any]:
    """A property's schema, with one reference into ``$defs`` followed."""
    reference = part.get("$ref", "") if isinstance(part, Mapping) else ""
    if isinstance(reference, str) and reference.startswith("#/$defs/"):
        target = schema.get("$defs", {}).get(reference.removeprefix("#/$defs/"))
        return {**target, **part} if isinstance(target, Mapping) else part
    return part if isinstance(part, Mapping) else {}


def _field(name: str, part: Mapping[str, Any], required: bool) -> Field:  # noqa: FBT001
    kinds = part.get("type")
    types = [kinds] if isinstance(kinds, str) else list(kinds) if isinstance(kinds, list) else []
    allowed = choices(part)
    kind = _kind(part, [one for one in types if one != "null"], allowed)
    return Field(
        name=name,
        kind=kind,
        title=str(part.get("title") or name.replace("_", " ").replace("-", " ").capitalize()),
        help=str(part.get("description", "")),
        required=required,
        nullable="null" in types or None in allowed,
        options=_options(part, kind, allowed),
        attributes=_attributes(kind, part),
    )


def _kind(part: Mapping[str, Any], types: Sequence[Any], allowed: Sequence[Any]) -> str:
    if allowed:
        return "radio" if len(allowed) <= RADIO_LIMIT else "select"
    kind = types[0] if len(types) == 1 else "json"
    if kind == "string":
        return _text_kind(part)
    if kind == "array":
        items = part.get("items")
        if choices(items):
            return "checks"
        return "lines" if isinstance(items, Mapping) and items.get("type") == "string" else "json"
    return str(kind) if kind in ("number", "integer", "boolean") else "json"


def _text_kind(part: Mapping[str, Any]) -> str:
    if part.get("format") == "date":
        return "date"
    longest = part.get("maxLength")
    return "longtext" if part.get("format") == "long" or not isinstance(longest, int) or longest > LONG_TEXT else "text"


def _options(part: Mapping[str, Any], kind: str, allowed: Sequence[Any]) -> tuple[Option, ...]:
    values = choices(part.get("items")) if kind == "checks" else allowed
    return tuple(Option(value=value, text=reading.text_of_choice(value)) for value in values)


def _attributes(kind: str, part: Mapping[str, Any]) -> dict[str, str]:
    """Hints for the browser. They are never the rule: the schema is checked on the server."""
    found = {}
    if kind in ("number", "integer"):
        found = {name: part[key] for name, key in (("min", "minimum"), ("max", "maximum")) if key in part}
        found["step"] = 1 if kind == "integer" else "any"
        found["inputmode"] = "numeric" if kind == "integer" else "decimal"
    if kind in ("text", "longtext") and isinstance(part.get("maxLength"), int):
        found["maxlength"] = part["maxLength"]
    return {name: str(value) for name, value in found.items()}


def _filled(one: Field, value: Any) -> Field:
    marked = tuple(replace(option, chosen=_is_chosen(one, option, value)) for option in one.options)
    return replace(one, value=value, text=reading.text_of(one.kind, value), options=marked)


def _is_chosen(one: Field, option: Option, value: Any) -> bool:
    if one.kind == "checks":
        return isinstance(value, list) and option.value in value
    return bool(value is not ABSENT and type(value) is type(option.value) and value == option.value)


def _with_digits(fields: list[Field]) -> list[Field]:
    """The first closed list of choices answers to the digits 1 to 9."""
    for position, one in enumerate(fields):
        if one.kind in ("radio", "checks"):
            options = tuple(
                replace(option, digit=str(number) if number <= DIGITS else "")
                for number, option in enumerate(one.options, start=1)
            )
            fields[position] = replace(one, options=options)
            break
    return fields


def _read(one: Field, text: str, texts: Sequence[str]) -> Field:
    text = text.replace("\r\n", "\n")
    if one.kind == "checks":
        values = [option.value for option in one.options if option.text in texts]
        return _filled(one, values if values or one.required or one.value is not ABSENT else ABSENT)
    if text == one.text.replace("\r\n", "\n") and one.value is not ABSENT:
        return one
    chosen = tuple(replace(option, chosen=option.text == text) for option in one.options)
    shown = replace(one, text=text, value=ABSENT, options=chosen)
    try:
        return replace(shown, value=_value(one, text))
    except Unreadable as trouble:
        return replace(shown, errors=(str(trouble),))


def _value(one: Field, text: str) -> Any:
    if one.options:
        return reading.chosen([option.value for option in one.options], text, required=one.required)
    if not text.strip():
        return reading.emptiness(one.kind, required=one.required, nullable=one.nullable)
    return reading.READERS[one.kind](text)


def plain(value: Any) -> str:
    """A value of an output in one line, for people."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
