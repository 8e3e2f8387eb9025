"""Rules in the back office: choose a kind, set it, see what it would have raised, mute it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.access import can
from cases.admin.base import account, badge, tell
from cases.admin.editing import AuditedAdmin
from cases.errors import Refused
from metrics.admin.rule_form import RuleForm
from metrics.admin.words import mute_badge, severity_badge
from metrics.alerting import acts, reading
from metrics.alerting.kinds.table import WATCHES
from metrics.alerting.trial import try_out
from metrics.alerting.watching import settings_of
from metrics.models import AlertRule, Kind

ORIGIN = "admin"
MUTES = (
    (1, gettext_lazy("an hour")),
    (8, gettext_lazy("8 hours")),
    (24, gettext_lazy("a day")),
    (7 * 24, gettext_lazy("a week")),
)


@admin.register(AlertRule)
class AlertRuleAdmin(AuditedAdmin):
    form = RuleForm
    list_display = ("name", "kind", "about", "severity_shown", "trigger", "standing", "status")
    list_filter = ("kind", "severity", "enabled")
    list_select_related = ("case_type", "queue")
    sortable_by = ("name",)
    exact = ("key",)
    prefix = ("name",)
    change_form_template = "admin/metrics/alertrule/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view
        own = [
            path("<int:pk>/trial/", view(self.trial), name="metrics_alertrule_trial"),
            path("<int:pk>/mute/", view(self.mute), name="metrics_alertrule_mute"),
            path("<int:pk>/unmute/", view(self.unmute), name="metrics_alertrule_unmute"),
        ]
        return [*own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        counted: models.QuerySet[Any] = rows.annotate(
            standing_alerts=models.Count("alerts", filter=~models.Q(alerts__state="resolved"))
        )
        return counted

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("key", "kind") if obj else ()

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        kind = obj.kind if obj else request.GET.get("kind", "")
        names = RuleForm.parameter_names(kind)
        target = [] if kind not in WATCHES else RuleForm.target_names(kind)
        reads = obj is not None and not self.has_change_permission(request, obj)
        if reads:
            names = ("set_to",)
        version = () if reads else ("row_version",)
        first = (None, {"fields": ("key", "name", "kind", *version, *target, "severity", "trigger", "enabled")})
        return (
            first,
            (gettext_lazy("When it is an alert"), {"fields": names}),
            (gettext_lazy("Whom it is told"), {"fields": ("channels",)}),
        )

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any) -> Any:  # noqa: FBT001, FBT002 - theirs
        if obj is not None and not self.has_change_permission(request, obj):
            return super().get_form(request, obj, change, **options)
        kind = obj.kind if obj else request.GET.get("kind", "")
        return super().get_form(request, obj, change, **{**options, "form": RuleForm.of_kind(kind), "fields": None})

    @admin.display(description=gettext_lazy("set to"))
    def set_to(self, rule: AlertRule) -> str:
        """The parameters, for who may only read them."""
        given = settings_of(rule)
        known = [(capfirst(str(each.label)), given.get(each.name)) for each in WATCHES[rule.kind].fields]
        return ", ".join(f"{label}: {value}" for label, value in known if value is not None) or "–"

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """First the kind, since it decides what there is to set."""
        if self.has_add_permission(request) and request.GET.get("kind", "") not in WATCHES:
            own = {"opts": self.opts, "title": _("Add a rule: what is watched?"), "kinds": _kinds()}
            context = {**self.admin_site.each_context(request), **own}
            return TemplateResponse(request, "admin/metrics/alertrule/kinds.html", context)
        return super().add_view(request, form_url, extra_context)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        rule = self.get_object(request, object_id) if object_id else None
        more = {**(extra_context or {}), **(_beside(rule, request) if rule else {})}
        return super().changeform_view(request, object_id, form_url, more)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What it has raised stays for the record; such a rule is switched off instead."""
        return super().has_delete_permission(request, obj) and not (obj is not None and obj.alerts.exists())

    def trial(self, request: HttpRequest, pk: int) -> HttpResponse:
        """What the rule, as it is saved, would have raised."""
        rule = self._rule(request, pk)
        own = {"opts": self.opts, "title": _("Dry run of %(rule)s") % {"rule": rule}, "rule": rule}
        own["trial"] = try_out(rule, now=timezone.now())
        context = {**self.admin_site.each_context(request), **own}
        return TemplateResponse(request, "admin/metrics/alertrule/trial.html", context)

    def mute(self, request: HttpRequest, pk: int) -> HttpResponse:
        given = request.POST.get("hours", "")
        hours = int(given) if given.isascii() and given.isdecimal() and len(given) <= 4 else 0  # noqa: PLR2004 - digits
        until, reason = timezone.now() + timedelta(hours=hours), request.POST.get("reason", "")
        done = _("Muted. Its alerts are raised and shown, and told to nobody outside.")
        return self._act(
            request,
            pk,
            lambda rule: acts.mute(rule, by=account(request), origin=ORIGIN, until=until, reason=reason),
            done,
        )

    def unmute(self, request: HttpRequest, pk: int) -> HttpResponse:
        done = _("It is told again.")
        return self._act(request, pk, lambda rule: acts.unmute(rule, by=account(request), origin=ORIGIN), done)

    def _act(self, request: HttpRequest, pk: int, act: Callable[[AlertRule], None], done: str) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        rule = self._rule(request, pk)
        try:
            act(rule)
            messages.success(request, done)
        except Refused as refusal:
            tell(request, refusal)
        return HttpResponseRedirect(reverse("admin:metrics_alertrule_change", args=[pk]))

    def _rule(self, request: HttpRequest, pk: int) -> AlertRule:
        rule: AlertRule | None = self.get_object(request, str(pk))
        if rule is None:
            raise Http404
        return rule

    @admin.display(description=gettext_lazy("about"))
    def about(self, rule: AlertRule) -> str:
        return str(rule.case_type or rule.queue or _("all"))

    @admin.display(description=gettext_lazy("severity"))
    def severity_shown(self, rule: AlertRule) -> SafeString:
        return severity_badge(rule.severity)

    @admin.display(description=gettext_lazy("standing alerts"))
    def standing(self, rule: Any) -> int:
        return int(rule.standing_alerts)

    @admin.display(description=gettext_lazy("status"))
    def status(self, rule: AlertRule) -> SafeString:
        on = badge(_("enabled"), "ok") if rule.enabled else badge(_("switched off"))
        return format_html("{} {}", on, mute_badge(rule))


def _kinds() -> list[dict[str, Any]]:
    return [{"kind": kind, "name": Kind(kind).label, "advice": watch.advice} for kind, watch in WATCHES.items()]


def _beside(rule: AlertRule, request: HttpRequest) -> dict[str, Any]:
    return {
        "rule": rule,
        "mute": reading.mute_of(rule),
        "may_mute": can(account(request), acts.MUTE),
        "mutes": MUTES,
        "longest_reason": acts.LONGEST_REASON,
        "advice": WATCHES[rule.kind].advice,
    }
