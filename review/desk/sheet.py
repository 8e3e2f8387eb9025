"""How much of a case a page may hold. Payloads may be large and hostile; the page that shows them stays small."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from review.desk.text import Mark, seen

PIECE = 1024
CRUMB = 32
MARKUP = 300  # bytes around the pieces of a mark
PIECES = 9  # times its field is named in them


@dataclass(slots=True)
class Sheet:
    """The part of a page that an input may fill: the bytes of HTML that are ``left``, and the evidence to mark, by path.

    What does not fit is cut, and the page says so.
    """

    left: int
    marks: Mapping[str, Sequence[Mark]] = field(default_factory=dict)

    @property
    def full(self) -> bool:
        return self.left <= 0

    def at(self, path: str) -> Sequence[Mark]:
        """The evidence in the text at a path, in order."""
        return self.marks.get(path, ())

    def spend(self, size: int) -> None:
        """Take room for markup around a text."""
        self.left -= size

    def spend_marks(self, marks: Sequence[Mark]) -> None:
        """Take room for the markup of evidence; where spans overlap, each comes in pieces that name several fields."""
        self.left -= sum(MARKUP + PIECES * len(mark.supports) for mark in marks)

    @contextmanager
    def part(self, *, among: int) -> Iterator[Sheet]:
        """A fair part of what is left, for one of so many; what it does not use stays for the others."""
        part = Sheet(max(self.left, 0) // among, self.marks)
        given = part.left
        yield part
        self.left -= given - max(part.left, 0)

    def fitting(self, text: str) -> int:
        """How many of a text's leading characters fit; their room is taken. Measured as HTML, where one may take 80 bytes."""
        taken = 0
        for size in (PIECE, CRUMB):
            while taken < len(text) and (cost := _cost(text[taken : taken + size])) <= self.left:
                taken += size
                self.left -= cost
        if taken < len(text):
            self.left = 0
        return min(taken, len(text))


def sheet_of(left: int, marks: Sequence[Mark]) -> Sheet:
    """An empty sheet with the evidence sorted by its text."""
    found: dict[str, list[Mark]] = {}
    for mark in marks:
        found.setdefault(mark.path, []).append(mark)
    return Sheet(left, found)


def _cost(text: str) -> int:
    return len(seen(text).encode("utf-8", "replace"))
