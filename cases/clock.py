"""The database's clock: leases and due times never depend on a host's own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, models
from django.db.models.functions import Now

SQL_NOW = {"postgresql": "STATEMENT_TIMESTAMP()", "sqlite": "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW')"}


def sql_now() -> str:
    """The present moment in raw SQL that is run with parameters (percent signs are doubled)."""
    return SQL_NOW[connection.vendor]


def from_now(**span: float) -> models.Expression:
    """A moment that lies ``span`` (keywords of timedelta) after the database's present."""
    later: Any = Now() + timedelta(**span)
    return models.ExpressionWrapper(later, output_field=models.DateTimeField())


def moment() -> datetime:
    """The database's present, read once."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {sql_now()}", [])
        return read_moment(cursor.fetchone()[0])


def read_moment(found: datetime | str) -> datetime:
    """A moment as raw SQL gives it: from SQLite without its zone, which is UTC, and from an expression as a text."""
    moment = datetime.fromisoformat(found) if isinstance(found, str) else found
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
