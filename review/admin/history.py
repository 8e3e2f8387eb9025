"""What happened to a case, for its page: what models said, where it waited, what was decided, what went out, who did what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User

from cases.models import Attachment, AuditEvent, Case, Effect, Prediction
from cases.models.choices import State
from review.approve import may_undo
from review.desk.files import files_of
from review.desk.inputs import input_of
from review.desk.text import Mark, marks_of
from review.models import Decision, ReviewTask
from review.planted import case_events
from review.shown import shown_prediction

MOST = 50


def history_of(user: User, case: Case, *, hidden: bool) -> dict[str, Any]:
    """The parts of a case's page. ``hidden`` leaves out all that would tell a blind reader what the machine said."""
    tasks = (
        ReviewTask.objects.filter(case=case).select_related("queue", "assignee").defer("trace").order_by("-id")[:MOST]
    )
    shown: dict[str, Any] = {} if hidden else _answers(case)
    effects = Effect.objects.filter(case=case).select_related("endpoint").defer("body").order_by("-id")[:MOST]
    marks = [] if hidden else _marks(case, shown)
    return {
        "input": input_of(case.payload, marks),
        "tasks": list(tasks),
        "events": [] if hidden else list(AuditEvent.objects.filter(case_id=case.pk).order_by("id")[:200]),
        "effects": [] if hidden else list(effects),
        "attachments": files_of(Attachment.objects.filter(case=case).order_by("id")[:MOST]),
        **_offered(user, case, [] if hidden else shown["decisions"]),
        **shown,
    }


def history_as_new(user: User, task: ReviewTask) -> dict[str, Any]:
    """The same of the copy of a known case: its first stay in a queue."""
    said, case = shown_prediction(task), task.case
    return {
        "input": input_of(case.payload, marks_of(said.evidence, {"payload": case.payload}) if said else []),
        "tasks": [task],
        "events": case_events(case=case),
        "effects": [],
        "attachments": files_of(Attachment.objects.filter(case=case).order_by("id")[:MOST]),
        **_offered(user, case, []),
        "predictions": [said] if said else [],
        "decisions": [],
    }


def _offered(user: User, case: Case, decisions: Sequence[Decision]) -> dict[str, Any]:
    """What the page offers to do about a decided case; the verbs ask again."""
    decided, newest = case.state in (State.DECIDED, State.CLOSED), decisions[0] if decisions else None
    reopens = user.has_perm("review.override_decision")
    return {
        "may_reopen": decided and reopens,
        "may_request_reopening": decided and not reopens and user.has_perm("review.request_reopening"),
        "may_undo": newest is not None and may_undo(newest, by=user),
        "undoes_own": newest is not None and newest.decided_by_id == user.pk,
    }


def _marks(case: Case, shown: dict[str, Any]) -> list[Mark]:
    """The newest answer's evidence in the input."""
    if not shown["predictions"]:
        return []
    return marks_of(shown["predictions"][0].evidence, {"payload": case.payload, "context": case.context})


def _answers(case: Case) -> dict[str, Any]:
    decisions = (
        Decision.objects.filter(case=case).select_related("decided_by", "policy", "approval__by").order_by("-id")
    )
    return {
        "predictions": list(Prediction.objects.filter(case=case).order_by("-id")[:MOST]),
        "decisions": list(decisions[:MOST]),
    }
