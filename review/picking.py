"""Which free task a person takes next, and the taking of it: one statement picks, locks past others' picks, claims."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection

from cases.clock import sql_now
from cases.models.choices import Reason
from review.models import ReviewTask

# What must be read by somebody else than the one who decided before.
INDEPENDENT = (Reason.SECOND_APPROVAL, Reason.SAMPLE, Reason.SECOND_READ)

_FREE = (
    "review_reviewtask t WHERE closed_at IS NULL AND lease_until <= <now> AND NOT (reason IN (%s, %s, %s) AND EXISTS "
    "(SELECT 1 FROM review_decision d WHERE d.case_id = t.case_id AND d.decided_by_id = %s))"
)
_ORDER = "ORDER BY due_at, id LIMIT 1"


def take_next(user: User, queues: Collection[int]) -> int | None:
    """Claim the most pressing free task of these queues for the user. Its id, or None when there is none."""
    for queue_id in _by_urgency(queues, user):
        found = _take(user, "queue_id = %s", [queue_id])
        if found is not None:
            return found
    return None


def take_this(user: User, task_id: int) -> int | None:
    """Claim this very task, if it is free and theirs to read. Its id, or None; `why_not` tells the reason."""
    return _take(user, "id = %s", [task_id])


def why_not(task_id: int, user: User) -> str:
    """In words, why the user may not take a task that is free; empty when it is not free."""
    if ReviewTask.objects.free().filter(pk=task_id).exists():
        return "This task must be read by somebody else than the one who decided the case before."
    return ""


def _by_urgency(queues: Collection[int], user: User) -> list[int]:
    """The queues in the order of their most pressing free task; those without one are left out."""
    if not queues:
        return []
    heads = " UNION ALL ".join(
        [f"SELECT * FROM (SELECT due_at, queue_id FROM {_FREE} AND queue_id = %s {_ORDER}) h"] * len(queues)
    )
    parameters = [item for queue_id in queues for item in (*_independence(user), queue_id)]
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT queue_id FROM ({heads.replace('<now>', sql_now())}) heads ORDER BY due_at", parameters)
        return [row[0] for row in cursor.fetchall()]


def _independence(user: User) -> list[Any]:
    return [*(str(reason.value) for reason in INDEPENDENT), user.pk]


def _take(user: User, where: str, values: list[Any]) -> int | None:
    skip = " FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    picked = f"SELECT id FROM {_FREE} AND {where} {_ORDER}{skip}"
    sql = (
        f"UPDATE review_reviewtask SET assignee_id = %s, claimed_at = <now>, lease_token = lease_token + 1, "
        f"lease_until = {_lease_end()} WHERE id = ({picked}) RETURNING id"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql.replace("<now>", sql_now()), [user.pk, *_independence(user), *values])
        row = cursor.fetchone()
    return int(row[0]) if row else None


def _lease_end() -> str:
    seconds = int(settings.TASK_LEASE_SECONDS)
    if connection.vendor == "postgresql":
        return f"STATEMENT_TIMESTAMP() + INTERVAL '{seconds} seconds'"
    return f"STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW', '+{seconds} seconds')"
