"""Alerts in the back office: the list, and the page of one with its chart, its cases, what changed before, and its acts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.access import can
from cases.admin.base import BackOfficeAdmin, VisibleFilter, account, tell
from cases.errors import Refused
from cases.models import Effect
from metrics.admin.words import mute_badge, severity_badge, state_badge
from metrics.alerting import acts, governor, reading
from metrics.alerting.picture import picture
from metrics.models import Alert, Kind

ORIGIN = "admin"
LARGEST_INT = 10**6
SNOOZES = (
    (30, gettext_lazy("30 minutes")),
    (120, gettext_lazy("2 hours")),
    (480, gettext_lazy("8 hours")),
    (1440, gettext_lazy("a day")),
)


@admin.register(Alert)
class AlertAdmin(BackOfficeAdmin):
    list_display = ("about", "severity_shown", "state_shown", "sentence", "opened_at")
    list_display_links = ("about",)
    list_filter = ("state", "severity", "kind", ("case_type", VisibleFilter))
    list_select_related = ("rule",)
    ordering = ("-id",)
    sortable_by = ()
    change_form_template = "admin/metrics/alert/page.html"

    def get_urls(self) -> list[URLPattern]:
        acts_: tuple[tuple[str, Callable[..., HttpResponse]], ...] = (
            ("acknowledge", self.acknowledge),
            ("snooze", self.snooze),
            ("resolve", self.resolve),
        )
        own = [
            path(f"<int:pk>/{name}/", self.admin_site.admin_view(act), name=f"metrics_alert_{name}")
            for name, act in acts_
        ]
        return [*own, *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        alert = self.get_object(request, object_id or "")
        if alert is None:
            raise Http404
        context = {**self.admin_site.each_context(request), "opts": self.opts, **_page(alert, request)}
        return TemplateResponse(request, self.change_form_template, context)

    def acknowledge(self, request: HttpRequest, pk: int) -> HttpResponse:
        note = request.POST.get("note", "")
        return self._act(
            request, pk, lambda: acts.acknowledge(pk, by=account(request), origin=ORIGIN, note=note), _("Acknowledged.")
        )

    def snooze(self, request: HttpRequest, pk: int) -> HttpResponse:
        given, note = request.POST.get("minutes", ""), request.POST.get("note", "")
        minutes = int(given) if given.isascii() and given.isdecimal() and len(given) < len(str(LARGEST_INT)) else 0
        return self._act(
            request,
            pk,
            lambda: acts.snooze(pk, by=account(request), origin=ORIGIN, minutes=minutes, note=note),
            _("Snoozed. It is open again after that if it still holds."),
        )

    def resolve(self, request: HttpRequest, pk: int) -> HttpResponse:
        note = request.POST.get("note", "")
        return self._act(
            request, pk, lambda: acts.resolve(pk, by=account(request), origin=ORIGIN, note=note), _("Resolved.")
        )

    def _act(self, request: HttpRequest, pk: int, act: Callable[[], Alert], done: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if self.get_object(request, str(pk)) is None:
            raise Http404
        try:
            act()
            messages.success(request, done)
        except Refused as refusal:
            tell(request, refusal)
        return HttpResponseRedirect(reverse("admin:metrics_alert_change", args=[pk]))

    @admin.display(description=gettext_lazy("alert"))
    def about(self, alert: Alert) -> str:
        return str(alert)

    @admin.display(description=gettext_lazy("severity"))
    def severity_shown(self, alert: Alert) -> SafeString:
        return severity_badge(alert.severity)

    @admin.display(description=gettext_lazy("state"))
    def state_shown(self, alert: Alert) -> SafeString:
        return format_html("{} {}", state_badge(alert), mute_badge(alert.rule))

    @admin.display(description=gettext_lazy("what was found"))
    def sentence(self, alert: Alert) -> str:
        return reading.words(alert)


def _page(alert: Alert, request: HttpRequest) -> dict[str, Any]:
    user = account(request)
    standing = alert.state != Alert.State.RESOLVED
    may = standing and can(user, acts.CHANGE, alert)
    return {
        "title": str(alert),
        "alert": alert,
        "words": reading.words(alert),
        "advice": reading.advice(alert),
        "severity": severity_badge(alert.severity),
        "state": state_badge(alert),
        "mute": reading.mute_of(alert.rule),
        "mute_badge": mute_badge(alert.rule),
        "picture": picture(alert),
        "cases": reading.cases_of([alert], user)[alert.pk],
        "changes": [_change(each) for each in alert.evidence.get("changes", [])],
        "history": list(alert.events.all()),
        "deliveries": _deliveries(alert) if can(user, "cases.view_effect") else None,
        "governed": _governed(alert) if standing else None,
        "may": may,
        "may_acknowledge": may and alert.state != Alert.State.ACKNOWLEDGED,
        "snoozes": SNOOZES,
        "longest_note": acts.LONGEST_NOTE,
        "longest_snooze": acts.LONGEST_SNOOZE // timedelta(minutes=1),
    }


def _deliveries(alert: Alert) -> QuerySet[Effect]:
    """What left because of it, found by the beginning of its key."""
    stem = f"alert-{alert.pk}-"
    rows = Effect.objects.filter(key__gte=stem, key__lt=stem + "\uffff").select_related("endpoint")
    return rows.defer("body", "options").order_by("id")


def _governed(alert: Alert) -> governor.Finding | None:
    """The choices, at today's prices."""
    if alert.kind != Kind.GOVERNOR:
        return None
    return next((found for found in governor.findings() if found.case_type_id == alert.case_type_id), None)


CHANGES = {
    "policy": (gettext_lazy("policy in force"), "admin:review_policy_change"),
    "model": (gettext_lazy("model promoted"), "admin:feedback_modelversion_change"),
    "prompt": (gettext_lazy("prompt promoted"), "admin:feedback_promptversion_change"),
    "source_new": (gettext_lazy("new source"), ""),
    "source_grown": (gettext_lazy("source grown"), ""),
    "configuration": (gettext_lazy("configuration"), ""),
}


def _change(found: dict[str, Any]) -> dict[str, Any]:
    """A change as the page lists it."""
    word, address = CHANGES.get(found["kind"], (found["kind"], ""))
    url = reverse(address, args=[found["pk"]]) if address and found.get("pk") else ""
    return {**found, "word": word, "url": url, "when": datetime.fromisoformat(found["at"])}
