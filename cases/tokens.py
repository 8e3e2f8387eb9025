"""API tokens: made once, shown once, kept as a hash."""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.audit import Actor, journal
from cases.errors import Invalid
from cases.models import ApiToken

PREFIX = "cs_"
LONGEST_DAYS = 3650
ACCOUNT = """
    SELECT u.*, t.id AS token_id, t.last_used_on AS token_used_on, (
        SELECT %(gathered)s(c.app_label || '.' || p.codename, ',')
        FROM auth_permission p JOIN django_content_type c ON c.id = p.content_type_id
        WHERE p.id IN (
            SELECT permission_id FROM auth_user_user_permissions WHERE user_id = u.id
            UNION SELECT g.permission_id FROM auth_group_permissions g
            JOIN auth_user_groups m ON m.group_id = g.group_id WHERE m.user_id = u.id
        )
    ) AS permission_names
    FROM cases_apitoken t JOIN auth_user u ON u.id = t.user_id
    WHERE t.digest = %%s AND t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > %%s) AND u.is_active
"""


def issue_token(user: User, *, expires_days: int | None, actor: Actor, origin: str) -> str:
    """Make a token for an account and return its text, which is not kept.

    Raises: Invalid when the days are not between 1 and 3,650.
    """
    if expires_days is not None and not 1 <= expires_days <= LONGEST_DAYS:
        raise Invalid(
            _("The token was not made."),
            errors={"expires": [_("Give between 1 and %(days)d days.") % {"days": LONGEST_DAYS}]},
        )
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


def account_of(text: str) -> tuple[User, int] | None:
    """The active account behind a token that is neither expired nor revoked, and the token's id.

    Every call of the API begins here, so the account comes with its permissions in one query.
    """
    now = timezone.now()
    sql = ACCOUNT % {"gathered": "string_agg" if connection.vendor == "postgresql" else "group_concat"}
    user = next(iter(User.objects.raw(sql, [_digest(text), connection.ops.adapt_datetimefield_value(now)])), None)
    if user is None:
        return None
    if not user.is_superuser:
        vars(user)["_perm_cache"] = set(filter(None, (vars(user)["permission_names"] or "").split(",")))
    token_id = int(vars(user)["token_id"])
    if str(vars(user)["token_used_on"]) != str(now.date()):
        ApiToken.objects.filter(pk=token_id).update(last_used_on=now.date())
    return user, token_id


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
