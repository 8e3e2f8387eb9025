"""django-rq's pages, for administrators alone: its own guard lets any staff user read and empty the queues."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django_rq.urls import get_admin_urlpatterns, get_api_urlpatterns

View = Callable[..., HttpResponse]


def may_see_queues(request: HttpRequest) -> bool:
    return request.user.is_superuser or request.user.has_perm("django_rq.admin")


def _guarded(view: View) -> View:
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if not may_see_queues(request):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return admin.site.admin_view(guarded)


# Its JSON addresses have a guard of their own, by a token of its own; ours comes before it.
_figures = [URLPattern(each.pattern, _guarded(each.callback), name=each.name) for each in get_api_urlpatterns()]
urlpatterns: list[URLPattern] = [*_figures, *get_admin_urlpatterns(view_wrapper=_guarded)]
