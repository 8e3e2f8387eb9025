"""The back office: Django's admin with navigation by job, a command palette, notices and a home page of its own."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from django.conf import settings
from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.contrib.auth.models import User
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from hitl_project import alerts, notices, palette
from hitl_project.home import home_of
from hitl_project.navigation import account_links, navigation
from hitl_project.preferences import preferences


class BackOffice(AdminSite):
    """The back office: Django's admin under the product's name."""

    site_title = _("Countersign")
    site_header = _("Countersign")
    index_title = _("Home")
    empty_value_display = "–"
    site_url = None

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        if not context["has_permission"]:
            return context
        live = {"alerts_live": alerts.offered(cast(User, request.user))}
        return {**context, **live, "navigation": navigation(request), "account_links": account_links(request)}

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> Any:
        """The tables by app. Django asks for them on every page, and hardly any shows them: so when they are looked at."""
        return SimpleLazyObject(partial(super().get_app_list, request, app_label))

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """Where single sign-on is set up, by way of its pages: they offer it, and ask for the second step of who has one."""
        if settings.OIDC_ENABLED and not request.user.is_authenticated:
            return redirect_to_login(request.GET.get(REDIRECT_FIELD_NAME, reverse("admin:index")), "account_login")
        return super().login(request, extra_context)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Home, by role: what waits, what is mine, what is stuck."""
        return super().index(request, {**home_of(request), **(extra_context or {})})

    def get_urls(self) -> list[Any]:
        return [
            path("preferences/", self.admin_view(preferences), {"site": self}, name="preferences"),
            path("palette/", self.admin_view(palette.palette), name="palette"),
            path("alerts/calling/", self.admin_view(alerts.calling), name="alerts_calling"),
            path("notices/", self.admin_view(notices.page), name="notices"),
            path("notices/unseen/", self.admin_view(notices.unseen), name="notices_unseen"),
            path("notices/seen/", self.admin_view(notices.seen), name="notices_seen"),
            path("notices/<int:notice_id>/", self.admin_view(notices.follow), name="notice"),
            *super().get_urls(),
        ]
