"""The sidebar: by job, not by table. What an account may not see is not offered."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise
# Title, address, and the permissions of which one is enough (none: everybody who may come in).
ENTRIES: tuple[tuple[Text, tuple[tuple[Text, str, tuple[str, ...]], ...]], ...] = (
    (
        _("My work"),
        (
            (_("Home"), "admin:index", ()),
            (_("Review desk"), "desk:start", ("review.claim_reviewtask",)),
        ),
    ),
    (
        _("Queues"),
        (
            (_("Tasks"), "admin:review_reviewtask_changelist", ("review.view_reviewtask",)),
            (_("Queues"), "admin:review_queue_changelist", ("review.view_queue",)),
        ),
    ),
    (
        _("Cases"),
        (
            (_("Cases"), "admin:cases_case_changelist", ("cases.view_case", "cases.view_case_with_reason")),
            (_("Decisions"), "admin:review_decision_changelist", ("review.view_decision",)),
            (_("Deliveries"), "admin:cases_effect_changelist", ("cases.view_effect",)),
        ),
    ),
    (
        _("Quality"),
        (
            (_("Samples"), "admin:feedback_sample_changelist", ("feedback.view_sample",)),
            (_("Outcome reports"), "admin:feedback_outcomereport_changelist", ("feedback.view_outcomereport",)),
            (_("Audit log"), "admin:cases_auditevent_changelist", ("cases.view_auditevent",)),
        ),
    ),
    (
        _("Learning"),
        (
            (_("Corrections"), "admin:feedback_correction_changelist", ("feedback.view_correction",)),
            (_("Models"), "admin:feedback_modelversion_changelist", ("feedback.view_modelversion",)),
            (_("Labelled examples"), "admin:feedback_labelledexample_changelist", ("feedback.view_labelledexample",)),
        ),
    ),
    (_("Reports"), ((_("Reports"), "reports:report", ("metrics.view_report",)),)),
    (
        _("Set-up"),
        (
            (_("Case types"), "admin:cases_casetype_changelist", ("cases.view_casetype",)),
            (_("Policies"), "admin:review_policy_changelist", ("review.view_policy",)),
            (_("Webhooks"), "admin:cases_webhookendpoint_changelist", ("cases.view_webhookendpoint",)),
            (_("API tokens"), "admin:cases_apitoken_changelist", ("cases.view_apitoken",)),
            (_("People"), "admin:auth_user_changelist", ("auth.view_user",)),
            (_("Roles"), "admin:auth_group_changelist", ("auth.view_group",)),
            (_("Background jobs"), "django_rq:home", ("django_rq.admin",)),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Item:
    title: Text
    url: str
    current: bool


@dataclass(frozen=True, slots=True)
class Group:
    title: Text
    items: list[Item]


def navigation(request: HttpRequest) -> list[Group]:
    """The groups of the sidebar that hold anything for this account."""
    groups = [Group(title, list(_items(request, entries))) for title, entries in ENTRIES]
    return [group for group in groups if group.items]


def _items(request: HttpRequest, entries: tuple[tuple[Text, str, tuple[str, ...]], ...]) -> Iterator[Item]:
    for title, name, permissions in entries:
        if permissions and not any(request.user.has_perm(permission) for permission in permissions):
            continue
        try:
            url = reverse(name)
        except NoReverseMatch:  # a page that this installation does not have
            continue
        current = request.path == url if name == "admin:index" else request.path.startswith(url)
        yield Item(title, url, current)
