"""The one writer of ``Case.state``: compare-and-set moves along one table, audited and followed by their bell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from django.db import connection, models

from cases import bells, bulk
from cases.audit import Journal
from cases.clock import sql_now
from cases.models import Case
from cases.models.choices import State

MOVES: dict[State, frozenset[State]] = {
    # the classifier answered or failed · the sender withdrew
    State.RECEIVED: frozenset({State.CLASSIFIED, State.CANCELLED}),
    # routed to a person · decided by policy · withdrawn
    State.CLASSIFIED: frozenset({State.IN_REVIEW, State.DECIDED, State.CANCELLED}),
    # a person decided · withdrawn
    State.IN_REVIEW: frozenset({State.DECIDED, State.CANCELLED}),
    # every effect is delivered · sent back by a second approver, or undone in its grace period
    State.DECIDED: frozenset({State.CLOSED, State.IN_REVIEW}),
    # a later check found an error
    State.CLOSED: frozenset({State.IN_REVIEW}),
    State.CANCELLED: frozenset(),
}

STAMPS: dict[tuple[State, State], tuple[str, ...]] = {
    (State.CLASSIFIED, State.IN_REVIEW): ("routed_at",),
    (State.CLASSIFIED, State.DECIDED): ("routed_at", "decided_at"),
    (State.IN_REVIEW, State.DECIDED): ("decided_at",),
    (State.DECIDED, State.CLOSED): ("closed_at",),
}

COLUMNS = {
    "label": "varchar(200)",
    "confidence": "double precision",
    "reason": "varchar(20)",
    "due_at": "timestamp with time zone",
    "sampled": "boolean",
    "sample_probability": "double precision",
    "lease_until": "timestamp with time zone",
}


class IllegalMove(ValueError):
    """A move that the table does not know: a defect of the caller, never of the data."""


def move(
    rows: Mapping[int, Mapping[str, Any]],
    *,
    source: State,
    target: State,
    log: Journal,
    token: str | None = None,
    data: Mapping[int, Mapping[str, Any]] | None = None,
) -> list[int]:
    """Move cases from one state to another and tell which ones made it.

    ``rows`` maps a case id to the columns (of `COLUMNS`, the same for all) that change with the move. A case that is no
    longer in ``source``, or whose pipeline lease is no longer held under ``token``, is left alone and not returned.
    """
    if target not in MOVES[source]:
        raise IllegalMove(f"{source} → {target}")
    if not rows:
        return []
    won = _compare_and_set(rows, source=source, target=target, token=token)
    log.each(f"case.{target.value}", won, data=data)
    bells.ring(target)
    return won


def _compare_and_set(
    rows: Mapping[int, Mapping[str, Any]], *, source: State, target: State, token: str | None
) -> list[int]:
    columns = list(next(iter(rows.values())))
    kinds = {"id": "bigint", **{name: COLUMNS[name] for name in columns}}
    values = [(case_id, *_adapted(row, columns)) for case_id, row in rows.items()]
    fenced = " AND lease_token = %s" if token is not None else ""
    table = Case._meta.db_table
    won: list[int] = []
    with connection.cursor() as cursor:
        for source_sql, parameters in bulk.sources(kinds, values):
            sql = (
                f"WITH v({', '.join(kinds)}) AS (SELECT * FROM {source_sql} AS s) "
                f"UPDATE {table} SET {', '.join(_assignments(columns, source=source, target=target))} FROM v "
                f"WHERE {table}.id = v.id AND {table}.state = %s{fenced} RETURNING {table}.id"
            )
            ends = [target.value, source.value, *([token] if token is not None else [])]
            cursor.execute(sql, [*parameters, *ends])
            won += [row[0] for row in cursor.fetchall()]
    return sorted(won)


def _assignments(columns: list[str], *, source: State, target: State) -> list[str]:
    now = sql_now()
    sets = [f"{name} = v.{name}" for name in columns]
    sets += ["state = %s", "attempts = 0", "lease_token = ''"]
    sets += [f"{stamp} = {now}" for stamp in STAMPS.get((source, target), ())]
    if "lease_until" not in columns:
        sets.append(f"lease_until = {now}")
    if target is State.IN_REVIEW and source is not State.CLASSIFIED:
        sets += ["version = version + 1", "decided_at = NULL", "closed_at = NULL"]
    return sets


def _adapted(row: Mapping[str, Any], columns: list[str]) -> list[Any]:
    fields = [cast("models.Field[Any, Any]", Case._meta.get_field(name)) for name in columns]
    return [field.get_db_prep_value(row[field.name], connection=connection, prepared=False) for field in fields]
