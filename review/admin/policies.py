"""Policies: versions to read; a change is proposed and approved by two people through `review.policies`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.access import can
from cases.admin.base import BackOfficeAdmin, VisibleFilter, account, badge, tell
from cases.errors import Refused
from review import policies
from review.models import Policy, RoutingRule

STATUS_KINDS = {"proposed": "warning", "active": "ok", "retired": "", "refused": "danger"}


class RulesInline(admin.TabularInline):  # type: ignore[type-arg]  # generic in the stubs only
    model = RoutingRule
    fields = ("position", "reason", "conditions", "default", "queue")
    readonly_fields = fields
    ordering = ("position",)
    extra = 0
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can(account(request), "review.view_policy")

    @admin.display(description=gettext_lazy("when"))
    def conditions(self, rule: RoutingRule) -> str:
        rows = rule.when if isinstance(rule.when, list) else []
        return "; ".join(f"{row.get('field')} {row.get('op')} {json.dumps(row.get('value'))}" for row in rows) or "–"


@admin.register(Policy)
class PolicyAdmin(BackOfficeAdmin):
    list_display = (
        "name",
        "case_type",
        "status_badge",
        "mode",
        "threshold",
        "sample_rate",
        "author",
        "approver",
        "created_at",
    )
    list_filter = ("status", "mode", ("case_type", VisibleFilter))
    list_select_related = ("case_type",)
    ordering = ("-id",)
    sortable_by = ()
    inlines = (RulesInline,)
    change_form_template = "admin/review/policy/change_form.html"
    fields = (
        ("case_type", "number", "status_badge"),
        "mode",
        "threshold",
        "thresholds",
        ("sample_rate", "gold_rate", "second_read_rate"),
        "second_approval",
        "promise",
        "grace_seconds",
        "sla_minutes",
        ("author", "approver", "activated_at"),
        "change_reason",
    )
    readonly_fields = ("status_badge",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).select_related("case_type")

    @admin.display(description=gettext_lazy("version"))
    def name(self, policy: Policy) -> str:
        return str(policy)

    @admin.display(description=gettext_lazy("status"))
    def status_badge(self, policy: Policy) -> SafeString:
        return badge(policy.get_status_display(), STATUS_KINDS[policy.status])

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        policy = self.get_object(request, object_id)
        if request.method == "POST" and policy is not None:
            return self._verdict(request, policy)
        return super().change_view(
            request, object_id, form_url, {**self._offers(request, policy), **(extra_context or {})}
        )

    def _offers(self, request: HttpRequest, policy: Policy | None) -> dict[str, Any]:
        """Which of the verbs this account may use on this version."""
        user = account(request)
        if policy is None:
            return {}
        active, waits = policy.status == Policy.Status.ACTIVE, policy.status == Policy.Status.PROPOSED
        return {
            "policy": policy,
            "may_approve": waits and can(user, "review.approve_policy", policy),
            "own_proposal": waits and policy.author_account_id == user.pk,
            "may_propose": active and can(user, "review.add_policy"),
            "may_stop": active and policy.mode != Policy.Mode.VALIDATOR and can(user, "review.stop_policy"),
            "modes": Policy.Mode.choices,
        }

    def _verdict(self, request: HttpRequest, policy: Policy) -> HttpResponse:
        """Approve, refuse, stop or propose, by the button that was pressed."""
        acts: dict[str, Callable[[HttpRequest, Policy], str]] = {
            "approve": self._approve,
            "refuse": self._refuse,
            "stop": self._stop,
            "propose": self._propose,
        }
        act = acts.get(request.POST.get("verb", ""))
        try:
            if act is not None:
                messages.success(request, act(request, policy))
        except Refused as refusal:
            tell(request, refusal)
        return HttpResponseRedirect(request.path)

    def _approve(self, request: HttpRequest, policy: Policy) -> str:
        policies.approve_policy(policy, approver=account(request), origin="admin")
        return _("The policy is in force.")

    def _refuse(self, request: HttpRequest, policy: Policy) -> str:
        policies.refuse_policy(policy, approver=account(request), reason=request.POST.get("note", ""), origin="admin")
        return _("The proposal is turned down.")

    def _stop(self, request: HttpRequest, policy: Policy) -> str:
        policies.stop_automation(
            policy.case_type, by=account(request), reason=request.POST.get("note", ""), origin="admin"
        )
        return _("From now on a person approves every case of this type.")

    def _propose(self, request: HttpRequest, policy: Policy) -> str:
        content = {name: read(request.POST.get(name, "")) for name, read in PROPOSED.items() if request.POST.get(name)}
        made = policies.propose_policy(
            policy.case_type, author=account(request), reason=request.POST.get("note", ""), origin="admin", **content
        )
        if made.status == Policy.Status.PROPOSED:
            return format_html(_("Version {} is proposed and waits for a second person."), made.number)
        return format_html(_("Version {} is in force."), made.number)


def _share(text: str) -> Any:
    """A share as a number; what is none is handed on, for the policy's own rules to refuse with the field."""
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return text


PROPOSED: dict[str, Callable[[str], Any]] = {"mode": str, "threshold": _share, "sample_rate": _share}
