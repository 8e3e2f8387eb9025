"""Tables as CSV and XLSX. Numbers stay numbers; no text is ever run as a formula."""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Font
from openpyxl.utils import get_column_letter

from metrics.charts.base import Cell, Table

# What a spreadsheet would run as a formula, in the forms it recognises.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
NO_SHEET_NAME = re.compile(r"[\[\]:*?/\\]")
LONGEST_SHEET_NAME, LONGEST_CELL, WIDEST = 31, 32_767, 60


def as_csv(table: Table) -> str:
    """The table as CSV in UTF-8."""
    made = io.StringIO()
    writer = csv.writer(made)
    writer.writerow([_escaped(cell) for cell in table.columns])
    writer.writerows([_escaped(cell) for cell in row] for row in table.rows)
    return made.getvalue()


def as_zip(tables: Iterable[Table]) -> bytes:
    """A CSV file per table."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for table in tables:
            archive.writestr(f"{table.key}.csv", as_csv(table))
    return made.getvalue()


def as_xlsx(tables: Iterable[Table]) -> bytes:
    """A sheet per table, its head frozen."""
    book = Workbook(write_only=True)
    names: set[str] = set()
    for table in tables:
        sheet = book.create_sheet(_sheet_name(table, names))
        sheet.freeze_panes = "B2"
        for number, width in enumerate(_widths(table), start=1):
            sheet.column_dimensions[get_column_letter(number)].width = width
        sheet.append([_head(sheet, cell) for cell in table.columns])
        for row in table.rows:
            sheet.append([_cell(sheet, cell) for cell in row])
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def _sheet_name(table: Table, taken: set[str]) -> str:
    name = NO_SHEET_NAME.sub(" ", table.title)[:LONGEST_SHEET_NAME].strip("' ") or table.key
    if name.lower() in taken:
        name = table.key[:LONGEST_SHEET_NAME]
    taken.add(name.lower())
    return name


def _widths(table: Table) -> Iterator[int]:
    for number, column in enumerate(table.columns):
        longest = max((len(str(row[number])) for row in table.rows if number < len(row)), default=0)
        yield min(WIDEST, max(len(str(column)), longest) + 2)


def bare(cell: object) -> object:
    """The value of a cell: a number where it holds one, else its text."""
    return cell.value if isinstance(cell, Cell) else cell


def _head(sheet: Any, text: object) -> Any:
    cell = _cell(sheet, str(text))
    cell.font = Font(bold=True)
    return cell


def _cell(sheet: Any, cell: object) -> Any:
    value = bare(cell)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return WriteOnlyCell(sheet, value=value)
    made = WriteOnlyCell(sheet, value=CONTROL.sub("\ufffd", _escaped(str(value)))[:LONGEST_CELL])
    if made.data_type == "f":
        made.data_type = "s"
    return made


def _escaped(cell: object) -> str:
    """A cell that no spreadsheet takes for a formula; numbers stay numbers."""
    value = bare(cell)
    text = "" if value is None else str(value)
    risky = isinstance(value, str) and text.lstrip().startswith(FORMULA) and not _is_change(text)
    return f"'{text}" if risky else text


def _is_change(text: Sequence[str] | str) -> bool:
    """A difference in our own words: a sign and a number."""
    return bool(re.fullmatch(r"[+-]\d+(\.\d+)?( %)?", str(text)))
