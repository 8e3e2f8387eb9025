"""Sends what the outbox holds, at least once and in order per case and receiver; then closes the cases that are done."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context, copy_context
from dataclasses import dataclass
from time import monotonic

import structlog
from django.conf import settings
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now

from cases import hooks, plugins
from cases.actions.base import Delivery, Receipt
from cases.audit import Journal, journal
from cases.clock import from_now
from cases.models import Case, Effect, EffectAttempt, WebhookEndpoint
from cases.models.choices import State
from cases.outbound import OutboundError
from cases.outbox import Happening, announce
from cases.transitions import move

logger = structlog.get_logger(__name__)

BATCH = 32
INTERVALS = (5, 30, 120, 600, 1800, 3600, 3 * 3600, 6 * 3600, 12 * 3600)  # seconds between the tries; then dead


@dataclass(frozen=True, slots=True)
class Try:
    """What came of one attempt."""

    effect: Effect
    receipt: Receipt | None
    error: OutboundError | None
    elapsed_ms: int


def deliver_batch() -> bool:
    """Send one batch of due effects and close what is done. Returns whether more may be waiting."""
    effects, token = _lease()
    if effects:
        hooks.call("sending", effects=effects)
        with ThreadPoolExecutor(max_workers=min(8, len(effects))) as pool:
            # Each in a copy of this context, so that a line written there still names the job.
            for attempt in pool.map(lambda effect, told: told.run(_attempt, effect), effects, _contexts(effects)):
                _record(attempt, token=token)
    closed = close_finished()
    return bool(effects) or closed == settings.PIPELINE_BATCH


def _lease() -> tuple[list[Effect], str]:
    token = secrets.token_hex(16)
    earlier = Effect.objects.unfinished().filter(
        case=OuterRef("case"), action=OuterRef("action"), pk__lt=OuterRef("pk")
    )
    same_receiver = earlier.filter(Q(endpoint=OuterRef("endpoint")) | Q(endpoint=None))
    with transaction.atomic():
        due = Effect.objects.unfinished().filter(~Exists(same_receiver), next_attempt_at__lte=Now())
        ids = list(
            due.select_for_update(skip_locked=True, of=("self",)).order_by("id").values_list("pk", flat=True)[:BATCH]
        )
        Effect.objects.filter(pk__in=ids).update(
            lease_token=token,
            next_attempt_at=from_now(seconds=settings.EFFECT_LEASE_SECONDS),
            attempts=F("attempts") + 1,
        )
    return list(Effect.objects.filter(pk__in=ids).select_related("endpoint").order_by("pk")), token


def _contexts(effects: list[Effect]) -> Iterator[Context]:
    return (copy_context() for _effect in effects)


def _attempt(effect: Effect) -> Try:
    """Runs in a thread, outside any transaction, and touches no database."""
    structlog.contextvars.bind_contextvars(effect=effect.pk, case_id=effect.case_id)
    started = monotonic()
    try:
        receipt = plugins.action(effect.action).deliver(_delivery(effect))
        return Try(effect, receipt, None, int((monotonic() - started) * 1000))
    except OutboundError as error:
        return Try(effect, None, error, int((monotonic() - started) * 1000))
    except Exception as error:  # noqa: BLE001 - a plug-in may raise anything; the effect is tried again, then parked as dead
        failure = OutboundError(f"{type(error).__name__}: {error}")
        return Try(effect, None, failure, int((monotonic() - started) * 1000))


def _delivery(effect: Effect) -> Delivery:
    endpoint = effect.endpoint
    if endpoint is not None and not endpoint.enabled:
        raise OutboundError(f"endpoint {endpoint.key} is disabled: {endpoint.disabled_reason}", permanent=True)
    return Delivery(
        effect_id=effect.pk,
        key=effect.key,
        event=effect.event,
        endpoint={"key": endpoint.key, "url": endpoint.url, "secret": endpoint.secret} if endpoint else None,
        options=effect.options,
        body=effect.body,
        occurred_at=effect.created_at,
        attempt=effect.attempts,
    )


def _record(attempt: Try, *, token: str) -> None:
    effect, error = attempt.effect, attempt.error
    with journal(actor="outbox", origin="worker") as log:
        mine = Effect.objects.filter(pk=effect.pk, lease_token=token, status=Effect.Status.PENDING)
        if not mine.update(**_result(effect, error)):
            return
        EffectAttempt.objects.create(
            effect=effect,
            number=effect.attempts,
            succeeded=error is None,
            status=error.status if error else attempt.receipt.status if attempt.receipt else None,
            detail=(str(error) if error else attempt.receipt.detail if attempt.receipt else "")[:1000],
            elapsed_ms=attempt.elapsed_ms,
        )
        _note(effect, error, log=log)


def _result(effect: Effect, error: OutboundError | None) -> dict[str, object]:
    if error is None:
        return {"status": Effect.Status.DELIVERED, "delivered_at": Now(), "lease_token": "", "last_error": ""}
    if error.permanent or effect.attempts > len(INTERVALS):
        return {"status": Effect.Status.DEAD, "lease_token": "", "last_error": str(error)[:1000]}
    wait = max(INTERVALS[effect.attempts - 1], error.retry_after or 0)
    return {"next_attempt_at": from_now(seconds=wait), "lease_token": "", "last_error": str(error)[:1000]}


def _note(effect: Effect, error: OutboundError | None, *, log: Journal) -> None:
    if error is None:
        log(
            "effect.delivered",
            case_id=effect.case_id,
            subject=effect,
            data={"key": effect.key, "attempt": effect.attempts},
        )
        return
    if error.permanent or effect.attempts > len(INTERVALS):
        logger.error("effect_dead", case_id=effect.case_id, effect=effect.pk, key=effect.key, error=str(error))
        log("effect.dead", case_id=effect.case_id, subject=effect, data={"key": effect.key, "error": str(error)[:300]})
    if getattr(error, "gone", False) and effect.endpoint_id:
        gone = {"enabled": False, "disabled_reason": "The receiver answered 410 Gone."}
        WebhookEndpoint.objects.filter(pk=effect.endpoint_id, enabled=True).update(**gone)
        log("webhook.disabled", subject=effect.endpoint, data={"reason": "410 Gone"})


def close_finished() -> int:
    """decided → closed for the cases whose every blocking effect has been delivered. Returns how many were closed."""
    unsent = Effect.objects.filter(
        case=OuterRef("pk"), blocking=True, status__in=[Effect.Status.PENDING, Effect.Status.DEAD]
    )
    with journal(actor="outbox", origin="worker") as log:
        standing = Case.objects.standing_in(State.DECIDED).filter(~Exists(unsent)).prefetch_related("case_type").light()
        locked = standing.select_for_update(skip_locked=True, of=("self",))
        cases = {case.pk: case for case in locked[: settings.PIPELINE_BATCH]}
        won = move({pk: {} for pk in cases}, source=State.DECIDED, target=State.CLOSED, log=log)
        announce([Happening(case=cases[pk], event="case.closed") for pk in won], log=log)
    return len(won)
