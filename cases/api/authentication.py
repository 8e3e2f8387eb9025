from __future__ import annotations

from django.contrib.auth.models import User
from django.utils.translation import gettext
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from cases.tokens import account_of


class BearerToken(BaseAuthentication):
    """``Authorization: Bearer <token>``."""

    def authenticate(self, request: Request) -> tuple[User, int] | None:
        scheme, _, text = get_authorization_header(request).decode("latin-1").partition(" ")
        if scheme.lower() != "bearer":
            return None
        found = account_of(text.strip())
        if found is None:
            raise AuthenticationFailed(
                gettext("The token is unknown, expired or revoked. Make a new one with create_token.")
            )
        return found

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="countersign"'
