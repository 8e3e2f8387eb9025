"""What the views of this app share: whose request it is, what it is about, and an answer made fast."""

from __future__ import annotations

from typing import Any

import msgspec
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.utils.translation import gettext as _
from rest_framework.request import Request

from cases.access import demand
from cases.errors import Forbidden
from cases.models import Case
from cases.viewing import open_case


def account(request: Request, verb: str) -> User:
    """Whose request it is, refused unless the account may do the verb at all."""
    demand(request.user, verb)
    return signed_in(request)


def signed_in(request: Request) -> User:
    if not isinstance(request.user, User):
        raise Forbidden(_("Sign in first."))
    return request.user


def opened(request: Request, case_id: int) -> Case:
    """The case of an address, for who may see it; see `cases.viewing`."""
    return open_case(signed_in(request), case_id, reason=request.headers.get("X-Reason", ""), origin="api")


def base_of(request: Request) -> str:
    """Scheme and host as the caller wrote them."""
    return request.build_absolute_uri("/").rstrip("/")


def json_answer(body: Any, *, status: int = 200) -> HttpResponse:
    """An answer encoded in microseconds; a thousand results go out at once."""
    return HttpResponse(msgspec.json.encode(body), status=status, content_type="application/json")
