"""The original input as blocks to read: short values in a table, long texts with their evidence, the rest as a tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString

from review.desk.text import SHOWN_CHARACTERS, Mark, marked, seen

SHORT = 90
MAX_NODES = 400


@dataclass(frozen=True, slots=True)
class Pair:
    name: str
    value: SafeString


@dataclass(frozen=True, slots=True)
class Passage:
    """A text to read. ``cut`` tells how many characters the page leaves out."""

    name: str
    html: SafeString
    cut: int = 0


@dataclass(slots=True)
class Node:
    """A branch of nested data: either a value, or parts below it."""

    name: str
    value: SafeString = field(default_factory=SafeString)
    parts: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Input:
    """A payload, ready to be shown."""

    pairs: list[Pair] = field(default_factory=list)
    passages: list[Passage] = field(default_factory=list)
    trees: list[Node] = field(default_factory=list)

    @property
    def cut(self) -> bool:
        return any(passage.cut for passage in self.passages)


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of context with its source."""

    title: str
    html: SafeString
    url: str = ""
    pairs: tuple[Pair, ...] = ()


def input_of(payload: Any, marks: Sequence[Mark]) -> Input:
    """A payload as blocks, in its own order within each kind."""
    shown = Input()
    items = payload.items() if isinstance(payload, Mapping) else [("", payload)]
    for key, value in items:
        name, path = str(key), f"payload.{key}" if key else "payload"
        own = [mark for mark in marks if mark.path == path]
        if isinstance(value, str) and (len(value) > SHORT or "\n" in value or own or name == "text"):
            shown.passages.append(_passage(name, value, own))
        elif isinstance(value, dict | list) and value:
            shown.trees.append(_Tree(marks).node(name, value, path))
        else:
            shown.pairs.append(Pair(_titled(name), scalar(value)))
    return shown


def context_of(context: Any, marks: Sequence[Mark]) -> list[Fragment]:
    """The context fragments that came with the case."""
    found = []
    for position, item in enumerate(context if isinstance(context, list) else []):
        parts = item if isinstance(item, Mapping) else {"text": item}
        own = [mark for mark in marks if mark.path == f"context.{position}.text"]
        text = parts.get("text", "")
        html = _passage("", text, own).html if isinstance(text, str) else scalar(text)
        found.append(Fragment(str(parts.get("title") or ""), html, _address(parts.get("url")), _rest(parts)))
    return found


def scalar(value: Any) -> SafeString:
    """One value in words."""
    if value is None or value in ("", [], {}):
        return format_html('<span class="cs-none">{}</span>', "–")
    if isinstance(value, bool):
        return seen("true" if value else "false")
    return seen(str(value)[:SHOWN_CHARACTERS])


def _passage(name: str, text: str, marks: Sequence[Mark]) -> Passage:
    cut = max(0, len(text) - SHOWN_CHARACTERS)
    return Passage(_titled(name), marked(text[:SHOWN_CHARACTERS], marks), cut)


def _titled(name: str) -> str:
    return name.replace("_", " ").strip().capitalize()


def _address(url: Any) -> str:
    """A source's address, if it is one a person may safely follow."""
    return url if isinstance(url, str) and url.startswith(("https://", "http://")) else ""


def _rest(parts: Mapping[str, Any]) -> tuple[Pair, ...]:
    known = ("title", "text", "url")
    return tuple(Pair(_titled(str(key)), scalar(value)) for key, value in parts.items() if key not in known)


class _Tree:
    """Nested data as a tree of bounded size."""

    def __init__(self, marks: Sequence[Mark]) -> None:
        self.marks = marks
        self.nodes = 0

    def node(self, name: str, value: Any, path: str) -> Node:
        self.nodes += 1
        if not isinstance(value, dict | list):
            own = [mark for mark in self.marks if mark.path == path]
            return Node(name, marked(value[:SHOWN_CHARACTERS], own) if isinstance(value, str) else scalar(value))
        node = Node(name)
        for key, part in value.items() if isinstance(value, dict) else enumerate(value, start=1):
            if self.nodes >= MAX_NODES:
                node.parts.append(Node("…"))
                break
            below = key if isinstance(value, dict) else int(key) - 1
            node.parts.append(self.node(str(key), part, f"{path}.{below}"))
        return node
