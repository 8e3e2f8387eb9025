"""API tokens: made for an account, shown once, revoked with one click."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.access import can, visible
from cases.admin.base import BackOfficeAdmin, account, badge, tell
from cases.admin.effects import secret_page
from cases.errors import Refused
from cases.models import ApiToken
from cases.tokens import LONGEST_DAYS, issue_token, revoke_token

CHANGE = "cases.change_apitoken"


class TokenForm(forms.Form):
    user = forms.ModelChoiceField(
        User.objects.filter(is_active=True).order_by("username"), label=gettext_lazy("Account")
    )
    expires_days = forms.IntegerField(
        min_value=1,
        max_value=LONGEST_DAYS,
        initial=365,
        required=False,
        label=gettext_lazy("Days until it expires"),
        help_text=gettext_lazy("Empty: never."),
    )


@admin.register(ApiToken)
class ApiTokenAdmin(BackOfficeAdmin):
    list_display = ("prefix", "user", "status_badge", "created_at", "expires_at", "last_used_on")
    list_display_links = None
    list_select_related = ("user",)
    ordering = ("-id",)
    sortable_by = ()
    exact = ("user__username",)
    actions = ("revoke",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can(account(request), "cases.add_apitoken")

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return can(account(request), CHANGE)

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Make a token and show its text, this once."""
        if not self.has_add_permission(request):
            return HttpResponseRedirect("../")
        form = TokenForm(request.POST or None)
        form.fields["user"].queryset = _accounts(account(request))  # type: ignore[attr-defined]  # a ModelChoiceField
        if request.method == "POST" and form.is_valid():
            try:
                text = issue_token(
                    form.cleaned_data["user"],
                    expires_days=form.cleaned_data["expires_days"],
                    actor=account(request),
                    origin="admin",
                )
                title = _("A token for %(name)s") % {"name": form.cleaned_data["user"]}
                return secret_page(self, request, title=title, secret=text, back="admin:cases_apitoken_changelist")
            except Refused as refusal:
                tell(request, refusal)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": _("Make a token"), "form": form}
        return TemplateResponse(request, "admin/cases/apitoken/add.html", context)

    @admin.action(description=gettext_lazy("Revoke"), permissions=["revoke"])
    def revoke(self, request: HttpRequest, queryset: models.QuerySet[ApiToken]) -> None:
        live = list(visible(account(request), queryset.filter(revoked_at=None).select_related("user"), CHANGE))
        for token in live:
            revoke_token(token, actor=account(request), origin="admin")
        messages.success(request, _("Revoked: %(count)d") % {"count": len(live)})

    @admin.display(description=gettext_lazy("status"))
    def status_badge(self, token: ApiToken) -> SafeString:
        if token.revoked_at:
            return badge(_("revoked"), "danger")
        if token.expires_at and token.expires_at < timezone.now():
            return badge(_("expired"), "warning")
        return badge(_("valid"), "ok")


def _accounts(user: User) -> models.QuerySet[User]:
    """Tokens are made for ordinary accounts: who is no superuser makes none for one."""
    found = User.objects.filter(is_active=True).order_by("username")
    return found if user.is_superuser else found.filter(is_superuser=False)
