"""Where in a case a piece of evidence stands: paths such as ``payload.items[0].name``, and the texts they lead to.

A path is what a sender or a model wrote, so it may lead nowhere. Keys may hold dots and brackets themselves: where a path can
be read in two ways, the longest key that is there wins, and everybody who reads it reads it alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

LONGEST_PATH = 200
POSITION = re.compile(r"\[([0-9]{1,6})\]|\.([0-9]{1,6})(?![^.\[])")
DIVIDER = re.compile(r"[.\[]")


class Passage(NamedTuple):
    """A text of a case under its one true path, however that was written."""

    path: str
    text: str


class Found(NamedTuple):
    path: str
    value: Any


def text_at(facts: Mapping[str, Any], path: str) -> Passage | None:
    """The text that a path leads to, or None where there is no text."""
    found = value_at(facts, path)
    return Passage(found.path, found.value) if found and isinstance(found.value, str) else None


def value_at(facts: Mapping[str, Any], path: str) -> Found | None:
    """The value that a path leads to. List positions count from 0, as ``[0]`` or ``.0``."""
    rest, found = "." + path[:LONGEST_PATH], Found("", facts)
    while rest:
        step = _step(found.value, rest)
        if step is None:
            return None
        name, value, rest = step
        found = Found(f"{found.path}{name}", value)
    return Found(found.path.removeprefix("."), found.value)


def _step(value: Any, rest: str) -> tuple[str, Any, str] | None:
    """One step down: its name as it belongs into a path, what is there, and what remains of the path."""
    if isinstance(value, Mapping):
        key = next((key for key in _keys(rest) if key in value), None)
        return None if key is None else (f".{key}", value[key], rest[1 + len(key) :])
    if isinstance(value, Sequence) and not isinstance(value, str):
        found = POSITION.match(rest)
        position = int(found[1] or found[2]) if found else len(value)
        return (f"[{position}]", value[position], rest[found.end() :]) if found and position < len(value) else None
    return None


def _keys(rest: str) -> Iterator[str]:
    """The keys with which a path may go on, the longest first."""
    if rest[0] == ".":
        yield rest[1:]
        for divider in reversed(list(DIVIDER.finditer(rest, 1))):
            yield rest[1 : divider.start()]
