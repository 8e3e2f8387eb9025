"""The sidebar: by job, not by table. What an account may not see is not offered."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from django.http import HttpRequest
from django.urls import NoReverseMatch, get_script_prefix, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Entry:
    """A page: its address by name, its symbol in the sprite, and the permissions of which one is enough (none: all)."""

    title: Text
    address: str
    icon: str
    permissions: tuple[str, ...] = ()
    live: str = ""  # what is counted beside it while the page is open


@dataclass(frozen=True, slots=True)
class Job:
    """A group of the sidebar. Under ``key`` the browser remembers whether it is folded."""

    key: str
    title: Text
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Item:
    title: Text
    url: str
    icon: str
    current: bool = False
    live: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    key: str
    title: Text
    items: list[Item]


JOBS: tuple[Job, ...] = (
    Job(
        "work",
        _("My work"),
        (
            Entry(_("Home"), "admin:index", "home"),
            Entry(_("Review desk"), "desk:start", "desk", ("review.claim_reviewtask",)),
            Entry(_("Decide together"), "desk:together", "together", ("review.work_ordinary_queues",)),
            Entry(_("My day"), "desk:summary", "clock", ("review.claim_reviewtask",)),
            Entry(_("How I decide"), "people:mine", "samples", ("review.decide_reviewtask",)),
        ),
    ),
    Job(
        "queues",
        _("Queues"),
        (
            Entry(_("Queues"), "desk:queues", "queues", ("review.claim_reviewtask",)),
            Entry(_("Open tasks"), "desk:tasks", "tasks", ("review.claim_reviewtask",)),
            Entry(_("All tasks"), "admin:review_reviewtask_changelist", "audit", ("review.view_reviewtask",)),
        ),
    ),
    Job(
        "cases",
        _("Cases"),
        (
            Entry(
                _("Cases"), "admin:cases_case_changelist", "cases", ("cases.view_case", "cases.view_case_with_reason")
            ),
            Entry(_("Decisions"), "admin:review_decision_changelist", "decisions", ("review.view_decision",)),
            Entry(_("Deliveries"), "admin:cases_effect_changelist", "deliveries", ("cases.view_effect",)),
        ),
    ),
    Job(
        "quality",
        _("Quality"),
        (
            Entry(_("Rounds"), "admin:feedback_round_changelist", "together", ("feedback.view_round",)),
            Entry(_("Samples"), "admin:feedback_sample_changelist", "samples", ("feedback.view_sample",)),
            Entry(_("Second reads"), "admin:feedback_secondread_changelist", "together", ("feedback.view_secondread",)),
            Entry(
                _("Outcome reports"),
                "admin:feedback_outcomereport_changelist",
                "outcomes",
                ("feedback.view_outcomereport",),
            ),
            Entry(_("Known cases"), "admin:feedback_goldcase_changelist", "samples", ("feedback.view_goldcase",)),
            Entry(_("Flags"), "admin:feedback_flag_changelist", "people", ("feedback.view_flag",)),
            Entry(_("Team"), "people:team", "people", ("feedback.view_flag", "cases.count_auditevent")),
            Entry(_("Audit log"), "admin:cases_auditevent_changelist", "audit", ("cases.view_auditevent",)),
        ),
    ),
    Job(
        "learning",
        _("Learning"),
        (
            Entry(
                _("Corrections"), "admin:feedback_correction_changelist", "corrections", ("feedback.view_correction",)
            ),
            Entry(_("Datasets"), "admin:feedback_dataset_changelist", "datasets", ("feedback.view_dataset",)),
            Entry(_("Models"), "admin:feedback_modelversion_changelist", "models", ("feedback.view_modelversion",)),
            Entry(_("Prompts"), "admin:feedback_promptversion_changelist", "tokens", ("feedback.view_promptversion",)),
            Entry(_("Runs"), "admin:feedback_run_changelist", "jobs", ("feedback.view_run",)),
            Entry(
                _("Labelled examples"),
                "admin:feedback_labelledexample_changelist",
                "examples",
                ("feedback.view_labelledexample",),
            ),
        ),
    ),
    Job(
        "reports",
        _("Reports"),
        (
            Entry(_("Overview"), "reports:report", "reports", ("metrics.view_report",)),
            Entry(_("Throughput"), "reports:throughput", "clock", ("metrics.view_report",)),
            Entry(_("Quality"), "reports:quality", "quality", ("metrics.view_report",)),
            Entry(_("Time"), "reports:time", "waiting", ("metrics.view_report",)),
            Entry(_("How people work"), "reports:people", "people", ("metrics.view_report", "review.claim_reviewtask")),
            Entry(_("Models and policies"), "reports:models", "models", ("metrics.view_report",)),
            Entry(_("Cost"), "reports:cost", "deliveries", ("metrics.view_report",)),
            Entry(_("Alerts"), "admin:metrics_alert_changelist", "warning", ("metrics.view_alert",), live="alerts"),
        ),
    ),
    Job(
        "setup",
        _("Set-up"),
        (
            Entry(_("Case types"), "admin:cases_casetype_changelist", "types", ("cases.view_casetype",)),
            Entry(_("Policies"), "admin:review_policy_changelist", "policies", ("review.view_policy",)),
            Entry(_("Queues"), "admin:review_queue_changelist", "queues", ("review.change_queue",)),
            Entry(_("Routing rules"), "admin:review_routingrule_changelist", "rules", ("review.view_routingrule",)),
            Entry(_("Calendars"), "admin:review_calendar_changelist", "calendars", ("review.view_calendar",)),
            Entry(_("Alert rules"), "admin:metrics_alertrule_changelist", "bell", ("metrics.view_alertrule",)),
            Entry(
                _("Alert channels"), "admin:metrics_alertchannel_changelist", "mention", ("metrics.view_alertchannel",)
            ),
            Entry(_("Webhooks"), "admin:cases_webhookendpoint_changelist", "webhooks", ("cases.view_webhookendpoint",)),
            Entry(_("API tokens"), "admin:cases_apitoken_changelist", "tokens", ("cases.view_apitoken",)),
            Entry(_("People"), "admin:auth_user_changelist", "people", ("auth.view_user",)),
            Entry(_("Roles"), "admin:auth_group_changelist", "roles", ("auth.view_group",)),
            Entry(_("Background jobs"), "django_rq:home", "jobs", ("django_rq.admin",)),
        ),
    ),
)
# In the menu behind one's initial.
ACCOUNT = (
    Entry(_("Preferences"), "admin:preferences", "preferences"),
    Entry(_("Password"), "admin:password_change", "password"),
    Entry(_("Two-step sign-in"), "mfa_index", "tokens"),
)


def navigation(request: HttpRequest) -> list[Group]:
    """The groups of the sidebar that hold anything for this account, with the page one is on marked."""
    offered = [(job, list(_offered(request, job.entries))) for job in JOBS]
    here = _closest(request.path, [url for _job, pages in offered for _entry, url in pages])
    return [
        Group(job.key, job.title, [Item(entry.title, url, entry.icon, url == here, entry.live) for entry, url in pages])
        for job, pages in offered
        if pages
    ]


def account_links(request: HttpRequest) -> list[Item]:
    """What an account may set for itself."""
    return [Item(entry.title, url, entry.icon) for entry, url in _offered(request, ACCOUNT)]


def _closest(path: str, urls: Iterable[str]) -> str:
    """The address that the page lies at or, the home page apart, below."""
    home = reverse("admin:index")
    return max((url for url in urls if path == url or (url != home and path.startswith(url))), key=len, default="")


def _offered(request: HttpRequest, entries: Iterable[Entry]) -> Iterator[tuple[Entry, str]]:
    for entry in entries:
        if entry.permissions and not any(request.user.has_perm(permission) for permission in entry.permissions):
            continue
        if url := _address(entry.address, get_script_prefix()):
            yield entry, url


@lru_cache(maxsize=1024)
def _address(name: str, _prefix: str) -> str:
    """Where a page lies under the prefix of this installation; empty where it has no such page."""
    try:
        return reverse(name)
    except NoReverseMatch:
        return ""
