"""Texts to read: cut to the room there is, what comes along with them folded, their evidence marked wherever it stands."""

from __future__ import annotations

import re
from collections.abc import Sequence

from review.desk.blocks import Excerpt, Fold, Passage, titled
from review.desk.folding import OWN, Stretch, stretches
from review.desk.sheet import Sheet
from review.desk.text import Mark, marked, seen

LONG = 6000
LOOKED_AT = 4000
APART = re.compile(r"\S {3,40}\S")
ALIGNED_LINES = 3
FOLD = 300  # bytes around a fold
MOST_FOLDS = 40
AROUND = 120  # characters about evidence that lies beyond the cut
MOST_EXCERPTS = 12
LONGEST_EXCERPT = 400
EXCERPTS = 12_000  # bytes of all of them together
PREVIEW = 72


def passage_of(title: str, text: str, marks: Sequence[Mark], sheet: Sheet, *, folded: bool = False) -> Passage:
    """A text as a passage; with ``folded`` what an e-mail brings along is folded away.

    A fold that holds evidence stays open, and so do all where there is nothing else to read.
    """
    sheet.spend_marks(marks)
    shown = sheet.fitting(text)
    parts = _parts(text[:shown], folded=folded)
    sheet.spend(FOLD * len(parts))
    alone = not any(part.kind == OWN and text[part.start : part.end].strip() for part in parts)
    return Passage(
        title=titled(title),
        folds=[_fold(text, part, marks, alone=alone) for part in parts],
        cut=len(text) - shown,
        long=shown > LONG,
        aligned=_is_aligned(text[:LOOKED_AT]),
        excerpts=_excerpts(text, [mark for mark in marks if mark.end > shown], shown),
    )


def _is_aligned(text: str) -> bool:
    """Whether several lines hold words far apart, as tills and terminals print them."""
    return sum(bool(APART.search(line)) for line in text.splitlines()) >= ALIGNED_LINES


def _parts(text: str, *, folded: bool) -> list[Stretch]:
    """The stretches to fold; a text chopped into very many is left as it is."""
    parts = stretches(text) if folded else []
    return parts if 0 < len(parts) <= MOST_FOLDS else [Stretch(OWN, 0, len(text))] * bool(text)


def _fold(text: str, part: Stretch, marks: Sequence[Mark], *, alone: bool) -> Fold:
    written = text[part.start : part.end]
    first = next((line.strip(" >\t\r\n") for line in written.splitlines() if line.strip(" >\t\r\n-_")), "")
    return Fold(
        kind=part.kind,
        html=marked(text, marks, part.start, part.end),
        lines=sum(bool(line.strip()) for line in written.splitlines()),
        preview=seen(first[:PREVIEW]),
        open=alone or any(mark.start < part.end and mark.end > part.start for mark in marks),
    )


def _excerpts(text: str, beyond: Sequence[Mark], shown: int) -> list[Excerpt]:
    """Evidence further down, each piece with the words around it; pieces that touch are one."""
    found: list[Excerpt] = []
    reached, spare = shown, Sheet(EXCERPTS)
    for mark in beyond:
        start, end = max(mark.start - AROUND, reached), min(mark.end + AROUND, mark.start + LONGEST_EXCERPT, len(text))
        if len(found) == MOST_EXCERPTS:
            break
        end = start + spare.fitting(text[start:end])
        if start < end:
            found.append(Excerpt(start, marked(text, beyond, start, end)))
            reached = end
    return found
