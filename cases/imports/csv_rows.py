"""CSV as people make it: with a byte-order mark, semicolons, ragged rows, and quotes that are never closed."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from pathlib import Path

from cases.imports.rows import Line, Row, UnreadableFileError, check_encoding, lines_of, longest_line

DELIMITERS = ",;\t|"
MOST_RESCUES = (
    100  # how often the lines that an open quote swallowed are read anew; a file of nothing else must end too
)


def csv_rows(path: Path) -> Iterator[Row]:
    """The rows below the header.

    Raises: UnreadableFileError when there is no usable header.
    """
    check_encoding(path)
    csv.field_size_limit(longest_line())
    with path.open("rb") as file:
        lines = lines_of(file)
        first = next(lines, None)
        if first is None:
            raise UnreadableFileError("The file is empty.")
        delimiter = max(DELIMITERS, key=first.text.count)
        header = _header(first, delimiter)
        for line, cells, problem, size in _records(lines, delimiter):
            yield _row(line, header, cells, problem, size)


def _header(first: Line, delimiter: str) -> list[str]:
    try:
        header = [name.strip() for name in next(csv.reader([first.text], delimiter=delimiter, strict=True), [])]
    except csv.Error as error:
        raise UnreadableFileError(f"The first line is no list of columns: {error}.") from error
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise UnreadableFileError(f"The column '{twice[0]}' is there twice; rename one of them.")
    return header


def _row(line: int, header: list[str], cells: list[str], problem: str, size: int) -> Row:
    if not problem and len(cells) != len(header):
        problem = f"it has {len(cells)} cells, the header has {len(header)}"
    return Row(line, dict(zip(header, cells, strict=False)) if not problem else {}, problem, size)


Record = tuple[int, list[str], str, int]


class _Feed:
    """Hands lines to the csv module and remembers those of the present record, so that they can be read anew."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self.lines = lines
        self.again: deque[Line] = deque()
        self.record: list[Line] = []

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self.again.popleft() if self.again else next(self.lines)
        self.record.append(line)
        return line.text

    def rescue(self) -> None:
        """Give back all but the first line of the present record."""
        self.again.extendleft(reversed(self.record[1:]))
        del self.record[1:]


def _records(lines: Iterator[Line], delimiter: str) -> Iterator[Record]:
    feed = _Feed(lines)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    rescues = 0
    while True:
        feed.record = []
        problem, cells = "", []
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = f"not valid CSV: {error}"
            if len(feed.record) > 1 and rescues < MOST_RESCUES:
                rescues += 1
                feed.rescue()
                reader = csv.reader(feed, delimiter=delimiter, strict=True)
        if any(line.too_long for line in feed.record):
            problem = "the line is too long"
        if cells or problem:
            yield feed.record[0].number, cells, problem, sum(line.size for line in feed.record)
