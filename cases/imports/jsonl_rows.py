"""One JSON object per line: a flat row, or a whole case as the API takes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from cases import strict_json
from cases.imports.rows import Line, Row, check_encoding, lines_of


def jsonl_rows(path: Path) -> Iterator[Row]:
    check_encoding(path)
    with path.open("rb") as file:
        for line in lines_of(file):
            if line.text.strip():
                yield _row(line)


def _row(line: Line) -> Row:
    if line.too_long:
        return Row(line.number, problem="the line is too long", size=line.size)
    try:
        value = strict_json.read(line.text.encode("utf-8", "surrogateescape"))
    except strict_json.NotJsonError as error:
        return Row(line.number, problem=str(error), size=line.size)
    if not isinstance(value, dict):
        return Row(line.number, problem="not a JSON object", size=line.size)
    return Row(line.number, value, size=line.size)
