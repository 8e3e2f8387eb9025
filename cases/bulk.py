"""Many rows in one statement, on both engines: what the ORM's bulk_create does at a fraction of its cost."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from django.db import connection, models
from django.db.models import NOT_PROVIDED

M = TypeVar("M", bound=models.Model)
Column = Callable[[Any], Any]

PLAIN = {int, float, bool}
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
        for source, parameters in sources(columns, rows):
            sql = (
                f"INSERT INTO {model._meta.db_table} ({names}) SELECT v.*{fixed} FROM {source} AS v WHERE true{ending}"  # noqa: S608 - names of our own columns
            )
            cursor.execute(sql, [*same.values(), *parameters])
            found += cursor.fetchall() if returning else []
    return found


def create(
    objects: Sequence[M], *, also: Sequence[str] = (), skip_conflicts: bool = False, returning: Sequence[str] = ()
) -> list[tuple[Any, ...]]:
    """Insert unsaved instances of one model, and return as `insert` does; the instances themselves learn nothing.

    Columns whose default is the database's keep it, save those named in ``also``. No value may be an expression.
    """
    if not objects:
        return []
    model = type(objects[0])
    fields = [field for field in model._meta.concrete_fields if field.name in also or _is_ours(field)]
    columns = {str(field.column): _kind(field) for field in fields}
    made = [map(_column(field), [getattr(row, field.attname) for row in objects]) for field in fields]
    rows = list(zip(*made, strict=True))
    return insert(model, columns, rows, skip_conflicts=skip_conflicts, returning=returning)


def _is_ours(field: models.Field[Any, Any]) -> bool:
    return not field.primary_key and field.db_default is NOT_PROVIDED


def _kind(field: models.Field[Any, Any]) -> str:
    """The type of the column; text for every length of text, because a cast to a shorter one would cut in silence."""
    kind = str(field.rel_db_type(connection) if field.is_relation else field.db_type(connection))
    return "text" if kind.startswith("varchar") else kind


def _column(field: models.Field[Any, Any]) -> Column:
    """How a value of a field becomes a parameter."""
    if isinstance(field, models.JSONField):
        return lambda value: None if value is None else _json(value)
    if isinstance(field, models.FloatField):
        return lambda value: None if value is None else float(value)
    if connection.vendor == "postgresql":
        return lambda value: value
    return lambda value: field.get_db_prep_save(value, connection=connection)


_json = json.JSONEncoder(ensure_ascii=False).encode


def sources(columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> Iterator[tuple[str, list[Any]]]:
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
    if value is None:
        return "NULL"
    return repr(value) if type(value) in PLAIN else f'"{value}"'
