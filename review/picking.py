"""Which free task a person takes next, and the taking of it.

The rule, for the queues in which the person works and which have a free task that they may read:

1. What presses goes first, whatever the weights: tasks that are overdue and tasks that are urgent, the earliest due first.
2. Else the queues take turns in proportion to `Queue.weight`. The person's own count of claims, multiplied by the golden
   ratio, walks evenly round a circle on which each queue has an arc as wide as its weight. So over any stretch of claims
   each queue comes within a task or two of its share, none waits much longer than its share says, and two people do not
   walk in step. Nobody but the person themselves ever waits for that count.
3. Within a queue, the earliest due goes first.

A person holds at most `Profile.most_claims` claims at once. Held, snoozed and handed-over tasks do not count: they run
under no ordinary lease.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.utils.translation import gettext as _

from cases.clock import from_now, sql_now
from cases.errors import Conflict
from cases.models.choices import Priority, Reason
from review.models import Profile, Queue, ReviewTask
from review.planted import HERE
from review.skills import outside, readable_lines, readable_sql

# What must be read by somebody else than the one who decided before, or gave the second answer.
INDEPENDENT = (Reason.SECOND_APPROVAL, Reason.SAMPLE, Reason.SECOND_READ)

CIRCLE = 2**64
GOLDEN = 11_400_714_819_323_198_485  # 2**64 divided by the golden ratio: its multiples spread most evenly
NAMED_CLAIMS = 5
SLACK_SECONDS = 30  # between writing a lease and reading it

_FREE = (
    "review_reviewtask t WHERE t.closed_at IS NULL AND <lease> <= <now> AND NOT (t.reason IN (%s, %s, %s) "
    f"AND EXISTS (SELECT 1 FROM review_decision d WHERE d.case_id = t.case_id AND d.decided_by_id = %s{HERE})) "
    f"AND NOT (t.reason = '{Reason.SECOND_READ.value}' AND EXISTS (SELECT 1 FROM review_reviewtask e WHERE "
    "e.case_id = t.case_id AND e.reason = t.reason AND e.assignee_id = %s "
    f"AND e.ending = '{ReviewTask.Ending.DECIDED.value}'{HERE})) "
    f"AND NOT EXISTS (SELECT 1 FROM review_skip s WHERE s.task_id = t.id AND s.user_id = %s AND s.until > <now>{HERE})"
)
_URGENT = f" AND t.priority = {Priority.URGENT.value}"
_ORDER = "ORDER BY t.due_at, t.id LIMIT 1"
URGENCIES = ((0, ""), (1, _URGENT))
AT_ONCE = 100  # parts of one statement: SQLite takes 500


@dataclass(frozen=True, slots=True)
class Head:
    """The first free task of a queue, or its first urgent one, within one of a person's skills (``line``).

    ``presses``: overdue or urgent.
    """

    queue_id: int
    urgent: bool
    presses: bool
    line: int = 0


def take_next(user: User, queues: Collection[int]) -> ReviewTask | None:
    """Claim the next task of these queues for the user: its ids, nothing else of it. None when no task is free.

    Raises: Conflict when the user holds as many claims as they may.
    """
    turn, lines = demand_room(user), readable_lines(user)
    for head in _in_order(_heads(queues, user, lines), user=user, turn=turn):
        skilled, known = lines[head.line]
        where = f"t.queue_id = %s{_URGENT if head.urgent else ''}{skilled}"
        found = _take(user, where, [head.queue_id, *known])
        if found is not None:
            return found
    return None


def take_this(user: User, task_id: int) -> ReviewTask | None:
    """Claim this very task, if it is free and theirs to read. As `take_next`; `why_not` tells the reason.

    What somebody put into the user's hands they may take up whatever their skills.
    """
    skilled, known = readable_sql(user)
    return _take(user, f"t.id = %s{skilled}", [task_id, *known])


def why_not(task_id: int, user: User) -> str:
    """In words, why the user may not take a task that is free; empty when it is not free."""
    task = ReviewTask.objects.free().select_related("case_type").filter(pk=task_id).first()
    if task is None:
        return ""
    return outside(user, task) or _("This task must be read by somebody else than the one who decided the case before.")


def answered_before(user: User, case_id: int) -> bool:
    """Whether the user gave the second answer on the case, which a third person is to settle."""
    ended = ReviewTask.objects.filter(case=case_id, reason=Reason.SECOND_READ, ending=ReviewTask.Ending.DECIDED)
    return ended.filter(assignee=user).exists()


def demand_room(user: User, *, taking: int | None = None) -> int:
    """Wait for the user's other claims under way, and refuse when they hold all they may. Returns their count of claims.

    ``taking`` is the task to be claimed: claiming again what one holds needs no room. Call it in the transaction of the
    claim. Raises: Conflict that names what they hold.
    """
    turn, most = _next_turn(user)
    held = list(counted_claims(user).order_by("claimed_at").values_list("pk", "case_id")[: most + 1])
    if len(held) >= most and taking not in [pk for pk, _case in held]:
        named = ", ".join(f"#{case_id}" for _pk, case_id in held[:NAMED_CLAIMS])
        words = _("You hold %(count)d tasks, as many as you may at once (%(cases)s). Finish or release one first.")
        raise Conflict(words % {"count": len(held), "cases": named}, code="too-many-claims")
    return turn


def counted_claims(user: User) -> Any:
    """The user's claims under an ordinary lease, which are those that count against their most."""
    ordinary = from_now(seconds=settings.TASK_LEASE_SECONDS + SLACK_SECONDS)
    return ReviewTask.objects.claimed().filter(assignee=user, hold_reason="", lease_until__lte=ordinary)


def queues_in_turn(weights: Mapping[int, int], *, turn: int, start: int = 0) -> list[int]:
    """The queues by whose turn it is: the one on whose arc the turn falls, and the others as they follow round.

    ``start`` shifts the walk, so that two people's differ.
    """
    point = (turn * GOLDEN + start) % CIRCLE * sum(weights.values()) // CIRCLE
    order, reached = sorted(weights), 0
    for place, queue_id in enumerate(order):
        reached += weights[queue_id]
        if point < reached:
            return order[place:] + order[:place]
    return order


def _in_order(heads: Sequence[Head], *, user: User, turn: int) -> list[Head]:
    """What presses as it came from the database, by due date; then the queues by turn."""
    resting = dict[int, Head]()
    for head in heads:  # of several skills in one queue the one with the earliest due task comes first
        if not head.presses:
            resting.setdefault(head.queue_id, head)
    if len(resting) < 2:  # noqa: PLR2004 - no turns to take
        return sorted(heads, key=lambda head: not head.presses)
    weights = dict(Queue.objects.filter(pk__in=resting).values_list("pk", "weight"))
    start = int.from_bytes(hashlib.sha256(str(user.pk).encode()).digest()[:8])
    turns = queues_in_turn(weights, turn=turn, start=start)
    first = [*(head for head in heads if head.presses), *(resting[queue_id] for queue_id in turns)]
    return [*first, *(head for head in heads if head not in first)]


def _heads(queues: Collection[int], user: User, lines: Sequence[tuple[str, list[Any]]]) -> list[Head]:
    """The most pressing free tasks of the queues, the earliest due first; a queue without a free one is left out."""
    asked = [
        (_head(line, urgent, f"{skilled} AND t.queue_id = %s{also}"), [*_independence(user), *known, queue_id])
        for queue_id, (line, (skilled, known)), (urgent, also) in product(queues, enumerate(lines), URGENCIES)
    ]
    rows: list[Any] = []
    for at in range(0, len(asked), AT_ONCE):
        parts, values = zip(*asked[at : at + AT_ONCE], strict=True)
        with connection.cursor() as cursor:
            cursor.execute(_spelled(" UNION ALL ".join(parts)), [value for each in values for value in each])
            rows += cursor.fetchall()
    return [
        Head(queue_id, bool(urgent), bool(urgent or overdue), line)
        for _due, urgent, queue_id, overdue, line in sorted(rows)
    ]


def _head(line: int, urgent: int, where: str) -> str:
    told = f"t.due_at, {urgent} AS urgent, t.queue_id, t.due_at <= <now> AS overdue, {line} AS line"
    return f"SELECT * FROM (SELECT {told} FROM {_FREE}{where} {_ORDER}) h"


def _spelled(sql: str) -> str:
    """For the engine in use. The plus keeps SQLite from the index by lease, of which nearly all rows would be read."""
    lease = "+t.lease_until" if connection.vendor == "sqlite" else "t.lease_until"
    return sql.replace("<now>", sql_now()).replace("<lease>", lease)


def _independence(user: User) -> list[Any]:
    return [*(str(reason.value) for reason in INDEPENDENT), user.pk, user.pk, user.pk]


def _take(user: User, where: str, values: list[Any]) -> ReviewTask | None:
    """One statement picks, locks past others' picks, and claims."""
    skip = " FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    picked = f"SELECT t.id FROM {_FREE} AND {where} {_ORDER}{skip}"
    sql = (
        f"UPDATE review_reviewtask SET assignee_id = %s, claimed_at = <now>, lease_token = lease_token + 1, "
        f"lease_until = {_lease_end()} WHERE id = ({picked}) RETURNING id, case_id"
    )
    with connection.cursor() as cursor:
        cursor.execute(_spelled(sql), [user.pk, *_independence(user), *values])
        row = cursor.fetchone()
    return ReviewTask(pk=row[0], case_id=row[1]) if row else None


def _next_turn(user: User) -> tuple[int, int]:
    """The user's count of claims and the most they may hold, under a lock on their own row that no other person needs."""
    sql = "UPDATE review_profile SET turn = turn + 1 WHERE user_id = %s RETURNING turn, most_claims"
    with connection.cursor() as cursor:
        cursor.execute(sql, [user.pk])
        row = cursor.fetchone()
    if row is None:
        Profile.objects.bulk_create([Profile(user=user)], ignore_conflicts=True)
        return _next_turn(user)
    return int(row[0]), int(row[1])


def _lease_end() -> str:
    seconds = int(settings.TASK_LEASE_SECONDS)
    if connection.vendor == "postgresql":
        return f"STATEMENT_TIMESTAMP() + INTERVAL '{seconds} seconds'"
    return f"STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW', '+{seconds} seconds')"
