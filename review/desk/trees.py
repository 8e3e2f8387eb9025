"""Nested data as a tree that folds, of bounded size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.utils.safestring import SafeString

from review.desk.blocks import Node, Tree
from review.desk.sheet import Sheet
from review.desk.text import seen
from review.desk.values import is_scalar, scalar_at

MOST_NODES = 400
OPEN_LEVELS = 2
OPEN_PARTS = 12  # a branch with more of them starts folded
SMALL = 40  # nodes of a tree that is shown unfolded
PREVIEW = 80
NODE = 140  # bytes of markup
LONGEST_NAME = 120


class _Growth:
    """What one tree needs to know while it grows."""

    def __init__(self, sheet: Sheet, *, small: bool) -> None:
        self.sheet = sheet
        self.small = small
        self.nodes = 0
        self.left_out = 0
        self.marked = tuple(sheet.marks)

    def node(self, name: str, value: Any, path: str, level: int) -> Node:
        self.nodes += 1
        self.sheet.spend(NODE + len(name[:LONGEST_NAME]))
        if not isinstance(value, dict | list) or not value:
            shown = scalar_at(value, path, self.sheet)
            return Node(name[:LONGEST_NAME], shown, kind=_kind(value))
        node = Node(name[:LONGEST_NAME], branch=True, open=self._opens(value, path, level))
        node.preview = SafeString() if self.small else self._preview(value)
        for position, (key, part, below) in enumerate(_parts(value, path)):
            if self.nodes >= MOST_NODES or self.sheet.full:
                node.more = len(value) - position
                self.left_out += node.more
                break
            node.parts.append(self.node(key, part, below, level + 1))
        return node

    def _opens(self, value: Any, path: str, level: int) -> bool:
        """Small branches near the root, and every branch with evidence in it."""
        small = self.small or (level < OPEN_LEVELS and len(value) <= OPEN_PARTS)
        return level == 0 or small or any(marked.startswith(path) for marked in self.marked)

    def _preview(self, value: Any) -> SafeString:
        """The plain values of a branch, in a few words."""
        parts = list(value.values() if isinstance(value, dict) else value)[:OPEN_PARTS]
        told = ", ".join(str(part)[:PREVIEW] for part in parts if is_scalar(part) and part is not None)
        shown = seen(told[:PREVIEW])
        self.sheet.spend(len(shown))
        return shown


def tree_of(name: str, value: Any, path: str, sheet: Sheet) -> Tree:
    """A value as a tree; beyond so many nodes it says how many more there are."""
    growth = _Growth(sheet, small=_size(value, SMALL + 1) <= SMALL)
    root = growth.node(name, value, path, 0)
    return Tree(root, cut=growth.left_out)


def _parts(value: Any, path: str) -> Iterator[tuple[str, Any, str]]:
    """The parts of a branch by name, with the path to each; positions count from 1 for people, from 0 in paths."""
    if isinstance(value, dict):
        yield from ((str(key), part, f"{path}.{key}") for key, part in value.items())
    else:
        yield from ((str(at + 1), part, f"{path}[{at}]") for at, part in enumerate(value))


def _size(value: Any, most: int) -> int:
    """How many nodes a value has; counting stops at ``most``."""
    count, waiting = 0, [value]
    while waiting and count < most:
        count += 1
        one = waiting.pop()
        if isinstance(one, dict | list):
            waiting.extend(list(one.values() if isinstance(one, dict) else one)[:most])
    return count


def _kind(value: Any) -> str:
    """Text, number or truth: ``"5"`` and 5 are told apart."""
    if isinstance(value, bool) or value is None:
        return "word"
    return "number" if isinstance(value, int | float) else "text" if isinstance(value, str) else "word"
