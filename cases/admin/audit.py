"""The audit log: read by those whose role says so, changed by nobody."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy

from cases.admin.base import BackOfficeAdmin, account
from cases.concealment import concealed_ids
from cases.models import AuditEvent, AuditSeal


@admin.register(AuditEvent)
class AuditEventAdmin(BackOfficeAdmin):
    list_display = ("at", "action", "actor", "case_link", "origin", "told")
    list_display_links = None
    ordering = ("-id",)
    sortable_by = ()
    number = "case_id"
    search_help_text = gettext_lazy("Number of a case")
    fields = ("at", "action", "actor", "origin", "case_id", "object_type", "object_id", "request_id", "told")
    readonly_fields = ("told",)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """What an event tells is left out while somebody reads its case blind."""
        changelist = super().get_changelist_instance(request)
        page = list(changelist.result_list)
        hidden = concealed_ids(account(request), [event.case_id for event in page if event.case_id])
        for event in page:
            event.hidden = event.case_id in hidden
        changelist.result_list = page
        return changelist

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ("case_id",)

    @admin.display(description=gettext_lazy("case"))
    def case_link(self, event: AuditEvent) -> SafeString | str:
        if not event.case_id:
            return "–"
        try:
            address = reverse("admin:cases_case_change", args=[event.case_id])
        except NoReverseMatch:
            return f"#{event.case_id}"
        return format_html('<a href="{}">#{}</a>', address, event.case_id)

    @admin.display(description=gettext_lazy("details"))
    def told(self, event: Any) -> SafeString | str:
        if getattr(event, "hidden", True):
            return "–"
        text = ", ".join(f"{name}: {_plain(value)}" for name, value in event.data.items())
        return format_html('<span class="cs-quiet">{}</span>', text[:300])

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        event = super().get_object(request, object_id, from_field)
        if event is not None:
            event.hidden = bool(event.case_id and concealed_ids(account(request), [event.case_id]))
        return event


@admin.register(AuditSeal)
class AuditSealAdmin(BackOfficeAdmin):
    list_display = ("last_event", "first_event", "count", "digest", "created_at")
    ordering = ("-id",)
    sortable_by = ()
    fields = ("first_event", "last_event", "count", "previous", "digest", "created_at")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[AuditSeal]:
        return super().get_queryset(request).defer("leaves")


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
