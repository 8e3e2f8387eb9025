"""Policies: versions to read in words; a change is written on a page of its own (`review.admin.proposals`) and approved here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.access import can
from cases.admin.base import BackOfficeAdmin, VisibleFilter, account, badge, tell
from cases.errors import Forbidden, Refused
from review import policies, policy_words
from review.admin.proposals import policy_or_404, propose_page, queue_names, trial
from review.models import Policy
from review.policy_rules import Content, content_of, guard

STATUS_KINDS = {"proposed": "warning", "active": "ok", "retired": "", "refused": "danger"}


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
    change_form_template = "admin/review/policy/change_form.html"
    fields = ("number",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        return super().get_queryset(request).select_related("case_type", "calendar")

    def get_urls(self) -> list[Any]:
        name = "review_policy_propose"
        page = path("<int:policy_id>/propose/", self.admin_site.admin_view(self.propose_view), name=name)
        return [page, *super().get_urls()]

    def propose_view(self, request: HttpRequest, policy_id: int) -> HttpResponse:
        """Write a change that starts from this version."""
        policy = policy_or_404(self.get_object(request, str(policy_id)))
        try:
            return propose_page(request, policy)
        except Forbidden as refusal:
            raise PermissionDenied(refusal.message) from None

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
        """What this version says, what it would change, and which of the verbs this account may use on it."""
        if policy is None:
            return {}
        user, waits = account(request), policy.status == Policy.Status.PROPOSED
        content = content_of(policy)
        return {
            "policy": policy,
            "title": str(policy),
            "subtitle": None,
            "status": self.status_badge(policy),
            "says": policy_words.lines(content, queues=queue_names()),
            "may_approve": waits and can(user, "review.approve_policy", policy),
            "own_proposal": waits and policy.author_account_id == user.pk,
            "may_propose": can(user, "review.add_policy"),
            "may_stop": _runs_by_itself(policy) and can(user, "review.stop_policy"),
            **(self._consequences(request, policy, content) if waits else {}),
        }

    def _consequences(self, request: HttpRequest, policy: Policy, content: Content) -> dict[str, Any]:
        """What a proposal comes to, for whoever is to approve it."""
        current = policies.in_force([policy.case_type])[policy.case_type_id]
        errors = guard(policy.case_type, content)
        return {"blocked": errors} if errors else trial(request, current, content)

    def _verdict(self, request: HttpRequest, policy: Policy) -> HttpResponse:
        """Approve, refuse or stop, by the button that was pressed."""
        acts: dict[str, Callable[[HttpRequest, Policy], str]] = {
            "approve": self._approve,
            "refuse": self._refuse,
            "stop": self._stop,
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


def _runs_by_itself(policy: Policy) -> bool:
    return policy.status == Policy.Status.ACTIVE and policy.mode != Policy.Mode.VALIDATOR
