"""An e-mail's text parted into what its writer wrote and what comes along with it: quotes, signatures, earlier messages.

Nothing is ever lost and the order is kept: the stretches, put one after another, are the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

OWN, QUOTED, SIGNATURE, EARLIER = "own", "quoted", "signature", "earlier"
LONGEST_SIGNATURE = 12  # lines; what is longer was no signature
LONGEST_LINE = 300  # characters that are looked at
ENDING = 120  # characters at a line's end in which “wrote:” may stand

EARLIER_MESSAGE = re.compile(
    r"\s*(-{2,} ?(original message|forwarded message|ursprüngliche nachricht|mensaje original|message d'origine) ?-{2,}"
    r"|begin forwarded message:|_{20,})\s*",
    re.IGNORECASE,
)
BEGINS = re.compile(r"\s*(on|am|le|el|il|op)\b", re.IGNORECASE)
WROTE = re.compile(r"\b(wrote|schrieb[^:]{0,80}|a écrit|escribió|ha scritto|schreef) ?:\s*$", re.IGNORECASE)
SENT_FROM = re.compile(
    r"\s*(sent from my |get outlook for |von meinem .{1,30} gesendet|enviado desde mi )", re.IGNORECASE
)
DELIMITERS = ("--", "—")


class Stretch(NamedTuple):
    """``text[start:end]`` and what it is."""

    kind: str
    start: int
    end: int


def stretches(text: str) -> list[Stretch]:
    """The text in stretches of one kind each, in order, without a gap."""
    lines = text.splitlines(keepends=True)
    kinds = _with_short_signatures(list(_kinds(lines)), lines)
    found, at = [], 0
    for kind, group in groupby(zip(kinds, lines, strict=True), key=lambda pair: pair[0]):
        start, at = at, at + sum(len(line) for _kind, line in group)
        found.append(Stretch(kind, start, at))
    return found


def is_reply(text: str) -> bool:
    """Whether a text answers a message that it announces and quotes; an angle at a line's start alone may mean anything."""
    return any(
        part.kind in (QUOTED, EARLIER) and not text[part.start : part.end].lstrip().startswith(">")
        for part in stretches(text)
    )


def _kinds(lines: Sequence[str]) -> Iterator[str]:
    """What each line is. An empty line is what the line before it was."""
    kind = OWN
    for number, line in enumerate(lines):
        if kind != EARLIER and line.strip():
            kind = _kind(kind, line[:LONGEST_LINE], _attributes(lines, number))
        yield kind


def _kind(before: str, line: str, attributes: str) -> str:
    if EARLIER_MESSAGE.fullmatch(line):
        return EARLIER
    if line.lstrip(" \t").startswith(">"):
        return QUOTED
    if attributes:
        return attributes
    if line.strip() in DELIMITERS or SENT_FROM.match(line):
        return SIGNATURE
    return SIGNATURE if before == SIGNATURE else OWN


def _attributes(lines: Sequence[str], number: int) -> str:
    """Whether here begins “On … wrote:”, in one line or two: then what follows is quoted, with angles or to the end."""
    if not BEGINS.match(lines[number][:LONGEST_LINE]):
        return ""
    for end in (number + 1, number + 2):
        head = lines[number:end]
        if WROTE.search(head[-1][-ENDING:]) and any(character.isdigit() for line in head for character in line):
            after = next((line for line in lines[end : end + 3] if line.strip()), "")
            return QUOTED if after.lstrip(" \t").startswith(">") else EARLIER
    return ""


def _with_short_signatures(kinds: list[str], lines: Sequence[str]) -> list[str]:
    """A line of dashes also parts a text; what is as long as a text is one."""
    made: list[str] = []
    for kind, group in groupby(zip(kinds, lines, strict=True), key=lambda pair: pair[0]):
        written = [line for _kind, line in group]
        long = kind == SIGNATURE and sum(bool(line.strip()) for line in written) > LONGEST_SIGNATURE
        made += [OWN if long else kind] * len(written)
    return made
