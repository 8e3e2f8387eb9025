"""Lists of like things as tables: ``[{"item": "lamp", "price": 40}, …]``, or ``{"columns": […], "rows": [[…], …]}``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from review.desk.blocks import Cell, Column, Table, titled
from review.desk.sheet import Sheet
from review.desk.values import is_scalar, scalar_at

MOST_ROWS = 100
MOST_COLUMNS = 12
LONGEST_CELL = 300
ROW, CELL = 24, 40  # bytes of markup
LOOKED_AT = 200  # rows that tell whether they are alike


class Grid(NamedTuple):
    """Columns by their key, and the rows with the path to each of them."""

    columns: list[tuple[str, str]]
    rows: list[tuple[str, Any]]


def table_of(name: str, value: Any, path: str, sheet: Sheet) -> Table | None:
    """A value as a table, or None where it is none."""
    grid = _grid(value, path)
    if grid is None:
        return None
    columns = grid.columns[:MOST_COLUMNS]
    sheet.spend(sum(CELL + len(title) for _key, title in columns))
    rows: list[list[Cell]] = []
    for place, row in grid.rows[:MOST_ROWS]:
        sheet.spend(ROW)
        if sheet.full:
            break
        rows.append([_cell(row, at, key, place, sheet) for at, (key, _title) in enumerate(columns)])
    heads = [Column(title, _all_numbers(rows, position)) for position, (_key, title) in enumerate(columns)]
    return Table(titled(name), heads, rows, more=len(grid.rows) - len(rows), narrower=len(grid.columns) - len(columns))


def _grid(value: Any, path: str) -> Grid | None:
    if isinstance(value, Mapping):
        return _declared(value, path)
    if not isinstance(value, list) or len(value) < 1 or not _alike(value):
        return None
    keys = dict.fromkeys(str(key) for row in value[:LOOKED_AT] for key in row)
    return Grid([(key, titled(key)) for key in keys], [(f"{path}[{at}]", row) for at, row in enumerate(value)])


def _declared(value: Mapping[str, Any], path: str) -> Grid | None:
    """``{"columns": […], "rows": […]}``, its columns as names or as objects with a key and a title."""
    columns, rows = value.get("columns"), value.get("rows")
    if (
        not isinstance(columns, list)
        or not columns
        or not isinstance(rows, list)
        or set(value) - {"columns", "rows", "title"}
    ):
        return None
    if not all(isinstance(row, list | dict) for row in rows):
        return None
    return Grid([_column(one) for one in columns], [(f"{path}.rows[{at}]", row) for at, row in enumerate(rows)])


def _column(told: Any) -> tuple[str, str]:
    if not isinstance(told, Mapping):
        return str(told)[:LONGEST_CELL], str(told)[:LONGEST_CELL]
    key = str(told.get("key") or told.get("name") or told.get("title") or "")[:LONGEST_CELL]
    return key, str(told.get("title") or titled(key))[:LONGEST_CELL]


def _alike(rows: Sequence[Any]) -> bool:
    """Objects of plain values that share at least half of their keys."""
    near = rows[:LOOKED_AT]
    if not all(isinstance(row, Mapping) and row for row in near):
        return False
    if not all(is_scalar(value) for row in near for value in row.values()):
        return False
    keys = {key for row in near for key in row}
    return sum(len(row) for row in near) * 2 >= len(keys) * len(near)


def _cell(row: Any, position: int, key: str, path: str, sheet: Sheet) -> Cell:
    sheet.spend(CELL)
    if isinstance(row, Mapping):
        value, place = row.get(key), f"{path}.{key}"
    else:
        value, place = row[position] if position < len(row) else None, f"{path}[{position}]"
    return Cell(scalar_at(value, place, sheet, most=LONGEST_CELL), _is_number(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _all_numbers(rows: Sequence[Sequence[Cell]], position: int) -> bool:
    cells = [row[position] for row in rows]
    return bool(cells) and all(cell.number for cell in cells)
