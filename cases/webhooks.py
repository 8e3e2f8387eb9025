"""The places that are told of events: adding one, and sending again what could not be delivered."""

from __future__ import annotations

import re
from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from cases import outbox
from cases.access import demand, visible
from cases.actions.webhook import new_secret
from cases.addresses import RefusedUrl, check_url
from cases.audit import journal
from cases.errors import Conflict, Forbidden, Invalid, Missing
from cases.models import Effect, WebhookEndpoint

KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def add_endpoint(*, key: str, url: str, events: Sequence[str], owner: User, origin: str) -> WebhookEndpoint:
    """Add an endpoint of one's own. Its secret is shown by the caller once and never again.

    Raises: Forbidden; Invalid naming the field; Conflict when the key is taken.
    """
    demand(owner, "cases.add_webhookendpoint")
    _check(key=key, url=url, events=events)
    with journal(actor=owner, origin=origin) as log:
        endpoint, made = WebhookEndpoint.objects.get_or_create(
            key=key, defaults={"url": url, "events": list(events), "owner": owner, "secret": new_secret()}
        )
        if not made:
            raise Conflict(_("There is an endpoint of that key already."), errors={"key": [_("Choose another one.")]})
        log("webhook.added", subject=endpoint, data={"key": key, "events": list(events)})
    return endpoint


def _check(*, key: str, url: str, events: Sequence[str]) -> None:
    errors: dict[str, list[str]] = {}
    if not KEY.fullmatch(key):
        errors["key"] = [_("Use lower-case letters, digits, - and _; at most 64.")]
    unknown = sorted(set(events) - set(outbox.EVENTS))
    if unknown or not events:
        errors["events"] = [_("Choose from: %(events)s.") % {"events": ", ".join(outbox.EVENTS)}]
    try:
        check_url(url)
    except RefusedUrl as refusal:
        errors["url"] = [str(refusal)]
    if errors:
        raise Invalid(_("The endpoint was not added."), errors=errors)


def redeliver(endpoint_id: int, *, by: User, origin: str, effect_id: int | None = None, reason: str = "") -> int:
    """Send an endpoint's dead deliveries again, or one of them, and enable it if it was disabled. Returns how many.

    The reason is kept in the audit log.

    Raises: Missing, Forbidden, or Conflict when none of them is dead.
    """
    endpoint = visible(by, WebhookEndpoint.objects.all(), "cases.view_webhookendpoint").filter(pk=endpoint_id).first()
    if endpoint is None:
        raise Missing(_("There is no such endpoint, or it is not yours to see."))
    if (
        not visible(by, WebhookEndpoint.objects.all(), "cases.redeliver_webhookendpoint")
        .filter(pk=endpoint_id)
        .exists()
    ):
        raise Forbidden(_("You may see this endpoint and not send its deliveries again."))
    dead = Effect.objects.dead().filter(endpoint=endpoint)
    chosen = dead if effect_id is None else dead.filter(pk=effect_id)
    with transaction.atomic():
        WebhookEndpoint.objects.filter(pk=endpoint.pk, enabled=False).update(enabled=True, disabled_reason="")
        return outbox.retry(chosen, actor=by, origin=origin, reason=reason)
