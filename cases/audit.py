"""The journal: the transaction of every verb, and the append-only record of what it did."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import structlog
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser
from django.db import connection, models, transaction

from cases import bulk, log_lines
from cases.models import AuditEvent

Actor = AbstractBaseUser | AnonymousUser | str
ORDER_LOCK = 0x436F756E  # "Coun": writers share it, a reader who needs settled ids takes it alone for a moment
SEAL_LOCK = 0x5365616C  # "Seal": one at a time continues the chain

COLUMNS = {"action": "text", "case_id": "bigint", "object_type": "text", "object_id": "bigint", "data": "jsonb"}
_json = json.JSONEncoder(ensure_ascii=False).encode


class Journal:
    """Collects the audit events of one transaction; they are written together when it ends."""

    def __init__(self, *, actor: Actor, origin: str, at: datetime | None = None) -> None:
        self.actor_name = actor if isinstance(actor, str) else actor.get_username()
        self.actor_id = None if isinstance(actor, str) else actor.pk
        self.origin = origin
        self.at = at
        self.request_id = str(structlog.contextvars.get_contextvars().get("request_id", ""))[:64]
        self.events: list[tuple[Any, ...]] = []

    def __call__(
        self,
        action: str,
        *,
        case_id: int | None = None,
        subject: models.Model | None = None,
        data: Mapping[str, Any] | None = None,
    ) -> None:
        """Note one event. ``subject`` is the row it is about; ``data`` must be JSON."""
        object_type = subject._meta.model_name or "" if subject else ""
        self.events.append((action, case_id, object_type, subject.pk if subject else None, _json(dict(data or {}))))

    def each(
        self, action: str, case_ids: Iterable[int], *, data: Mapping[int, Mapping[str, Any]] | None = None
    ) -> None:
        """Note the same event for many cases, each with its own data."""
        for case_id in case_ids:
            self(action, case_id=case_id, data=(data or {}).get(case_id))

    def write(self) -> None:
        same = {
            "actor": self.actor_name,
            "actor_id": self.actor_id,
            "origin": self.origin,
            "request_id": self.request_id,
        }
        if self.at is not None:
            same["at"] = connection.ops.adapt_datetimefield_value(self.at)
        bulk.insert(AuditEvent, COLUMNS, self.events, constants=same)
        happened = (event[:4] for event in self.events)
        log_lines.write_after_commit(happened, actor=self.actor_name, actor_id=self.actor_id)
        self.events = []


@contextmanager
def journal(*, actor: Actor, origin: str, at: datetime | None = None) -> Iterator[Journal]:
    """Open the transaction of a verb. ``actor`` is the account, or the name of the machinery that acts.

    On PostgreSQL the writers share an advisory lock until they commit; see `settled_id`.
    """
    with transaction.atomic():
        lock("pg_advisory_xact_lock_shared", ORDER_LOCK)
        log = Journal(actor=actor, origin=origin, at=at)
        yield log
        log.write()


def settled_id(model: type[models.Model]) -> int:
    """The id up to which every row of a journalled table is committed, or 0.

    Ids are given out before the commit, so a higher id may become visible first. Taking the lock alone for a moment
    waits for the writers under way; what is visible then can have no gaps that fill later.
    """
    with transaction.atomic():
        lock("pg_advisory_xact_lock", ORDER_LOCK)
        newest = model._default_manager.aggregate(newest=models.Max("pk"))["newest"]
    return int(newest or 0)


def lock(function: str, key: int) -> None:
    """Take an advisory lock of PostgreSQL until the transaction ends. SQLite has one writer at a time anyhow."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {function}(%s)", [key])
