"""Many rows in one statement, on both engines: what the ORM's bulk_create does, without making a model of every row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import connection, models

MOST_PARAMETERS = 30_000  # SQLite's own limit is 32,766


def insert(
    model: type[models.Model],
    columns: Mapping[str, str],
    rows: Sequence[Sequence[Any]],
    *,
    constants: Mapping[str, Any] | None = None,
    skip_conflicts: bool = False,
    returning: Sequence[str] = (),
) -> list[tuple[Any, ...]]:
    """Insert rows and return the columns asked for, of those rows that were inserted.

    ``columns`` maps a column to its PostgreSQL type and names the values of each row in order; JSON is given as text.
    ``constants`` are the same for every row. Columns left out need a default in the database.
    """
    same = constants or {}
    names = ", ".join([*columns, *same])
    fixed = "".join(", %s" for _ in same)
    ending = " ON CONFLICT DO NOTHING" if skip_conflicts else ""
    ending += f" RETURNING {', '.join(returning)}" if returning else ""
    found: list[tuple[Any, ...]] = []
    with connection.cursor() as cursor:
        for source, parameters in _sources(columns, rows):
            sql = (
                f"INSERT INTO {model._meta.db_table} ({names}) SELECT v.*{fixed} FROM {source} AS v WHERE true{ending}"  # noqa: S608 - names of our own columns
            )
            cursor.execute(sql, [*same.values(), *parameters])
            found += cursor.fetchall() if returning else []
    return found


def _sources(columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> Iterator[tuple[str, list[Any]]]:
    """The rows as a table expression with its parameters: arrays on PostgreSQL, lists of values in pieces elsewhere."""
    if not rows:
        return
    if connection.vendor == "postgresql":
        arrays = ", ".join(f"%s::{kind}[]" for kind in columns.values())
        yield f"unnest({arrays})", [_array(values) for values in zip(*rows, strict=True)]
        return
    size = MOST_PARAMETERS // len(columns)
    for start in range(0, len(rows), size):
        piece = rows[start : start + size]
        row = f"({', '.join(['%s'] * len(columns))})"
        yield f"(VALUES {', '.join([row] * len(piece))})", [value for values in piece for value in values]


def _array(values: Sequence[Any]) -> str:
    """An array literal, several times faster than the driver writes one."""
    return "{" + ",".join([_element(value) for value in values]) + "}"


def _element(value: Any) -> str:
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return "NULL" if value is None else repr(value)
