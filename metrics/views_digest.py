"""The weekly mail on the pages: to ask for it, to look at it, to end it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import cast

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from cases.errors import Invalid
from metrics import looking
from metrics.digests import letter, subscribing


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def digest(request: HttpRequest) -> HttpResponse:
    """Whether one gets the mail, a look at it, and one button."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    user = _reader(request)
    if request.method == "POST":
        _change(request, user)
        return HttpResponseRedirect(request.path)
    context = {"title": _("The weekly mail"), "subscribed": subscribing.subscribed(user), "address": user.email}
    return render(request, "metrics/digest/page.html", {**admin.site.each_context(request), **context})


def _change(request: HttpRequest, user: User) -> None:
    if request.POST.get("wish") == "end":
        subscribing.unsubscribe(user)
        messages.success(request, _("You get no weekly mail any more."))
        return
    try:
        subscribing.subscribe(user, address=request.build_absolute_uri("/"))
    except Invalid as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _("From next Monday on you get the week's report by mail."))


@never_cache
@require_safe
def preview(request: HttpRequest) -> HttpResponse:
    """The mail as it would be written now about the last full week."""
    user = _reader(request)
    now = datetime.now(UTC)
    week = now.date() - timedelta(days=now.weekday()) - letter.WEEK
    made = letter.write(user, week, address=request.build_absolute_uri("/").rstrip("/"), now=now)
    sources = {one.key: f"data:image/png;base64,{base64.b64encode(one.png).decode()}" for one in made.pictures}
    return HttpResponse(made.html(sources))


@csrf_exempt  # the mail program of the reader calls it; the signed token is the proof
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """One click ends the mail, signed in or not. Looking at the page changes nothing: programs follow links too."""
    user = subscribing.holder_of(token)
    if user is None:
        raise Http404
    done = request.method == "POST"
    if done:
        subscribing.unsubscribe(user, origin="mail")
    return render(request, "metrics/digest/unsubscribe.html", {"done": done, "title": _("The weekly mail")})


def _reader(request: HttpRequest) -> User:
    user = cast(User, request.user)
    if not (user.is_staff and user.has_perm(looking.REPORTS)):
        raise PermissionDenied
    return user
