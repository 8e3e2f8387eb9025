"""What came back from a form, read field by field. What a person did not touch comes back exactly as it was."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.http import QueryDict

from review.desk import reading
from review.desk.fields import Field
from review.desk.filling import alike, filled, same_text, unix
from review.desk.reading import ABSENT
from review.desk.unreadable import Unreadable

MOST_NEW_ROWS = 200
REMOVE = ".remove"  # the name of a row's box “remove”, after the row's own name


def read_field(one: Field, data: QueryDict) -> Field:
    """The field as a person filled it in, with a message where that cannot be read."""
    if one.kind == "table":
        return _read_table(one, data)
    if one.kind in ("object", "price"):
        return _read_object(one, data)
    if one.kind == "checks":
        return _read_checks(one, _texts(one, data))
    return _read_control(one, _text(one, data))


def untouched(one: Field, data: QueryDict) -> bool:
    """Whether the form came back as it was sent."""
    if one.kind == "table":
        return not _removed(one, data) and not _new_rows(one, data) and all(untouched(row, data) for row in one.parts)
    if one.kind in ("object", "price"):
        return all(untouched(part, data) for part in one.parts)
    if one.kind == "checks":
        return set(_texts(one, data)) == {option.text for option in one.options if option.chosen}
    return same_text(_text(one, data), one.text)


def blank(one: Field, data: QueryDict) -> bool:
    """Whether nothing is filled in."""
    if one.kind == "table":
        return not _new_rows(one, data) and all(
            row.path in _removed(one, data) or blank(row, data) for row in one.parts
        )
    if one.kind in ("object", "price"):
        return all(blank(part, data) for part in one.parts)
    return not (_texts(one, data) if one.kind == "checks" else _text(one, data).strip())


def assembled(parts: Sequence[Field], shown: Any) -> dict[str, Any]:
    """The object that fields make; what was there beyond them is kept, and the order too."""
    before = shown if isinstance(shown, dict) else {}
    names = {part.name for part in parts}
    kept = {name: value for name, value in before.items() if name not in names}
    given = {part.name: part.value for part in parts if part.value is not ABSENT}
    ordered = {name: given.pop(name) for name in before if name in given}
    return {**ordered, **given, **kept}


def _text(one: Field, data: QueryDict) -> str:
    return unix(str(data.get(one.input_name, "")))


def _texts(one: Field, data: QueryDict) -> list[str]:
    return [str(text) for text in data.getlist(one.input_name)]


def _read_control(one: Field, text: str) -> Field:
    if same_text(text, one.text) and one.value is not ABSENT:
        return one
    chosen = tuple(replace(option, chosen=bool(text) and option.text == text) for option in one.options)
    shown = replace(one, text=text, value=ABSENT, options=chosen)
    try:
        return replace(shown, value=_value(one, text))
    except Unreadable as trouble:
        return replace(shown, errors=(str(trouble),))


def _value(one: Field, text: str) -> Any:
    if not text.strip():
        return reading.emptiness(one.kind, required=one.required, nullable=one.nullable)
    if one.options:
        return reading.chosen([option.value for option in one.options], text)
    return reading.READERS[one.kind](text)


def _read_checks(one: Field, texts: Sequence[str]) -> Field:
    """The ticked ones: those that stay in their order, the new ones after them."""
    ticked = [option for option in one.options if option.text in texts]
    if {option.text for option in ticked} == {option.text for option in one.options if option.chosen}:
        return one if one.value is not ABSENT or not one.required else filled(one, [])
    before = one.value if isinstance(one.value, list) else []
    stay = [item for item in before if any(alike(option.value, item) for option in ticked)]
    added = [option.value for option in ticked if not any(alike(option.value, item) for item in stay)]
    return filled(one, [*stay, *added])


def _read_object(one: Field, data: QueryDict) -> Field:
    if untouched(one, data) and one.value is not ABSENT:
        return one
    if blank(one, data) and (not one.required or one.nullable) and not _holds_more(one):
        empty = filled(one, ABSENT)
        return replace(empty, value=None if one.required else ABSENT)
    parts = tuple(read_field(part, data) for part in one.parts)
    faulty = any(part.faulty for part in parts)
    return replace(one, parts=parts, value=ABSENT if faulty else assembled(parts, one.value))


def _holds_more(one: Field) -> bool:
    """Whether the object has what the form does not show, and what would be lost with it."""
    return isinstance(one.value, dict) and bool(set(one.value) - {part.name for part in one.parts})


def _read_table(one: Field, data: QueryDict) -> Field:
    if untouched(one, data) and one.value is not ABSENT:
        return one
    removed = _removed(one, data)
    rows = tuple(_read_row(row, data, removed=row.path in removed) for row in (*one.parts, *_new_rows(one, data)))
    if any(row.faulty for row in rows):
        return replace(one, parts=rows, value=ABSENT)
    items = [row.value for row in rows if row.value is not ABSENT]
    left_out = not items and one.value is ABSENT and not one.required
    return replace(one, parts=rows, value=ABSENT if left_out else items)


def _read_row(row: Field, data: QueryDict, *, removed: bool) -> Field:
    """A row; one that is to go, or that was emptied, has no value but stays in sight until the whole is accepted."""
    if removed:
        return replace(row, value=ABSENT, removed=True)
    if blank(row, data) and not (row.value is not ABSENT and untouched(row, data)):
        return replace(filled(row, ABSENT), value=ABSENT)
    return read_field(row, data)


def _removed(one: Field, data: QueryDict) -> set[str]:
    return {row.path for row in one.parts if row.input_name + REMOVE in data}


def _new_rows(one: Field, data: QueryDict) -> list[Field]:
    """The rows beyond those that were shown, as far as something is in them; in the order of their numbers."""
    named = re.compile(re.escape(one.input_name) + r"\[([0-9]{1,4})\]")
    numbers = {int(found[1]) for name in data if (found := named.match(name))}
    new = sorted(number for number in numbers if number >= len(one.parts))[:MOST_NEW_ROWS]
    rows = [one.row(number) for number in new] if one.row else []
    return [row for row in rows if row.input_name + REMOVE not in data and not blank(row, data)]
