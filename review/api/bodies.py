"""How tasks, predictions, decisions, queues and policies look from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from cases.api.serializers import attachment_body, case_body, moment, prediction_body
from cases.models import Effect, Prediction
from cases.models.choices import Priority, Reason
from review import coin, risk
from review.models import Approval, Decision, Note, Policy, Queue, ReviewTask
from review.policy_rules import COLUMNS
from review.shown import conceals, digest_of, digest_of_held


def task_body(task: ReviewTask, *, concealed: bool) -> dict[str, Any]:
    """A task as a list shows it. ``concealed`` leaves out the trace and the note, which may tell what the machine said."""
    return {
        "id": task.pk,
        "case": task.case_id,
        "queue": task.queue.key,
        "reason": task.reason if not concealed or task.reason == "sample" else None,
        "note": "" if concealed else task.note,
        "trace": None if concealed else task.trace,
        "blind": task.blind,
        "priority": Priority(task.priority).name.lower(),
        "opened_at": moment(task.opened_at),
        "due_at": moment(task.due_at),
        "assignee": task.assignee.get_username() if task.assignee else None,
        "lease_until": moment(task.lease_until) if task.assignee else None,
        "hold_reason": task.hold_reason or None,
        "snoozed_until": _snoozed_until(task),
        "closed_at": moment(task.closed_at),
        "ending": task.ending or None,
    }


def _snoozed_until(task: ReviewTask) -> str | None:
    away = task.closed_at is None and task.assignee_id is None and task.lease_until > timezone.now()
    return moment(task.lease_until) if away else None


def note_body(note: Note) -> dict[str, Any]:
    return {"id": note.pk, "author": note.author.get_username(), "text": note.text, "at": moment(note.at)}


def desk_body(task: ReviewTask, *, predictions: Sequence[Prediction], base: str) -> dict[str, Any]:
    """All that the desk shows to the one who holds the task; ``predictions`` newest first."""
    hidden = conceals(task)
    case = task.case
    newest = predictions[0] if predictions else None
    content = {"payload": case.payload, "context": case.context, "metadata": case.metadata}
    files = [attachment_body(file, base=base) for file in case.attachments.all()]
    return task_body(task, concealed=hidden) | {
        "case": case_body(case, concealed=hidden, base=base) | content | {"attachments": files},
        "lease_token": task.lease_token,
        "digest": digest_of(task, case, newest),
        "prediction": None if hidden or newest is None else prediction_body(newest),
        "earlier_predictions": [] if hidden else [prediction_body(row) for row in predictions[1:]],
        "first_answer": task.first_answer,
        "reason_asked": not task.blind and coin.asks_reason(task),
        "reading_floor_seconds": 0 if task.blind else risk.reading_floor(task, newest),
        "held_decision": _held(task),
        "output_schema": case.case_type.output_schema,
        "guidelines": case.case_type.guidelines,
    }


def _held(task: ReviewTask) -> dict[str, Any] | None:
    """What a second approver is to approve, or send back."""
    if task.reason != Reason.SECOND_APPROVAL:
        return None
    rows = Decision.objects.waiting().filter(case=task.case_id, case_version=task.case.version)
    decision = rows.select_related("policy", "decided_by", "case").first()
    return decision_body(decision) | {"digest": digest_of_held(decision)} if decision else None


def decision_body(decision: Decision, *, concealed: bool = False) -> dict[str, Any]:
    approval = verdict_on(decision)
    body = {
        "id": decision.pk,
        "case": decision.case_id,
        "case_version": decision.case_version,
        "task": decision.task_id,
        "outcome": decision.outcome,
        "output": decision.output,
        "label": decision.label or None,
        "override": decision.override,
        "held": decision.held,
        "approved": approval.approved if approval else None,
        "approved_by": approval.by.get_username() if approval else None,
        "decided_by": decision.decided_by.get_username() if decision.decided_by else "policy",
        "policy": decision.policy.number,
        "prediction": decision.prediction_id,
        "supersedes": decision.supersedes_id,
        "reason": decision.reason,
        "note": decision.note,
        "active_seconds": decision.active_seconds,
        "decided_at": moment(decision.decided_at),
    }
    told = ("outcome", "output", "label", "override", "reason", "note")
    return body | dict.fromkeys(told) if concealed else body


def verdict_on(decision: Decision) -> Approval | None:
    found: Approval | None = getattr(decision, "approval", None) if decision.held else None
    return found


def effect_body(effect: Effect) -> dict[str, Any]:
    return {
        "id": effect.pk,
        "event": effect.event,
        "action": effect.action,
        "endpoint": effect.endpoint.key if effect.endpoint else None,
        "key": effect.key,
        "status": effect.status,
        "attempts": effect.attempts,
        "next_attempt_at": moment(effect.next_attempt_at) if effect.status == Effect.Status.PENDING else None,
        "last_error": effect.last_error or None,
        "created_at": moment(effect.created_at),
        "delivered_at": moment(effect.delivered_at),
    }


def queue_body(queue: Queue, counts: dict[str, Any]) -> dict[str, Any]:
    told = {name: getattr(queue, name) for name in ("key", "name", "kind", "weight", "on_breach")}
    return {**told, **counts}


def policy_body(policy: Policy) -> dict[str, Any]:
    rules = [
        {"reason": rule.reason or None, "when": rule.when, "default": rule.default, "queue": rule.queue.key}
        for rule in policy.rules.all()
    ]
    told = ("number", "status", *COLUMNS, "author", "approver", "change_reason")
    return {
        "id": policy.pk,
        "case_type": policy.case_type.key,
        **{name: getattr(policy, name) for name in told},
        "calendar": policy.calendar.key if policy.calendar else None,
        "routing": rules,
        "activated_at": moment(policy.activated_at),
    }
