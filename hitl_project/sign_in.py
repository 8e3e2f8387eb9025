"""Sign-in through an OpenID Connect provider, where one is configured. Accounts and roles stay ours."""

from __future__ import annotations

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth is not typed
    """Nobody signs up with a password: an administrator makes local accounts, the provider makes the others."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
