"""Channels in the back office. The address of a chat or pager is written, never read: the form shows only that there is one."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.base import badge
from cases.admin.editing import AuditedAdmin, VersionedForm
from metrics.admin.words import severity_badge
from metrics.alerting import channels
from metrics.models import AlertChannel

CHAT_HELP = gettext_lazy(
    "Such as slack://…, workflows://… (Teams) or pagerduty://…, as apprise writes them. It is kept secret: leave it empty to keep the present one."
)

PLACES = {"addresses": "addresses_text", "url": "chat_address"}


class ChannelForm(VersionedForm):
    addresses_text = forms.CharField(
        label=gettext_lazy("Mail addresses"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        max_length=6000,
        help_text=gettext_lazy("One to a line; for e-mail."),
    )
    chat_address = forms.CharField(
        label=gettext_lazy("Address of the chat or pager"),
        required=False,
        max_length=channels.LONGEST_URL,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=CHAT_HELP,
    )

    class Meta:
        model = AlertChannel
        fields = ("key", "name", "kind", "endpoint", "least_severity", "every_rule", "enabled")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if "endpoint" in self.fields:
            widget: Any = self.fields["endpoint"].widget
            for act in ("add", "change", "view", "delete"):
                setattr(widget, f"can_{act}_related", False)
        self.fields["addresses_text"].initial = "\n".join(self.instance.addresses or ())

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        addresses = cleaned.get("addresses_text", "").replace(",", "\n").split()
        url = (cleaned.get("chat_address") or "").strip() or self.instance.url
        kind = cleaned.get("kind", self.instance.kind)
        for name, text in channels.check(kind=kind, addresses=addresses, endpoint=cleaned.get("endpoint"), url=url):
            self.add_error(PLACES.get(name, name), text)
        mail, chat = kind == AlertChannel.Kind.MAIL, kind == AlertChannel.Kind.APPRISE
        self.instance.addresses = addresses if mail else []
        self.instance.url = url if chat else ""
        if kind != AlertChannel.Kind.WEBHOOK:
            cleaned["endpoint"] = None
        return cleaned


@admin.register(AlertChannel)
class AlertChannelAdmin(AuditedAdmin):
    form = ChannelForm
    list_display = ("name", "kind", "where", "told_from", "every_rule", "status")
    list_select_related = ("endpoint",)
    sortable_by = ("name",)
    exact = ("key",)
    prefix = ("name",)
    fieldsets = (
        (None, {"fields": ("key", "name", "kind", "row_version")}),
        (gettext_lazy("Where to"), {"fields": ("addresses_text", "endpoint", "chat_address")}),
        (gettext_lazy("What is told"), {"fields": ("least_severity", "every_rule", "enabled")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("key",) if obj else ()

    @admin.display(description=gettext_lazy("to"))
    def where(self, channel: AlertChannel) -> str:
        if channel.kind == AlertChannel.Kind.MAIL:
            return ", ".join(channel.addresses)
        if channel.endpoint:
            return channel.endpoint.key
        return f"{channel.url.partition('://')[0]}://…" if channel.url else _("no address")

    @admin.display(description=gettext_lazy("told from"))
    def told_from(self, channel: AlertChannel) -> SafeString:
        return severity_badge(channel.least_severity)

    @admin.display(description=gettext_lazy("status"))
    def status(self, channel: AlertChannel) -> SafeString:
        return badge(_("enabled"), "ok") if channel.enabled else badge(_("disabled"), "danger")
