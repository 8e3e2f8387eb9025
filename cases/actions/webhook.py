"""Signed webhooks by the Standard Webhooks specification: the id is the effect's key, the time is fresh at every try."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from cases.actions.base import Delivery, Receipt
from cases.outbound import OutboundError, post, require_success

TIMEOUT = 10.0
LONGEST = 15.0  # seconds a worker may be busy with one receiver
SECRET_BYTES = 32


class WebhookAction:
    """Any 2xx is success; 410 is for good; everything else, redirects too, may be tried again under the same id."""

    def __init__(self, *, allow_private: bool = False, timeout: float = TIMEOUT) -> None:
        self.allow_private = allow_private
        self.timeout = min(timeout, LONGEST)

    def deliver(self, delivery: Delivery) -> Receipt:
        endpoint = delivery.endpoint or {}
        body = body_of(delivery)
        reply = post(
            str(endpoint.get("url", "")),
            body=body.encode(),
            headers={"content-type": "application/json", **signed(delivery.key, body, endpoint)},
            timeout_total=self.timeout,
            allow_private=self.allow_private,
        )
        try:
            require_success(reply)
        except OutboundError as error:
            error.permanent = error.gone  # receivers mend their 404s and 401s; only 410 says never again
            raise
        return Receipt(reply.status, _("accepted with status %(status)d") % {"status": reply.status}, reply.elapsed_ms)


def new_secret() -> str:
    """A fresh signing secret in the specification's own form."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def body_of(delivery: Delivery) -> str:
    """The JSON text that is signed and sent, the same at every try. Raises: OutboundError when it is no JSON."""
    content = {"type": delivery.event, "timestamp": delivery.occurred_at.isoformat(), "data": dict(delivery.body)}
    try:
        return json.dumps(content, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise OutboundError(_("The body is no JSON: %(error)s") % {"error": error}, permanent=True) from None


def signed(key: str, body: str, endpoint: Mapping[str, Any]) -> dict[str, str]:
    """The three headers by which a receiver knows the sender, the moment and a repeat."""
    now = datetime.now(UTC)
    try:
        signature = Webhook(str(endpoint.get("secret", ""))).sign(key, now, body)
    except (ValueError, EmptyWebhookSecretError):
        raise OutboundError(
            _("The endpoint's signing secret is unusable; give it a new one."), permanent=True
        ) from None
    return {"webhook-id": key, "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signature}
