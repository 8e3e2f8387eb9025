"""What was before this task: the machine's attempts, decisions, stays in queues, the journal, and the requester's other cases.

The small things of many kinds come in one query: what a page costs must not grow with the kinds of things it shows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Exists, F, Model, OuterRef, QuerySet, TextField, Value
from django.db.models.functions import Cast, JSONObject

from cases.models import AuditEvent, Case, Prediction
from cases.models.choices import State
from review.desk.timeline import MOST_EVENTS, UNTOLD, Event, Noted, timeline_of
from review.models import Decision, ReviewTask
from review.planted import hides, planted_of
from review.shown import shown_prediction

EARLIER_CASES = 5
EARLIER_TASKS = 10
EARLIER_PREDICTIONS = 6


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
    found: dict[str, list[tuple[int, datetime, Mapping[str, Any]]]] = {"case": [], "stay": [], "event": []}
    for kind, key, at, told in _stays(task).union(_events(task), *_cases(task.case, user), all=True).order_by("-key"):
        found[kind].append((key, at, json.loads(told)))
    return Past(
        cases=[_earlier(*row) for row in found["case"]],
        stays=[_stay(*row, concealed=concealed) for row in found["stay"]],
        timeline=timeline_of(
            user, task, [*(_noted(*row) for row in found["event"]), *_arrival(task)], concealed=concealed
        ),
    )


def _stays(task: ReviewTask) -> QuerySet[Any, Any]:
    rows = ReviewTask.objects.filter(case=task.case_id).exclude(pk=task.pk)
    told = JSONObject(queue="queue__name", assignee="assignee__username", ending="ending", note="note")
    return _rows("stay", rows, at="opened_at", told=told, most=EARLIER_TASKS)


def _events(task: ReviewTask) -> QuerySet[Any, Any]:
    rows = AuditEvent.objects.filter(case_id=task.case_id)
    for untold in UNTOLD:
        rows = rows.exclude(action__startswith=untold)
    told = JSONObject(
        action="action", actor="actor", object_type="object_type", object_id="object_id", data=Cast("data", TextField())
    )
    return _rows("event", rows, at="at", told=told, most=MOST_EVENTS)


def _arrival(task: ReviewTask) -> list[Noted]:
    """How the copy of a known case came in, the newest first."""
    known = planted_of(task)
    events = reversed(known.arrival()) if known else ()
    return [Noted(one.at, one.action, one.actor, one.object_type, one.object_id, one.data) for one in events]


def _cases(case: Case, user: User) -> list[QuerySet[Any, Any]]:
    if not case.requester:
        return []
    blind = ReviewTask.objects.open().filter(case=OuterRef("pk"), blind=True, first_answer__isnull=True)
    rows = Case.objects.filter(~hides(user, "pk"), requester=case.requester, pk__lt=case.pk)
    told = JSONObject(case_type="case_type__name", label="label", state="state", hidden=Exists(blind))
    return [_rows("case", rows, at="created_at", told=told, most=EARLIER_CASES)]


def _rows(kind: str, rows: QuerySet[Any], *, at: str, told: JSONObject, most: int) -> QuerySet[Any, Any]:
    """The newest rows in the shape that all kinds share."""
    model: type[Model] = rows.model
    newest = model._default_manager.filter(pk__in=rows.order_by("-pk").values("pk")[:most]).order_by()
    shaped = newest.annotate(kind=Value(kind, TextField()), key=F("pk"), when=F(at), told=Cast(told, TextField()))
    rows_of_four: QuerySet[Any, Any] = shaped.values_list("kind", "key", "when", "told")
    return rows_of_four


def _earlier(key: int, at: datetime, told: Mapping[str, Any]) -> Earlier:
    return Earlier(key, told["case_type"], "" if told["hidden"] else told["label"], str(State(told["state"]).label), at)


def _stay(key: int, at: datetime, told: Mapping[str, Any], *, concealed: bool) -> Stay:
    ending = str(ReviewTask.Ending(told["ending"]).label) if told["ending"] else ""
    return Stay(key, told["queue"], told["assignee"] or "", ending, "" if concealed else told["note"], at)


def _noted(key: int, at: datetime, told: Mapping[str, Any]) -> Noted:
    data = json.loads(told["data"] or "{}")
    return Noted(at, told["action"], told["actor"], told["object_type"], told["object_id"], data)
