"""The back office: Django's admin with navigation by job and a home page of its own."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import gettext_lazy as _

from hitl_project.home import home_of
from hitl_project.navigation import navigation


class BackOffice(AdminSite):
    """The back office: Django's admin under the product's name."""

    site_title = _("Countersign")
    site_header = _("Countersign")
    index_title = _("Home")
    empty_value_display = "–"
    site_url = None

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        context = super().each_context(request)
        return {**context, "navigation": navigation(request) if context["has_permission"] else []}

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Home, by role: what waits, what is mine, what is stuck."""
        return super().index(request, {**home_of(request), **(extra_context or {})})
