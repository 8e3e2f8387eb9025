"""Row rules of this app's models that need no queue; the rule of `Case` itself is registered by `review.access`."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Q

from cases.access import EVERYTHING, scope_of, visible
from cases.models import Attachment, Case, Effect, EffectAttempt, WebhookEndpoint


def with_their_cases(user: User, path: str = "case") -> Q:
    """Rows that hang on a case (by ``path``) which the account may see."""
    if sees_every_case(user):
        return EVERYTHING
    return Q(**{f"{path}__in": visible(user, Case.everything.all(), "cases.view_case")})


def sees_every_case(user: User) -> bool:
    """Supervisors, auditors and administrators; the last have no ``view_case``, so this alone shows them nothing."""
    return user.has_perm("cases.view_every_case")


@scope_of(Attachment)
def attachments(user: User, verb: str) -> Q:
    return with_their_cases(user)


@scope_of(Effect)
def effects(user: User, verb: str) -> Q:
    return with_their_cases(user)


@scope_of(EffectAttempt)
def effect_attempts(user: User, verb: str) -> Q:
    return with_their_cases(user, "effect__case")


@scope_of(WebhookEndpoint)
def webhook_endpoints(user: User, verb: str) -> Q:
    """An integration has its own endpoints and no others."""
    return EVERYTHING if sees_every_case(user) else Q(owner=user)
