"""What is to leave is a row first: queued in the transaction of the verb that caused it, and sent by `cases.deliver`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, Expression, OuterRef
from django.utils.translation import gettext as _

from cases import bells, bulk
from cases.audit import Actor, Journal, journal
from cases.clock import from_now, moment
from cases.errors import Conflict
from cases.models import Case, Effect, EffectAttempt, WebhookEndpoint
from cases.models.choices import State

EVENTS = (
    "case.decided",
    "case.closed",
    "case.reopened",
    "case.cancelled",
    "decision.overridden",
    "effect.compensate",
    "alert.raised",
    "task.urgent",
    "task.breached",
)


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened to a case and that others are told of. ``data`` is what they are told, beside the case.

    An event is told once per version of the case, or once for each ``about`` (such as one of its tasks).
    """

    case: Case
    event: str
    data: Mapping[str, Any] = field(default_factory=dict)
    grace_seconds: int = 0
    version: int | None = None
    about: str = ""

    @property
    def case_version(self) -> int:
        return self.version if self.version is not None else self.case.version


def announce(happenings: Sequence[Happening], *, log: Journal) -> int:
    """Queue an effect for everyone who is to hear: the case type's action, and each endpoint subscribed to the event.

    An action whose endpoint is disabled is queued all the same: it ends as dead, in sight and to be sent again, and the
    case does not close as if it had been done.
    """
    endpoints = list(WebhookEndpoint.objects.all())
    graced = any(happening.grace_seconds for happening in happenings)
    now = moment() if graced else None
    effects = [effect for happening in happenings for effect in _effects_of(happening, endpoints, now)]
    bulk.create(effects, also=["next_attempt_at"] if graced else [], skip_conflicts=True)
    if effects:
        bells.ring(State.DECIDED)
    return len(effects)


def _effects_of(happening: Happening, endpoints: Iterable[WebhookEndpoint], now: datetime | None) -> Iterable[Effect]:
    chosen = happening.case.case_type.action or {}
    acting = chosen.get("endpoint") if chosen.get("backend") == "webhook" else None
    acts = happening.event == "case.decided"
    if acts and chosen and acting is None:
        yield _effect(happening, now, action=chosen["backend"], options=chosen)
    for endpoint in endpoints:
        subscribed = endpoint.enabled and happening.event in endpoint.events and _may_hear(endpoint, happening.case)
        if subscribed or (acts and endpoint.key == acting):
            yield _effect(happening, now, action="webhook", endpoint=endpoint)


def _may_hear(endpoint: WebhookEndpoint, case: Case) -> bool:
    """An integration's own endpoint hears of its own cases only."""
    return endpoint.owner_id is None or endpoint.owner_id == case.sender_id


def _effect(
    happening: Happening,
    now: datetime | None,
    *,
    action: str,
    options: Mapping[str, Any] | None = None,
    endpoint: WebhookEndpoint | None = None,
) -> Effect:
    case = happening.case
    target = endpoint.key if endpoint else action
    effect = Effect(
        case=case,
        case_version=happening.case_version,
        event=happening.event,
        action=action,
        endpoint=endpoint,
        options=dict(options or {}),
        body={"case": told_of(case), **happening.data},
        key=f"case-{case.pk}-v{happening.case_version}-{happening.event}{happening.about}-{target}",
        blocking=happening.event in ("case.decided", "effect.compensate"),
    )
    if now is not None:
        effect.next_attempt_at = now + timedelta(seconds=happening.grace_seconds)
    return effect


def later(seconds: float) -> Any:
    """A moment by the database's clock, to be stored with a row."""
    later_on: Expression = from_now(seconds=seconds)
    return later_on


def told_of(case: Case) -> dict[str, Any]:
    """What the outside is told about a case: how to recognise it, never its content."""
    return {
        "id": case.pk,
        "case_type": case.case_type.key,
        "source": case.source,
        "external_id": case.external_id,
        "requester": case.requester,
        "priority": case.priority_name,
        "version": case.version,
    }


def call_off(case_id: int, *, version: int) -> int:
    """Cancel the effects of a decision that have not begun to leave. Returns how many."""
    tried = Exists(EffectAttempt.objects.filter(effect=OuterRef("pk")))  # a retried one counts its attempts anew
    waiting = Effect.objects.filter(
        ~tried, case=case_id, case_version=version, status=Effect.Status.PENDING, lease_token="", attempts=0
    )
    return waiting.update(status=Effect.Status.CANCELLED)


def compensate(case: Case, *, version: int, data: Mapping[str, Any], log: Journal, grace_seconds: int = 0) -> int:
    """Queue the undoing of every effect of an earlier decision that has left, or may have. Returns how many."""
    live = Effect.objects.filter(case=case).exclude(status=Effect.Status.CANCELLED)
    undone = live.filter(compensates__isnull=False).values("compensates")
    sent = live.filter(case_version=version, event="case.decided").exclude(pk__in=undone)
    undoing = [
        Effect(
            case=case,
            case_version=case.version,
            event="effect.compensate",
            action=effect.action,
            endpoint=effect.endpoint,
            options=effect.options,
            body={"case": told_of(case), "compensates": effect.key, "original": effect.body, **data},
            key=f"{effect.key}-compensate-v{case.version}",
            compensates=effect,
            next_attempt_at=later(grace_seconds),
        )
        for effect in sent.select_related("endpoint")
    ]
    Effect.objects.bulk_create(undoing, ignore_conflicts=True)
    for effect in undoing:
        log("effect.compensated", case_id=case.pk, data={"key": effect.key})
    return len(undoing)


def retry(effects: Iterable[Effect], *, actor: Actor, origin: str, reason: str = "") -> int:
    """Send dead effects again under their old keys. Returns how many were taken up.

    Raises: Conflict when none of them is dead.
    """
    with journal(actor=actor, origin=origin) as log:
        dead = list(Effect.objects.dead().filter(pk__in=[effect.pk for effect in effects]))
        if not dead:
            raise Conflict(_("Nothing to send again: none of these deliveries is dead."))
        Effect.objects.filter(pk__in=[effect.pk for effect in dead], status=Effect.Status.DEAD).update(
            status=Effect.Status.PENDING, attempts=0, next_attempt_at=from_now(seconds=0), lease_token=""
        )
        for effect in dead:
            told = {"key": effect.key, **({"reason": reason} if reason else {})}
            log("effect.retried", case_id=effect.case_id, subject=effect, data=told)
        bells.ring(State.DECIDED)
    return len(dead)
