"""The one text a model reads of a case's payload, and the way back from it to the payload's fields."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

_MAX_DEPTH = 32
"""As deep as a payload may be nested; what lies deeper is not read."""

HEADINGS = ("subject", "title")


class Span(NamedTuple):
    """``text[start:end]`` is, character for character, the payload's value at ``field``, as in ``payload.subject``."""

    start: int
    end: int
    field: str


class Place(NamedTuple):
    """A run of characters inside one field of the payload."""

    field: str
    start: int
    end: int


def text_of(payload: Mapping[str, Any]) -> tuple[str, list[Span]]:
    """The text of a payload: its ``text`` where that says something, under its ``subject`` or ``title`` where it has one;
    else each string in it as a line ``key: value``.

    Keys are sorted, so the text does not depend on the order in which a database keeps them. Values inside objects and
    lists are named by their path, as in ``customer.name`` and ``items[0]``.
    """
    if not _says(payload.get("text")):
        return _joined(list(_strings(payload, "", 0)))
    text, spans = "", []
    for key in (*HEADINGS, "text"):
        if _says(payload.get(key)):
            text += "\n" if text else ""
            spans.append(Span(len(text), len(text) + len(payload[key]), f"payload.{key}"))
            text += payload[key]
    return text, spans


def _says(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def places_of(spans: Sequence[Span], start: int, end: int) -> list[Place]:
    """Where ``text[start:end]`` stands in the payload; nothing for what is only a key, one place per field it touches."""
    touched = [(max(start, span.start), min(end, span.end), span) for span in spans]
    return [Place(span.field, low - span.start, high - span.start) for low, high, span in touched if low < high]


def _joined(values: Sequence[tuple[str, str]]) -> tuple[str, list[Span]]:
    lines: list[str] = []
    spans: list[Span] = []
    at = 0
    for path, value in values:
        start = at + len(path) + 2
        spans.append(Span(start, start + len(value), f"payload.{path}"))
        lines.append(f"{path}: {value}")
        at = start + len(value) + 1
    return "\n".join(lines), spans


def _strings(value: object, path: str, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if value.strip():
            yield path, value
    elif depth < _MAX_DEPTH and isinstance(value, Mapping):
        for key in sorted(value, key=str):
            yield from _strings(value[key], f"{path}.{key}" if path else str(key), depth + 1)
    elif depth < _MAX_DEPTH and isinstance(value, list | tuple):
        for at, item in enumerate(value):
            yield from _strings(item, f"{path}[{at}]", depth + 1)
