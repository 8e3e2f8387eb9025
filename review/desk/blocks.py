"""The blocks of which a shown input is made. Each knows the template that shows it; all text in them is safe HTML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.html import format_html
from django.utils.safestring import SafeString


@dataclass(frozen=True, slots=True)
class Pair:
    """A name with a short value."""

    name: str
    value: SafeString


@dataclass(frozen=True, slots=True)
class Pairs:
    """Names and short values, under a title where they belong together."""

    title: str
    rows: Sequence[Pair]
    template = "review/input_pairs.html"
    cut = 0


@dataclass(frozen=True, slots=True)
class Fold:
    """A stretch of a text: one's own words, or something that comes along and is folded away (``kind``)."""

    kind: str
    html: SafeString
    lines: int = 0
    preview: SafeString = field(default_factory=SafeString)
    open: bool = False


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Evidence beyond the place where a long text was cut, with a few words around it."""

    at: int
    html: SafeString


@dataclass(frozen=True, slots=True)
class Passage:
    """A text to read. ``cut`` tells how many characters the page leaves out, ``long`` that it may scroll in a box of its own,
    ``aligned`` that its columns are made of spaces, which takes letters of one width."""

    title: str
    folds: Sequence[Fold]
    cut: int = 0
    long: bool = False
    aligned: bool = False
    excerpts: Sequence[Excerpt] = ()
    template = "review/input_passage.html"


@dataclass(frozen=True, slots=True)
class Email:
    """A message: its headers in a table, its text, and what else it carries."""

    headers: Sequence[Pair]
    text: Passage | None
    aside: Sequence[Aside] = ()
    files: Sequence[SafeString] = ()
    title: str = ""
    template = "review/input_email.html"

    @property
    def cut(self) -> int:
        return self.text.cut if self.text else 0


@dataclass(frozen=True, slots=True)
class Aside:
    """Another form of the same message: its HTML as words, or its source."""

    title: str
    passage: Passage
    open: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    value: SafeString
    number: bool = False


@dataclass(frozen=True, slots=True)
class Column:
    name: str
    number: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Like rows. ``more`` rows and ``narrower`` columns were left out."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Sequence[Cell]]
    more: int = 0
    narrower: int = 0
    template = "review/input_table.html"

    @property
    def cut(self) -> int:
        return self.more + self.narrower


@dataclass(slots=True)
class Node:
    """A branch of nested data: either a value of a kind, or parts below it, of which ``more`` were left out.

    ``preview`` is what a folded branch holds, in brief.
    """

    name: str
    value: SafeString = field(default_factory=SafeString)
    kind: str = ""
    parts: list[Node] = field(default_factory=list)
    more: int = 0
    open: bool = False
    branch: bool = False
    preview: SafeString = field(default_factory=SafeString)


@dataclass(frozen=True, slots=True)
class Tree:
    root: Node
    cut: int = 0
    template = "review/input_tree.html"

    @property
    def title(self) -> str:
        return self.root.name


Block = Pairs | Passage | Email | Table | Tree


def titled(name: str) -> str:
    """A key as a heading: ``order_number`` becomes “Order number”."""
    return name.replace("_", " ").strip().capitalize()


def nothing() -> SafeString:
    return format_html('<span class="cs-none">{}</span>', "–")
