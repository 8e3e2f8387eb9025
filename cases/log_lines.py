"""A line in the log for what the journal keeps: who did what to which case, and never what a case holds.

The request or job it happened in comes from the context that the middleware and the worker bind. A line is written when
the transaction has committed; what was rolled back never happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import structlog
from django.db import transaction

logger = structlog.get_logger("countersign")

Happened = tuple[str, int | None, str, int | None]  # action, case, and the row it is about


def write_after_commit(happened: Iterable[Happened], *, actor: str, actor_id: int | None) -> None:
    """One line per action of this transaction: of one case, or of the whole batch."""
    by_action: dict[str, list[Happened]] = {}
    for event in happened:
        by_action.setdefault(event[0], []).append(event)
    who: dict[str, Any] = {"actor": actor} if actor_id is None else {"actor_id": actor_id}
    for action, events in by_action.items():
        transaction.on_commit(_line(action, {**_about(events), **who}), robust=True)


def _line(action: str, facts: dict[str, Any]) -> Callable[[], None]:
    return lambda: logger.info(action, **facts)


def _about(events: list[Happened]) -> dict[str, Any]:
    case_ids = list(dict.fromkeys(case_id for _action, case_id, _kind, _pk in events if case_id is not None))
    if len(events) > 1:
        return {"cases": len(case_ids), "case_ids": case_ids} if case_ids else {"count": len(events)}
    ((_action, case_id, kind, pk),) = events
    return {"case_id": case_id} if case_id is not None and not kind else _named(case_id, kind, pk)


def _named(case_id: int | None, kind: str, pk: int | None) -> dict[str, Any]:
    about: dict[str, Any] = {"case_id": case_id} if case_id is not None else {}
    return {**about, "object": f"{kind}:{pk}"} if kind else about
