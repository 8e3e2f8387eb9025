"""What a field of the decision form is: one property of an output, with the fields inside it where it has any."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from django.utils.translation import gettext as _

from review.desk.differences import Piece, differences
from review.desk.reading import ABSENT
from review.desk.words import percent, sureness

RADIO_LIMIT = 12
SPARE_ROWS = 2  # empty ones, for who has no JavaScript to add any
PLACE, NUMBER = "__row__", "__number__"  # for the place of a row, from 0 and from 1, where JavaScript makes new ones


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a closed list. ``text`` is how a form sends it, ``digit`` the key that chooses it, ``score`` what
    the machine gave it."""

    value: Any
    text: str
    chosen: bool = False
    digit: str = ""
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Link:
    """A way from a field to the words of the input that support it."""

    text: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Field:
    """A property of the output as a form field. ``text`` is what the control shows, ``value`` what it stands for.

    ``path`` is its JSON path inside the output (``items[2].sku``), the same by which refusals name it. ``parts`` are the
    fields inside an object, or the rows of a table. What the machine said of it: ``confidence`` (0 to 1), ``low`` where
    that is below what the policy asks, ``draft`` (its text, where a text is compared with it) and ``links``. Where an
    answer is only shown, ``other`` is what somebody else's answer says in its place; a row is ``added`` where that one
    lacks it, and ``removed`` where it alone has it. In a form, ``removed`` is a row that was ticked to go.
    """

    name: str
    kind: str
    title: str
    path: str = ""
    help: str = ""
    required: bool = False
    nullable: bool = False
    value: Any = ABSENT
    text: str = ""
    options: tuple[Option, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    errors: tuple[str, ...] = ()
    parts: tuple[Field, ...] = ()
    row: Callable[[int | str], Field] | None = field(default=None, compare=False)
    removed: bool = False
    added: bool = False
    confidence: float | None = None
    low: bool = False
    draft: str | None = None
    other: str = ""
    links: tuple[Link, ...] = ()

    @property
    def likely(self) -> list[Option]:
        """What the machine thinks most of, where the list is long; the best first."""
        return sorted((one for one in self.options if one.score is not None), key=lambda one: -(one.score or 0))

    @property
    def input_name(self) -> str:
        return f"output.{self.path}" if self.path else "output"

    @property
    def id(self) -> str:
        return "field-" + re.sub(r"[^\w-]+", "-", self.path or "output").strip("-")

    @property
    def described_by(self) -> str:
        there = (("help", self.help), ("sure", self.confidence is not None), ("errors", self.errors))
        return " ".join(f"{self.id}-{part}" for part, shown in there if shown)

    @property
    def sureness(self) -> str:
        """The machine's confidence in this field, in words."""
        return "" if self.confidence is None else f"{percent(self.confidence)} {sureness(self.confidence)}"

    @property
    def clearable(self) -> bool:
        """Whether “none” is an answer."""
        return not self.required or self.nullable

    @property
    def flat(self) -> bool:
        """Whether the rows of a table fit into columns, one control a cell."""
        return not any(part.kind in ("object", "table", "checks", "json", "lines") for part in self.columns)

    @property
    def columns(self) -> tuple[Field, ...]:
        pattern = self.pattern
        return (pattern.parts if pattern.kind == "object" else (pattern,)) if pattern else ()

    @property
    def cells(self) -> tuple[Field, ...]:
        """The controls of this row of a table."""
        return self.parts if self.kind == "object" else (self,)

    @property
    def pattern(self) -> Field | None:
        """An empty row, numbered by `PLACE`."""
        return self.row(PLACE) if self.row else None

    @property
    def spares(self) -> list[Field]:
        """Empty rows after those that are there."""
        return [self.row(place) for place in range(self.after_rows - SPARE_ROWS, self.after_rows)] if self.row else []

    @property
    def after_rows(self) -> int:
        """The first place after all rows, the empty ones too. Rows that were typed before may leave gaps."""
        last = self.parts[-1].path if self.parts else ""
        return SPARE_ROWS + (int(last[last.rindex("[") + 1 : -1]) + 1 if last else 0)

    @property
    def told(self) -> str:
        """The value as one reads it, where it is only shown."""
        if self.kind == "checks":
            return ", ".join(option.text for option in self.options if option.chosen) or "–"
        if self.kind == "boolean" and self.text:
            return _("Yes") if self.text == "true" else _("No")
        return f"{self.text} {self.currency}".strip() if self.text else "–"

    @property
    def changes(self) -> list[Piece]:
        """How the text differs from the machine's draft; empty where it does not."""
        same = self.draft is None or self.draft.replace("\r\n", "\n") == self.text.replace("\r\n", "\n")
        return [] if same else differences(self.draft or "", self.text)

    @property
    def faulty(self) -> bool:
        return bool(self.errors) or any(part.faulty for part in self.parts)

    @property
    def row_title(self) -> str:
        return _("Line %(number)s") % {"number": self.title}


def mapped(fields: Sequence[Field], change: Callable[[Field], Field]) -> list[Field]:
    """The same fields, each changed, those inside others first."""
    return [change(replace(one, parts=tuple(mapped(one.parts, change))) if one.parts else one) for one in fields]


def every(fields: Sequence[Field]) -> list[Field]:
    """All fields, each followed by those inside it."""
    return [found for one in fields for found in (one, *every(one.parts))]
