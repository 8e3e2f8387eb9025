"""Conditions as rows of a form: a value is typed as text and means what it looks like."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.http import QueryDict

LONGEST = 2_000
MOST_ROWS = 100
TEXT_ONLY = ("matches",)


@dataclasses.dataclass(slots=True)
class Row:
    """One condition as it stands in the form, with what is wrong with it by ``field``, ``op`` and ``value``."""

    field: str = ""
    op: str = "eq"
    value: str = ""
    problems: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    @property
    def blank(self) -> bool:
        return not (self.field or self.value)

    def content(self) -> dict[str, Any]:
        """The row as a policy keeps it."""
        said = {"field": self.field, "op": self.op}
        return said if self.op == "exists" and not self.value else {**said, "value": value_of(self.value, self.op)}


def rows_of(conditions: Any) -> list[Row]:
    """The rows of kept conditions."""
    found = [row for row in conditions if isinstance(row, Mapping)] if isinstance(conditions, list) else []
    return [Row(str(row.get("field", "")), str(row.get("op", "")), text_of(row.get("value"))) for row in found]


def typed_rows(data: QueryDict, prefix: str) -> list[Row]:
    """The rows that were sent under names such as ``prefix-0-field``; blank ones are left out."""
    rows = [
        Row(_text(data, f"{prefix}-{n}-field"), _text(data, f"{prefix}-{n}-op"), _text(data, f"{prefix}-{n}-value"))
        for n in numbers(data, prefix, "field")
    ]
    return [row for row in rows if not row.blank]


def numbers(data: QueryDict, prefix: str, name: str) -> Iterator[int]:
    """The numbers n for which ``prefix-n-name`` was sent, in order; they need not be without gaps."""
    found = []
    for key in data:
        middle = key[len(prefix) + 1 : -len(name) - 1]
        if key == f"{prefix}-{middle}-{name}" and middle.isascii() and middle.isdecimal():
            found.append(int(middle[:6]))
    yield from sorted(set(found))[:MOST_ROWS]


def value_of(text: str, op: str) -> Any:
    """What a typed value means: 500 is a number, true a yes, "500" in quotes and every other word a text."""
    if op in TEXT_ONLY:
        return text
    if op == "in":
        return _list(text)
    return _plain(text)


def text_of(value: Any) -> str:
    """A kept value as it would be typed; `value_of` gives the same value back."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value if _plain(value) == value and value and value.strip() == value else _json(value)
    if isinstance(value, list):
        parts = [text_of(item) for item in value]
        simple = all(isinstance(item, str | int | float) for item in value) and not any(
            '"' in p or "," in p for p in parts
        )
        return ", ".join(parts) if simple and value else _json(value)
    return _json(value)


def _list(text: str) -> list[Any]:
    found = _read(text) if text.startswith("[") else None
    return found if isinstance(found, list) else [_plain(part.strip()) for part in text.split(",") if part.strip()]


def _plain(text: str) -> Any:
    found = _read(text)
    return text if found is None or isinstance(found, dict | list) else found


def _read(text: str) -> Any:
    """The JSON that the text is; None where it is none."""
    try:
        return json.loads(text, parse_constant=str)
    except (ValueError, RecursionError):
        return None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _text(data: QueryDict, name: str) -> str:
    return data.get(name, "").replace("\x00", "").strip()[:LONGEST]
