"""The rows that every test needs, made in one line each. Whatever is not given is the simplest thing that works."""

from __future__ import annotations

import hashlib
import itertools
import json
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models.functions import Now
from django.utils import timezone

from cases.models import Case, CaseType, Prediction, WebhookEndpoint
from cases.models.choices import Priority, Reason, State
from review.models import Decision, Policy, Queue, ReviewTask, RoutingRule

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["label"],
    "properties": {"label": {"enum": ["refund", "billing", "other"]}, "amount": {"type": "number"}},
}
_numbers = itertools.count(1)


def make_user(role: str | None = None, *, username: str = "", **fields: Any) -> User:
    """An active account with a role (its group comes with the migrations) and the password ``password``."""
    user = User.objects.create_user(username or f"{role or 'nobody'}-{next(_numbers)}", password="password", **fields)
    if role:
        user.groups.add(Group.objects.get(name=role))
    return user


def make_queue(
    key: str = "front-desk", *, groups: tuple[str, ...] = ("reviewer",), kind: str = "general", **fields: Any
) -> Queue:
    """The queue of that key, made if there is none."""
    queue, _created = Queue.objects.get_or_create(
        key=key, defaults={"name": key.replace("-", " ").title(), "kind": kind, **fields}
    )
    queue.groups.add(*Group.objects.filter(name__in=groups))
    return queue


def make_case_type(
    mode: str = "validator",
    *,
    key: str = "",
    impact: tuple[str, ...] = ("internal",),
    rules: list[dict[str, Any]] | None = None,
    policy: dict[str, Any] | None = None,
    **fields: Any,
) -> CaseType:
    """A case type with an active policy of that mode. ``policy`` and ``rules`` go to `make_policy`."""
    key = key or f"type-{next(_numbers)}"
    defaults = {"name": key, "output_schema": SCHEMA, "reversible": True, "idempotent": True, "classifier": "supplied"}
    case_type = CaseType.objects.create(key=key, impact=list(impact), **{**defaults, **fields})
    make_policy(case_type, mode=mode, rules=rules, **(policy or {}))
    return case_type


def make_policy(
    case_type: CaseType,
    *,
    mode: str = "validator",
    status: str = "active",
    rules: list[dict[str, Any]] | None = None,
    **fields: Any,
) -> Policy:
    """The next policy of a case type, without asking any guard; an active one retires the one before it.

    ``rules`` are rows ``{"reason", "when", "default", "queue": Queue}``; without them all goes to ``front-desk``.
    """
    if status == "active":
        Policy.objects.filter(case_type=case_type, status="active").update(status="retired")
    defaults: dict[str, Any] = {"threshold": 0.8, "sample_rate": 0.0, "author": "test", "activated_at": timezone.now()}
    number = case_type.policies.count() + 1
    policy = Policy.objects.create(
        case_type=case_type, number=number, mode=mode, status=status, **{**defaults, **fields}
    )
    for position, rule in enumerate(rules or [{"default": True, "queue": make_queue()}]):
        RoutingRule.objects.create(policy=policy, position=position, **rule)
    return policy


def make_case(
    case_type: CaseType | None = None,
    *,
    state: str = State.RECEIVED,
    payload: dict[str, Any] | None = None,
    **fields: Any,
) -> Case:
    """A case standing in a state, without the rows that would have brought it there."""
    payload = payload or {"text": f"case {next(_numbers)}"}
    digest = hashlib.sha256(json.dumps(payload).encode()).hexdigest()
    defaults = {"source": "test", "external_id": f"test-{next(_numbers)}", "content_digest": digest, "salt": "00" * 16}
    case = Case.objects.create(
        case_type=case_type or make_case_type(), payload=payload, state=state, **{**defaults, **fields}
    )
    case.refresh_from_db()
    return case


def make_prediction(case: Case, *, label: str = "refund", confidence: float = 0.7, **fields: Any) -> Prediction:
    defaults = {"output": {"label": label}, "label": label, "model": "test", "model_version": "1"}
    return Prediction.objects.create(case=case, confidence=confidence, **{**defaults, **fields})


def make_task(
    case: Case | None = None,
    *,
    queue: Queue | None = None,
    reason: str = Reason.VALIDATION,
    claimed_by: User | None = None,
    **fields: Any,
) -> ReviewTask:
    """An open task, due in an hour; with ``claimed_by`` under a running lease of ten minutes (token 1)."""
    case = case or make_case(state=State.IN_REVIEW)
    policy = fields.pop("policy", None) or case.case_type.policies.get(status="active")
    due = timezone.now() + timedelta(hours=1)
    if claimed_by:
        lease = timezone.now() + timedelta(minutes=10)
        fields = {
            "assignee": claimed_by,
            "claimed_at": timezone.now(),
            "lease_until": lease,
            "lease_token": 1,
            **fields,
        }
    defaults = {"due_at": due, "priority": Priority.NORMAL}
    task = ReviewTask.objects.create(
        case=case,
        case_type=case.case_type,
        label=case.label,
        queue=queue or make_queue(),
        policy=policy,
        reason=reason,
        **{**defaults, **fields},
    )
    task.refresh_from_db()
    return task


def make_decision(
    case: Case, *, by: User | None = None, task: ReviewTask | None = None, outcome: str = "approve", **fields: Any
) -> Decision:
    """A decision on the case's present version; with ``task`` that task is closed."""
    policy = fields.pop("policy", None) or (task.policy if task else case.case_type.policies.get(status="active"))
    if task:
        ReviewTask.objects.filter(pk=task.pk).update(closed_at=Now(), ending=ReviewTask.Ending.DECIDED)
    defaults = {"output": {"label": "refund"}, "label": "refund", "case_version": case.version}
    return Decision.objects.create(
        case=case, policy=policy, task=task, decided_by=by, outcome=outcome, **{**defaults, **fields}
    )


def make_endpoint(key: str = "crm", *, url: str = "https://crm.example/hooks", **fields: Any) -> WebhookEndpoint:
    defaults = {"events": ["case.decided"], "secret": "whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    return WebhookEndpoint.objects.create(key=key, url=url, **{**defaults, **fields})
