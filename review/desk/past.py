"""What was before this task: the machine's attempts, decisions, stays in queues, the journal, and the requester's other cases.

The small things of many kinds come in one statement: what a page costs must not grow with the kinds of things it shows.
It is SQL, since composing it of querysets took three times as long as running it, on every page of the desk.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import connection

from cases.clock import read_moment
from cases.models import Prediction
from cases.models.choices import State
from review.desk.timeline import MOST_EVENTS, UNTOLD, Event, Noted, timeline_of
from review.models import Decision, ReviewTask
from review.planted import hides_sql, planted_of
from review.shown import shown_prediction

EARLIER_CASES = 5
EARLIER_TASKS = 10
EARLIER_PREDICTIONS = 6

# Each gives kind, id, moment and five texts, the newest rows of its kind.
_STAYS = f"""
SELECT 'stay' AS kind, t.id AS id, t.opened_at AS at, q.name AS a, COALESCE(u.username, '') AS b,
    t.ending AS c, t.note AS d, '' AS e
FROM review_reviewtask t JOIN review_queue q ON q.id = t.queue_id LEFT JOIN auth_user u ON u.id = t.assignee_id
WHERE t.case_id = %s AND t.id <> %s ORDER BY t.id DESC LIMIT {EARLIER_TASKS}
"""
_EVENTS = f"""
SELECT 'event' AS kind, j.id AS id, j.at AS at, j.action AS a, j.actor AS b, j.object_type AS c,
    COALESCE(CAST(j.object_id AS TEXT), '') AS d, CAST(j.data AS TEXT) AS e
FROM cases_auditevent j WHERE j.case_id = %s AND {" AND ".join(["j.action NOT LIKE %s"] * len(UNTOLD))}
ORDER BY j.id DESC LIMIT {MOST_EVENTS}
"""
_CASES = f"""
SELECT 'case' AS kind, o.id AS id, o.created_at AS at, y.name AS a, o.label AS b, o.state AS c,
    CASE WHEN EXISTS (SELECT 1 FROM review_reviewtask r WHERE r.case_id = o.id AND r.closed_at IS NULL AND r.blind
        AND r.first_answer IS NULL) THEN 'hidden' ELSE '' END AS d, '' AS e
FROM cases_case o JOIN cases_casetype y ON y.id = o.case_type_id
WHERE o.requester = %s AND o.id < %s AND o.copy_of_id IS NULL<unhidden> ORDER BY o.id DESC LIMIT {EARLIER_CASES}
"""


@dataclass(frozen=True, slots=True)
class Earlier:
    """An earlier case of the same requester: kind, date and outcome, nothing of its content."""

    id: int
    case_type: str
    label: str
    state: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Stay:
    """An earlier stay of the same case in a queue, and how it ended."""

    id: int
    queue: str
    assignee: str
    ending: str
    note: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """Something small of one of the kinds; what its texts mean depends on that."""

    kind: str
    id: int
    at: datetime
    texts: list[str]


@dataclass(slots=True)
class Past:
    """The requester's latest cases and the case's latest stays, the newest first; its journal, the oldest first."""

    cases: list[Earlier] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    timeline: list[Event] = field(default_factory=list)


def predictions_of(task: ReviewTask) -> list[Prediction]:
    """The newest first; only its head is ever shown before a blind reader has answered, and that only as a digest."""
    if task.planted and task.closed_at is None:
        return [said for said in [shown_prediction(task)] if said]
    return list(Prediction.objects.filter(case=task.case_id).order_by("-id")[:EARLIER_PREDICTIONS])


def decisions_of(task: ReviewTask) -> list[Decision]:
    """What was decided on the case before."""
    rows = Decision.objects.filter(case=task.case_id).select_related("decided_by", "approval__by", "policy")
    return list(rows.order_by("-id")[:EARLIER_TASKS])


def past_of(user: User, task: ReviewTask, *, concealed: bool) -> Past:
    """What led here. Where the machine's answer is concealed, what people wrote about it is too."""
    rows = _rows(user, task)
    noted = [*(_noted(row) for row in rows if row.kind == "event"), *_arrival(task)]
    return Past(
        cases=[_earlier(row) for row in rows if row.kind == "case"],
        stays=[_stay(row, concealed=concealed) for row in rows if row.kind == "stay"],
        timeline=timeline_of(user, task, noted, concealed=concealed),
    )


def _rows(user: User, task: ReviewTask) -> list[Row]:
    """Of all kinds, the newest first."""
    parts, case = [_STAYS, _EVENTS], task.case
    values: list[Any] = [case.pk, task.pk, case.pk, *(f"{action}%" for action in UNTOLD)]
    if case.requester:
        parts.append(_CASES.replace("<unhidden>", hides_sql(user, "o.id")))
        values += [case.requester, case.pk]
    together = " UNION ALL ".join(f"SELECT * FROM ({part}) AS part" for part in parts)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM ({together}) AS parts ORDER BY id DESC", values)
        return [Row(kind, pk, read_moment(at), texts) for kind, pk, at, *texts in cursor.fetchall()]


def _arrival(task: ReviewTask) -> list[Noted]:
    """How the copy of a known case came in, the newest first."""
    known = planted_of(task)
    events = reversed(known.arrival()) if known else ()
    return [Noted(one.at, one.action, one.actor, one.object_type, one.object_id, one.data) for one in events]


def _earlier(row: Row) -> Earlier:
    case_type, label, state, hidden, _none = row.texts
    return Earlier(row.id, case_type, "" if hidden else label, str(State(state).label), row.at)


def _stay(row: Row, *, concealed: bool) -> Stay:
    queue, assignee, ended, note, _none = row.texts
    ending = str(ReviewTask.Ending(ended).label) if ended else ""
    return Stay(row.id, queue, assignee, ending, "" if concealed else note, row.at)


def _noted(row: Row) -> Noted:
    action, actor, kind, about, data = row.texts
    return Noted(row.at, action, actor, kind, int(about) if about else None, json.loads(data))
