"""What leaves the house: deliveries with their attempts, and the endpoints they go to."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cases import outbox, webhooks
from cases.access import can, visible
from cases.addresses import RefusedUrl, check_url
from cases.admin.base import BackOfficeAdmin, VisibleFilter, account, badge, tell
from cases.admin.editing import AuditedAdmin
from cases.admin.words import STATUS_KINDS
from cases.errors import Refused
from cases.models import Effect, EffectAttempt, WebhookEndpoint

RETRY = "cases.retry_effect"


class TriesInline(admin.TabularInline):  # type: ignore[type-arg]  # generic in the stubs only
    model = EffectAttempt
    fields = readonly_fields = ("number", "at", "succeeded", "status", "detail", "elapsed_ms")
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can(account(request), "cases.view_effectattempt")


@admin.register(Effect)
class EffectAdmin(BackOfficeAdmin):
    list_display = ("event", "case_link", "target", "status_badge", "attempts", "created_at", "error")
    list_filter = ("status", ("endpoint", VisibleFilter))
    list_select_related = ("endpoint", "case")
    ordering = ("-id",)
    sortable_by = ()
    number = "case_id"
    exact = ("key",)
    search_help_text = gettext_lazy("Number of a case, or an idempotency key")
    actions = ("send_again",)
    inlines = (TriesInline,)
    fields = (
        "event",
        "case_link",
        "target",
        "status_badge",
        "key",
        "attempts",
        "next_attempt_at",
        "delivered_at",
        "last_error",
    )
    readonly_fields = ("case_link", "target", "status_badge")

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Effect]:
        rows: models.QuerySet[Effect] = super().get_queryset(request)
        return rows.defer("body", "options", "case__payload", "case__context", "case__metadata")

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return can(account(request), RETRY)

    @admin.action(description=gettext_lazy("Send again"), permissions=["retry"])
    def send_again(self, request: HttpRequest, queryset: models.QuerySet[Effect]) -> None:
        """Only rows on which this account may do it: the list shows more than one may act on."""
        try:
            count = outbox.retry(visible(account(request), queryset, RETRY), actor=account(request), origin="admin")
        except Refused as refusal:
            tell(request, refusal)
            return
        told = ngettext(
            "%(count)d delivery is on its way again.", "%(count)d deliveries are on their way again.", count
        )
        messages.success(request, told % {"count": count})

    @admin.display(description=gettext_lazy("case"))
    def case_link(self, effect: Effect) -> SafeString | str:
        if not effect.case_id:
            return "–"
        return format_html(
            '<a href="{}">#{}</a>', reverse("admin:cases_case_change", args=[effect.case_id]), effect.case_id
        )

    @admin.display(description=gettext_lazy("to"))
    def target(self, effect: Effect) -> str:
        return effect.endpoint.key if effect.endpoint else effect.action

    @admin.display(description=gettext_lazy("status"))
    def status_badge(self, effect: Effect) -> SafeString:
        return badge(effect.get_status_display(), STATUS_KINDS[effect.status])

    @admin.display(description=gettext_lazy("last error"))
    def error(self, effect: Effect) -> str:
        return effect.last_error[:120]


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]  # generic in the stubs only
    events = forms.MultipleChoiceField(
        choices=[(event, event) for event in outbox.EVENTS],
        widget=forms.CheckboxSelectMultiple,
        label=gettext_lazy("events"),
    )

    url = forms.URLField(assume_scheme="https", max_length=500, label="URL")

    class Meta:
        model = WebhookEndpoint
        fields = ("key", "url", "events", "enabled")

    def clean_url(self) -> str:
        """The same rule as when it is called: an address outside, by name."""
        try:
            check_url(self.cleaned_data["url"])
        except RefusedUrl as refusal:
            raise ValidationError(str(refusal)) from None
        return str(self.cleaned_data["url"])


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(AuditedAdmin):
    form = EndpointForm
    list_display = ("key", "url", "events_told", "status_badge", "owner")
    list_select_related = ("owner",)
    sortable_by = ("key",)
    exact = ("key",)

    def get_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("key", "url", "events", "enabled", "disabled_reason") if obj else ("key", "url", "events")

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("key", "disabled_reason") if obj else ()

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:  # noqa: FBT001 - theirs
        """A new one comes from the verb, with its secret; only `response_add` shows it, and only once."""
        if change:
            if obj.enabled:
                obj.disabled_reason = ""
            super().save_model(request, obj, form, change)
            return
        made = webhooks.add_endpoint(
            key=obj.key, url=obj.url, events=obj.events, owner=account(request), origin="admin"
        )
        obj.pk, obj.secret = made.pk, made.secret

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return secret_page(
            self,
            request,
            title=_("Endpoint %(key)s") % {"key": obj.key},
            secret=obj.secret,
            back="admin:cases_webhookendpoint_changelist",
        )

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        try:
            return super().add_view(request, form_url, extra_context)
        except Refused as refusal:
            tell(request, refusal)
            return HttpResponseRedirect(request.path)

    @admin.display(description=gettext_lazy("events"))
    def events_told(self, endpoint: WebhookEndpoint) -> str:
        return ", ".join(endpoint.events)

    @admin.display(description=gettext_lazy("status"))
    def status_badge(self, endpoint: WebhookEndpoint) -> SafeString:
        return badge(_("enabled"), "ok") if endpoint.enabled else badge(_("disabled"), "danger")


def secret_page(page_of: BackOfficeAdmin, request: HttpRequest, *, title: str, secret: str, back: str) -> HttpResponse:
    """A secret, shown this once."""
    context = {
        **page_of.admin_site.each_context(request),
        "opts": page_of.opts,
        "title": title,
        "secret": secret,
        "back": reverse(back),
    }
    answer = TemplateResponse(request, "admin/secret.html", context)
    answer["Cache-Control"] = "no-store"
    return answer
