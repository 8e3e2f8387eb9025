"""The door of the desk: who may come in, and what a refusal looks like to a person."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import cast

from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from cases.errors import Forbidden, Missing

Page = Callable[..., HttpResponseBase]
LARGEST_ID = 2**63 - 1


def desk_page(view: Page) -> Page:
    """A page for signed-in staff. What one may not see is 404, what one may see and not do is 403."""

    @wraps(view)
    def guarded(request: HttpRequest, **arguments: int | str) -> HttpResponseBase:
        user = request.user
        if not (user.is_active and getattr(user, "is_staff", False)):
            return _sign_in(request)
        if any(isinstance(part, int) and part > LARGEST_ID for part in arguments.values()):
            raise Http404
        try:
            return view(request, **arguments)
        except Missing as refusal:
            raise Http404(refusal.message) from None
        except Forbidden as refusal:
            raise PermissionDenied(refusal.message) from None

    return never_cache(guarded)


def _sign_in(request: HttpRequest) -> HttpResponseBase:
    """To the login page; a script of the page is told so in words, and leaves alone what somebody is typing."""
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse({"detail": _("You are signed out."), "login": reverse("admin:login")}, status=401)
    return redirect_to_login(request.get_full_path(), "admin:login")


def reader(request: HttpRequest) -> User:
    """The account behind a request that `desk_page` let in."""
    return cast(User, request.user)
