"""To get the weekly mail, and to end it: on one's page, or from the mail by one click without signing in."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.core import signing
from django.utils.translation import gettext as _

from cases.access import can, demand
from cases.audit import journal
from cases.errors import Invalid
from metrics.looking import REPORTS
from metrics.models import DigestSubscription

SALT = "weekly-digest"


def subscribed(user: User) -> bool:
    return DigestSubscription.objects.filter(user=user).exists()


def subscribe(user: User, *, address: str, origin: str = "admin") -> DigestSubscription:
    """From next week on. Raises: Forbidden, and Invalid where the account has no mail address."""
    demand(user, REPORTS)
    if not user.email:
        raise Invalid(
            _("Your account has no mail address."), errors={"weekly": [_("Your account has no mail address.")]}
        )
    with journal(actor=user, origin=origin) as log:
        row, new = DigestSubscription.objects.update_or_create(user=user, defaults={"address": address.rstrip("/")})
        if new:
            log("digest.subscribed", subject=row)
    return row


def unsubscribe(user: User, *, origin: str = "admin") -> bool:
    """No further mail; what was sent stays noted, so that nothing is sent twice. Returns whether there was one to end."""
    with journal(actor=user, origin=origin) as log:
        row = DigestSubscription.objects.filter(user=user).first()
        if row is not None:
            log("digest.unsubscribed", subject=row)
            row.delete()
    return row is not None


def wants(user: User) -> bool:
    """Whether a mail may go to them now: asked for, still allowed, still reachable."""
    return user.is_active and user.is_staff and bool(user.email) and can(user, REPORTS)


def token_of(user: User) -> str:
    """What ends the subscription of this one person, and nothing else."""
    return signing.dumps(user.pk, salt=SALT)


def holder_of(token: str) -> User | None:
    """Whose token it is; None for one that is not ours."""
    try:
        return User.objects.filter(pk=signing.loads(token, salt=SALT)).first()
    except signing.BadSignature:
        return None
