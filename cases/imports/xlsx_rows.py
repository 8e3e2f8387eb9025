"""The first sheet of an Excel workbook, its first row the header."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from cases.errors import Invalid
from cases.file_kinds import check_archive
from cases.imports.rows import Row, UnreadableFileError

MOST_BYTES = 100 * 1024 * 1024
MOST_COLUMNS = 500


def xlsx_rows(path: Path) -> Iterator[Row]:
    """Raises: UnreadableFileError for what is no workbook, or one made to do harm."""
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise UnreadableFileError(f"The workbook is larger than {MOST_BYTES // 2**20} MiB; save it as CSV.")
    try:
        check_archive(path.read_bytes())
        yield from _sheet_rows(path)
    except Invalid as refusal:
        raise UnreadableFileError(f"{refusal.errors['file'][0]}") from refusal


def _sheet_rows(path: Path) -> Iterator[Row]:
    import openpyxl

    try:
        workbook = openpyxl.load_workbook(path, read_only=True, data_only=True, keep_links=False)
        sheet: Any = workbook.worksheets[0]
        sheet.reset_dimensions()  # what a file says about its own size may be a lie
        rows = sheet.iter_rows(values_only=True, max_col=MOST_COLUMNS)
        header = _header(next(rows, ()))
    except (KeyError, ValueError, TypeError, IndexError, OSError, SyntaxError) as error:
        raise UnreadableFileError(f"This is no workbook that can be read: {error}.") from error
    for number, cells in enumerate(rows, start=2):
        if any(cell is not None for cell in cells):
            yield _row(number, header, cells)
    workbook.close()


def _header(cells: tuple[Any, ...]) -> list[str]:
    header = [str(cell).strip() if cell is not None else "" for cell in cells]
    while header and not header[-1]:
        header.pop()
    if not header:
        raise UnreadableFileError("The first sheet is empty.")
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise UnreadableFileError(f"The column '{twice[0]}' is there twice; rename one of them.")
    return header


def _row(number: int, header: list[str], cells: tuple[Any, ...]) -> Row:
    beyond = [cell for cell in cells[len(header) :] if cell is not None]
    if beyond:
        return Row(number, problem=f"it has {len(header) + len(beyond)} cells, the header has {len(header)}")
    return Row(number, {name: _text(cell) for name, cell in zip(header, cells, strict=False)})


def _text(cell: Any) -> str:
    """Cells as a person reads them: a whole number without its decimal point, a date as a date."""
    if cell is None:
        return ""
    if isinstance(cell, datetime | date | time):
        return cell.isoformat()
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
