"""Who sends cases in: what became of the latest, the keys to the API, and the endpoints that are told."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone

from cases.access import can
from cases.models import ApiToken, Case, WebhookEndpoint

MOST_LISTED = 8
MOST_KEYS = 5


def blocks(user: User) -> dict[str, Any]:
    if not can(user, "cases.add_case"):
        return {}
    return {"sender": {"cases": own_cases(user), "tokens": own_tokens(user), "endpoints": own_endpoints(user)}}


def own_cases(user: User) -> list[Case]:
    """The newest cases of the account."""
    rows = Case.objects.light().filter(sender=user).select_related("case_type")
    return list(rows.order_by("-id")[:MOST_LISTED])


def own_tokens(user: User) -> list[ApiToken]:
    """The account's tokens that still open the door."""
    alive = Q(expires_at__isnull=True) | Q(expires_at__gt=timezone.now())
    return list(ApiToken.objects.filter(alive, user=user, revoked_at=None).order_by("-id")[:MOST_KEYS])


def own_endpoints(user: User) -> list[WebhookEndpoint]:
    return list(WebhookEndpoint.objects.filter(owner=user)[:MOST_KEYS])
