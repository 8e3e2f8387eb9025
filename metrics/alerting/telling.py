"""Whom an alert is told: channels by severity and rule, and the webhook endpoints that hear of `alert.raised`.

What leaves is a row of the outbox first, without a case: `cases.deliver` sends it, tries again and gives it up as any other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.urls import reverse
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import override

from cases import bells
from cases.access import can
from cases.models import Effect, WebhookEndpoint
from cases.models.choices import State
from metrics.alerting.kinds.table import WATCHES
from metrics.models import Alert, AlertChannel, Kind, Severity

EVENT = "alert.raised"
SUBJECT = "[Countersign] {alert.severity_word}: {alert.title}"
TEXT = "{alert.text}\n\n{alert.advice}\n\n{alert.url}\n"
CHAT = "apprise"


def tell(alert: Alert, *, again: int = 0) -> int:
    """Queue an effect for everyone who is to hear, in the transaction of the caller. Returns how many.

    `again` tells a repeat, of an alert that woke from its snooze, from the first time.
    """
    with override(settings.LANGUAGE_CODE):
        body = {"alert": told_of(alert)}
    stem = f"alert-{alert.pk}-raised" + (f"-{again}" if again else "")
    effects = [*_to_channels(alert, body, stem), *_to_endpoints(body, stem)]
    Effect.objects.bulk_create(effects, ignore_conflicts=True)
    if effects:
        bells.ring(State.DECIDED)
    return len(effects)


def told_of(alert: Alert) -> dict[str, Any]:
    """What the outside is told of an alert: figures and where to look, no content of a case, no name of a person."""
    watch = WATCHES[alert.kind]
    name = _("a reviewer") if alert.kind == Kind.CATCH_RATE else alert.subject_name
    return {
        "id": alert.pk,
        "rule": alert.rule.key,
        "kind": alert.kind,
        "severity": Severity(alert.severity).name.lower(),
        "severity_word": str(Severity(alert.severity).label),
        "level": alert.severity,
        "state": str(alert.state),
        "case_type": alert.case_type.key if alert.case_type else None,
        "title": f"{capfirst(alert.get_kind_display())}: {name}",
        "text": watch.words(alert.evidence.get("figures", {})),
        "advice": str(watch.advice),
        "opened_at": alert.opened_at.isoformat(),
        "url": address(reverse("admin:metrics_alert_change", args=[alert.pk])),
        "figures": alert.evidence.get("figures", {}),
        "changes": alert.evidence.get("changes", []),
    }


def address(path: str) -> str:
    """A path of ours as people outside may open it."""
    host = f"[{settings.HOST}]" if ":" in settings.HOST else settings.HOST
    base = next(iter(settings.CSRF_TRUSTED_ORIGINS), f"http://{host}:{settings.PORT}")
    return f"{base.rstrip('/')}{path}"


def _to_channels(alert: Alert, body: Mapping[str, Any], stem: str) -> Iterator[Effect]:
    hears = Q(every_rule=True) | Q(rules=alert.rule_id)
    rows = AlertChannel.objects.filter(hears, enabled=True, least_severity__lte=alert.severity).distinct()
    for channel in rows.select_related("endpoint"):
        key = f"{stem}-{channel.key}"
        if channel.kind == AlertChannel.Kind.MAIL:
            options = {"to": channel.addresses, "subject": SUBJECT, "text": TEXT}
            yield _effect(key, body, action="email", options=options)
        elif channel.kind == AlertChannel.Kind.APPRISE:
            yield _effect(key, body, action=CHAT, options={"channel": channel.key})
        elif channel.endpoint and EVENT not in channel.endpoint.events:  # else it hears of it below
            yield _effect(key, body, action="webhook", endpoint=channel.endpoint)


def _to_endpoints(body: Mapping[str, Any], stem: str) -> Iterator[Effect]:
    """Endpoints that subscribed to the event, unless they belong to somebody who may not see alerts."""
    for endpoint in WebhookEndpoint.objects.filter(enabled=True).select_related("owner"):
        allowed = endpoint.owner is None or can(endpoint.owner, "metrics.view_alert")
        if EVENT in endpoint.events and allowed:
            yield _effect(f"{stem}-to-{endpoint.key}", body, action="webhook", endpoint=endpoint)


def _effect(
    key: str,
    body: Mapping[str, Any],
    *,
    action: str,
    options: Mapping[str, Any] | None = None,
    endpoint: WebhookEndpoint | None = None,
) -> Effect:
    return Effect(
        case=None,
        event=EVENT,
        action=action,
        options=dict(options or {}),
        endpoint=endpoint,
        body=dict(body),
        key=key,
        blocking=False,
    )


def fill_in(effects: Iterable[Effect]) -> None:
    """Hook of `cases.deliver`: the secret address of a channel, put into the effect in hand and stored nowhere with it."""
    chats = [effect for effect in effects if effect.action == CHAT]
    if not chats:
        return
    keys = {effect.options.get("channel") for effect in chats}
    urls = dict(AlertChannel.objects.filter(key__in=keys, enabled=True).values_list("key", "url"))
    for effect in chats:
        effect.options = {**effect.options, "url": urls.get(effect.options.get("channel"), "")}
