"""How a text differs from a draft, word by word, for people to read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from django.utils.safestring import SafeString

from review.desk.text import seen

WORDS = re.compile(r"\s+|\w+|[^\w\s]")
LINES = re.compile(r"[^\n]*\n|[^\n]+")
MOST_WORDS = 4_000  # together; beyond them whole lines are compared, and of more lines than these nothing


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of text that is the ``same``, ``gone`` from the draft, or ``new``."""

    kind: str
    html: SafeString


def differences(before: str, after: str) -> list[Piece]:
    """The pieces of both texts in reading order; what was replaced comes before what replaces it."""
    for unit in (WORDS, LINES):
        old, new = unit.findall(before), unit.findall(after)
        if len(old) + len(new) <= MOST_WORDS:
            return list(_pieces(old, new))
    return [Piece("gone", seen(before)), Piece("new", seen(after))]


def _pieces(old: list[str], new: list[str]) -> Iterator[Piece]:
    for kind, start, end, first, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind == "equal":
            yield Piece("same", seen("".join(old[start:end])))
            continue
        if start < end:
            yield Piece("gone", seen("".join(old[start:end])))
        if first < last:
            yield Piece("new", seen("".join(new[first:last])))
