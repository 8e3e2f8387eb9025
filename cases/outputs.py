"""Whether an output obeys its case type's JSON Schema (draft 2020-12), and the label it carries.

``true`` is no number, NaN and infinity never pass, ``pattern`` runs in linear time, and nothing is ever fetched.
"""

from __future__ import annotations

import functools
import json
import math
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.validators import extend
from referencing import Registry

from cases.patterns import found

MAX_DEPTH = 32
MAX_PROBLEMS = 20
LARGEST = 2**53  # beyond it JSON readers round


class Problem(NamedTuple):
    """Where something is wrong (a JSON path such as ``output.amount`` or ``items[2].sku``) and what to do about it."""

    path: str
    message: str


Check = Callable[[Any], list[Problem]]


def problems(schema: Mapping[str, Any], output: Any) -> list[Problem]:
    """What is wrong with an output, at most 20 problems; empty when it obeys the schema."""
    return checker(schema)(output)


def checker(schema: Mapping[str, Any]) -> Check:
    """The compiled check of one schema, for whoever checks many outputs. Compiled once per schema and process."""
    return _compiled(json.dumps(schema, sort_keys=True))


def label_of(output: Mapping[str, Any] | None) -> str:
    """The label of an output, or an empty text where it has none."""
    label = output.get("label") if isinstance(output, Mapping) else None
    return label if isinstance(label, str) else ""


def labels_of(schema: Mapping[str, Any]) -> list[str]:
    """The labels a schema allows, in its order; empty when it declares none."""
    return [label for label in choices(schema.get("properties", {}).get("label", {})) if isinstance(label, str)]


def choices(field: Any) -> list[Any]:
    """The closed list of values a field allows, by enum, const or oneOf/anyOf of consts; empty when it is open."""
    if not isinstance(field, Mapping):
        return []
    if isinstance(field.get("enum"), list):
        return list(field["enum"])
    if "const" in field:
        return [field["const"]]
    options = field.get("oneOf") or field.get("anyOf")
    if isinstance(options, list) and all(isinstance(option, Mapping) and "const" in option for option in options):
        return [option["const"] for option in options]
    return []


def path_text(parts: Any, *, root: str = "") -> str:
    """A JSON path for people: names by dots, positions in brackets."""
    text = root
    for part in parts:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


@functools.lru_cache(maxsize=256)
def _compiled(schema: str) -> Check:
    validator = StrictValidator(json.loads(schema), registry=Registry(), format_checker=FORMATS)

    def check(output: Any) -> list[Problem]:
        if not _is_plain(output) and (found_early := list(_unsafe(output, ()))):
            return found_early[:MAX_PROBLEMS]
        try:
            return _told(validator, output)
        except RecursionError:
            return [Problem("", _("The schema refers to itself without end."))]

    return check


def _told(validator: Any, output: Any) -> list[Problem]:
    told = []
    for error in validator.iter_errors(output):
        told.append(Problem(path_text(error.absolute_path), _message(error)))
        if len(told) == MAX_PROBLEMS:
            break
    return told


def _message(error: ValidationError) -> str:
    """The library's own words, shortened: they quote the value, which may be large."""
    allowed = choices(error.schema) if error.validator in ("enum", "const", "oneOf", "anyOf") else []
    if allowed:
        return _("Choose one of: %(choices)s") % {"choices": ", ".join(str(value) for value in allowed)[:300]}
    message = error.message
    return message if len(message) <= MAX_MESSAGE else f"{message[:100]} … {message[-150:]}"


MAX_MESSAGE = 300


def _is_plain(value: Any, depth: int = 0) -> bool:
    """Whether a value is surely sound: quick, because nearly all are; whatever is in doubt is looked at closely."""
    kind = type(value)
    if kind is str:
        return value.isascii() and "\x00" not in value
    if kind is float:
        return math.isfinite(value)
    if kind is dict:
        keys = all(type(key) is str for key in value)
        return keys and depth < MAX_DEPTH and all(_is_plain(item, depth + 1) for item in value.values())
    if kind is list:
        return depth < MAX_DEPTH and all(_is_plain(item, depth + 1) for item in value)
    return value is None or kind is bool or (kind is int and abs(value) <= LARGEST)


def _unsafe(value: Any, path: tuple[str | int, ...]) -> Iterator[Problem]:
    """What no schema can make right: values that are no JSON, numbers that get lost on the way, endless nesting."""
    if len(path) > MAX_DEPTH:
        yield Problem(path_text(path[:3]) + "…", _("Nested too deeply."))
    elif isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                yield Problem(path_text(path), _("Names of fields must be text."))
            yield from _unsafe(item, (*path, str(key)))
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _unsafe(item, (*path, position))
    elif message := _scalar_problem(value):
        yield Problem(path_text(path), message)


def _scalar_problem(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return ""
    if isinstance(value, str):
        return _text_problem(value)
    if isinstance(value, int):
        return _("Larger than JSON numbers can be; send it as text.") if abs(value) > LARGEST else ""
    if isinstance(value, float):
        return "" if math.isfinite(value) else _("NaN and infinity are no numbers.")
    return _("%(kind)s is no JSON value.") % {"kind": type(value).__name__}


def _text_problem(value: str) -> str:
    if "\x00" in value:
        return _("The text contains a NUL character.")
    return "" if value.isascii() or _encodable(value) else _("The text contains half of a surrogate pair.")


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not found(pattern, instance):
        yield ValidationError(_("This does not match the pattern %(pattern)s") % {"pattern": pattern})


def _multiple_of(validator: Any, step: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
    """In decimal: by binary fractions 19.99 would be no multiple of 0.01."""
    if validator.is_type(instance, "number") and Decimal(str(instance)) % Decimal(str(step)):
        yield ValidationError(_("This is no multiple of %(step)s") % {"step": step})


StrictValidator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": _pattern, "multipleOf": _multiple_of}
)
FORMATS = FormatChecker(formats=["email", "uuid", "ipv4", "ipv6"])


@FORMATS.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or (len(value) == len("2026-01-01") and bool(date.fromisoformat(value)))


@FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None
