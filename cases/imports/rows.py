"""One row of a file, whatever the format, and the way to the reader of each format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO, Protocol

from django.conf import settings


@dataclass(frozen=True, slots=True)
class Row:
    """``values`` by column, or ``problem`` tells why there are none. ``size`` is how far the file was read for it, in bytes."""

    line: int
    values: Mapping[str, object] = field(default_factory=dict)
    problem: str = ""
    size: int = 0


class UnreadableFileError(Exception):
    """The file as a whole cannot be imported; the message says what to do."""


class Reader(Protocol):
    def __call__(self, path: Path, /) -> Iterator[Row]: ...


@dataclass(frozen=True, slots=True)
class Line:
    number: int
    text: str
    size: int
    too_long: bool = False


def lines_of(file: BinaryIO) -> Iterator[Line]:
    """Physical lines as text. Bytes that are no UTF-8 come out as half surrogates, which no check lets through."""
    longest = longest_line()
    number = 0
    while raw := file.readline(longest):
        number += 1
        size = len(raw)
        complete = raw.endswith(b"\n") or size < longest
        while not complete and (rest := file.readline(longest)):
            size += len(rest)
            complete = rest.endswith(b"\n")
        text = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
        yield Line(number, text.decode("utf-8", "surrogateescape"), size, too_long=size != len(raw))


def longest_line() -> int:
    """In bytes: room for a payload of the largest size with every character escaped."""
    longest: int = 4 * settings.PAYLOAD_MAX_BYTES
    return longest


def check_encoding(path: Path) -> None:
    """Raises: UnreadableFileError for a file in UTF-16 or UTF-32, which looks like text with NULs."""
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\x00" in start:
        raise UnreadableFileError("The file is not UTF-8. Save it as UTF-8 and try again.")
