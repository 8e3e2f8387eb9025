"""Known cases and what their readers made of them, and flags. Nobody who reads among the others sees these pages."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.base import BackOfficeAdmin, VisibleFilter, badge
from feedback.models import Flag, GoldCase


@admin.register(GoldCase)
class GoldCaseAdmin(BackOfficeAdmin):
    list_display = ("case_link", "case_type", "kind", "met", "caught", "made_by", "created_at", "standing")
    list_display_links = None
    list_filter = ("kind", ("case_type", VisibleFilter))
    list_select_related = ("case_type", "made_by")
    ordering = ("-id",)
    sortable_by = ()
    number = "case_id"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        answered = models.Count("plantings", filter=models.Q(plantings__answered_at__isnull=False))
        caught = models.Count("plantings", filter=models.Q(plantings__caught=True))
        counted: models.QuerySet[Any] = rows.annotate(count_met=answered, count_caught=caught)
        return counted

    @admin.display(description=gettext_lazy("case"))
    def case_link(self, gold: Any) -> SafeString:
        address = reverse("admin:cases_case_change", args=[gold.case_id])
        return format_html('<a href="{}">#{}</a>', address, gold.case_id)

    @admin.display(description=gettext_lazy("met by"))
    def met(self, gold: Any) -> int:
        return int(gold.count_met)

    @admin.display(description=gettext_lazy("answered rightly"))
    def caught(self, gold: Any) -> int:
        return int(gold.count_caught)

    @admin.display(description=gettext_lazy("standing"))
    def standing(self, gold: Any) -> SafeString:
        return badge(gold.retired_because, "warning") if gold.retired_at else badge(_("in use"), "ok")


@admin.register(Flag)
class FlagAdmin(BackOfficeAdmin):
    list_display = ("user", "case_type", "step", "opened_at", "closed_at", "note")
    list_display_links = None
    list_filter = (("case_type", VisibleFilter),)
    list_select_related = ("case_type", "user")
    ordering = ("user__username",)  # by name: an order that ranks nobody
    sortable_by = ()
