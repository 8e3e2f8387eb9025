"""The loop of every import: batches in, refusals told line by line, progress kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from cases.imports.csv_rows import csv_rows
from cases.imports.jsonl_rows import jsonl_rows
from cases.imports.progress import Progress
from cases.imports.rows import Row, UnreadableFileError
from cases.imports.xlsx_rows import xlsx_rows

BATCH = 500
READERS: dict[str, Callable[[Path], Iterator[Row]]] = {".csv": csv_rows, ".jsonl": jsonl_rows, ".xlsx": xlsx_rows}

Told = tuple[str, Mapping[str, Sequence[str]]]
Take = Callable[[Sequence[Row]], Sequence[Told]]


def rows_of(path: Path) -> Iterator[Row]:
    """The rows of a file by the ending of its name.

    Raises: UnreadableFileError.
    """
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise UnreadableFileError(f"'{path.suffix}' is not imported; there are {', '.join(READERS)}.")
    try:
        yield from reader(path)
    except OSError as error:
        raise UnreadableFileError(f"The file cannot be read: {error.strerror}.") from error


def first_columns(path: Path) -> set[str]:
    """The columns of the first sound row.

    Raises: UnreadableFileError when there is none.
    """
    for row in rows_of(path):
        if not row.problem:
            return set(row.values)
    raise UnreadableFileError("There is no row in this file that can be read.")


def run(
    path: Path, *, take: Take, progress: Progress, refused: Callable[[int, str], None], advance: Callable[[int], None]
) -> Counter[str]:
    """Import the rows that a former run has not done. Counts what became of them by status.

    ``take`` stores a batch and tells of each row its status and its errors; ``refused`` is told the line and the reason of
    each row that was not taken, ``advance`` the bytes that are done.
    """
    counts: Counter[str] = Counter()
    start = progress.line()
    for batch in _batches(rows_of(path), start=start, counts=counts, advance=advance):
        for row, (status, errors) in zip(batch, take(batch), strict=True):
            counts[status] += 1
            if errors:
                refused(row.line, "; ".join(f"{field}: {' '.join(texts)}" for field, texts in errors.items()))
        progress.done_to(batch[-1].line)
        advance(sum(row.size for row in batch))
    progress.finished()
    return counts


def _batches(
    rows: Iterator[Row], *, start: int, counts: Counter[str], advance: Callable[[int], None]
) -> Iterator[tuple[Row, ...]]:
    def left() -> Iterator[Row]:
        for row in rows:
            if row.line > start:
                yield row
            else:
                counts["skipped"] += 1
                advance(row.size)

    yield from _in_batches(left())


def _in_batches(rows: Iterator[Row]) -> Iterator[tuple[Row, ...]]:
    batch: list[Row] = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            yield tuple(batch)
            batch = []
    if batch:
        yield tuple(batch)
