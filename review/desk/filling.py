"""Values put into the fields of a form. A field whose kind cannot show its value without loss takes a kind that can."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from review.desk import numbers, reading
from review.desk.fields import Field, Option, every
from review.desk.reading import ABSENT

LONG_LINE = 80
MOST_CELLS = 240  # with their rows; a page is to stay below 150 kB


def filled(one: Field, value: Any) -> Field:
    """The field as it shows a value; `ABSENT` leaves it empty."""
    one = _of_fitting_kind(one, value)
    if one.kind in ("object", "price"):
        given = value if isinstance(value, dict) else {}
        parts = tuple(filled(part, given.get(part.name, ABSENT)) for part in one.parts)
        return replace(one, value=value, parts=parts)
    if one.kind == "table":
        return _table(one, value)
    if one.options:
        return _closed(one, value)
    return replace(one, value=value, text=_text(one, value))


def chooses(one: Field, option: Option, value: Any) -> bool:
    if one.kind == "checks":
        return isinstance(value, list) and any(alike(option.value, item) for item in value)
    return value is not ABSENT and alike(option.value, value)


def alike(left: Any, right: Any) -> bool:
    """Equality as JSON has it: 1 is 1.0, and true is no number."""
    return isinstance(left, bool) == isinstance(right, bool) and bool(left == right)


def same_text(left: str, right: str) -> bool:
    """Whether two texts are the same, whatever a browser makes of line ends."""
    return unix(left) == unix(right)


def unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _table(one: Field, value: Any) -> Field:
    items = value if isinstance(value, list) else []
    rows = tuple(filled(one.row(number), item) for number, item in enumerate(items) if one.row)
    if len(every(rows)) > MOST_CELLS:
        return filled(replace(one, kind="json"), value)
    return replace(one, value=value, parts=rows)


def _closed(one: Field, value: Any) -> Field:
    """A field of choices. A value that is not offered any more stays visible as one more choice."""
    options = one.options
    known = value is ABSENT or value is None or any(alike(option.value, value) for option in options)
    if one.kind != "checks" and not known:
        options = (*options, Option(value=value, text=reading.text_of_choice(value)))
    marked = tuple(replace(option, chosen=chooses(one, option, value)) for option in options)
    text = "" if one.kind == "checks" else next((option.text for option in marked if option.chosen), "")
    return replace(one, value=value, text=text, options=marked)


def _text(one: Field, value: Any) -> str:
    if one.kind in ("money", "moneytext") and value is not ABSENT and value is not None:
        return numbers.shown(value, one.currency)
    return reading.text_of(one.kind, value)


def _of_fitting_kind(one: Field, value: Any) -> Field:
    if value is ABSENT or value is None:
        return one
    if one.kind in ("text", "moneytext") and isinstance(value, str) and _needs_lines(one, value):
        return replace(one, kind="longtext", attributes={})
    if one.kind == "date" and not _is_day(value):
        return filled_kind(one, "text", value)
    if one.kind == "lines" and not _are_lines(value):
        return filled_kind(one, "table", value)
    fits = FITS.get(one.kind)
    return one if fits is None or fits(value) else replace(one, kind="json", options=(), parts=())


def filled_kind(one: Field, kind: str, value: Any) -> Field:
    return _of_fitting_kind(replace(one, kind=kind), value)


def _needs_lines(one: Field, text: str) -> bool:
    """Whether a text is no match for a single line, from which a browser takes the line ends away."""
    return "\n" in unix(text) or (one.kind == "text" and len(text) > LONG_LINE)


def _is_day(value: Any) -> bool:
    try:
        return isinstance(value, str) and date.fromisoformat(value).isoformat() == value
    except ValueError:
        return False


def _are_lines(value: Any) -> bool:
    """Whether a list can be written one item a line and read again."""
    return isinstance(value, list) and all(
        isinstance(item, str) and item and item == item.strip() and len(item.splitlines()) == 1 for item in value
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


FITS: Mapping[str, Callable[[Any], bool]] = {
    "text": _is_text,
    "longtext": _is_text,
    "number": _is_number,
    "integer": _is_number,
    "money": _is_number,
    "moneytext": _is_text,
    "boolean": lambda value: isinstance(value, bool),
    "object": lambda value: isinstance(value, dict),
    "price": lambda value: isinstance(value, dict),
    "table": lambda value: isinstance(value, list),
    "checks": lambda value: isinstance(value, list),
}
