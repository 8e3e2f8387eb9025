"""API tokens: made once, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone

from cases.audit import Actor, journal
from cases.errors import Invalid
from cases.models import ApiToken

PREFIX = "cs_"
LONGEST_DAYS = 3650


def issue_token(user: User, *, expires_days: int | None, actor: Actor, origin: str) -> str:
    """Make a token for an account and return its text, which is not kept.

    Raises: Invalid when the days are not between 1 and 3,650.
    """
    if expires_days is not None and not 1 <= expires_days <= LONGEST_DAYS:
        raise Invalid("The token was not made.", errors={"expires": [f"Give between 1 and {LONGEST_DAYS} days."]})
    text = PREFIX + secrets.token_urlsafe(32)
    expires_at = timezone.now() + timedelta(days=expires_days) if expires_days else None
    with journal(actor=actor, origin=origin) as log:
        token = ApiToken.objects.create(user=user, prefix=text[:9], digest=_digest(text), expires_at=expires_at)
        log("token.issued", subject=token, data={"account": user.get_username(), "expires_at": str(expires_at or "")})
    return text


def revoke_token(token: ApiToken, *, actor: Actor, origin: str) -> None:
    """End a token at once."""
    with journal(actor=actor, origin=origin) as log:
        ApiToken.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=timezone.now())
        log("token.revoked", subject=token, data={"account": token.user.get_username()})


def account_of(text: str) -> tuple[User, ApiToken] | None:
    """The active account behind a token that is neither expired nor revoked."""
    now = timezone.now()
    live = ApiToken.objects.filter(Q(expires_at=None) | Q(expires_at__gt=now), digest=_digest(text), revoked_at=None)
    token = live.select_related("user").filter(user__is_active=True).first()
    if token is None:
        return None
    if token.last_used_on != now.date():
        ApiToken.objects.filter(pk=token.pk).update(last_used_on=now.date())
    return token.user, token


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
