"""The roles of the product: Django groups and what each may do. Rows are limited by the scopes of each app's ``access``.

Whatever is not listed is refused. The groups come with the migrations (see `make_groups`) and belong to the operator
from then on: nothing is ever taken from a group, and what an operator took away does not come back.
"""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.contrib.auth.management import create_permissions
from django.contrib.auth.models import Group, Permission
from django.db.models import Q

APPS = ("cases", "review", "feedback", "metrics", "auth", "django_rq")

_SEE_CASES = (
    "cases.view_case",
    "cases.view_casetype",
    "cases.view_attachment",
    "cases.view_prediction",
    "review.view_decision",
    "review.view_approval",
)
_SEE_WORK = ("review.view_reviewtask", "review.view_queue", "cases.comment_case")
_SEE_RULES = (
    "review.view_policy",
    "review.view_routingrule",
    "review.view_calendar",
    "feedback.view_modelversion",
    "feedback.view_promptversion",
)
_WORK = (
    "review.work_ordinary_queues",
    "review.claim_reviewtask",
    "review.decide_reviewtask",
    "review.raise_reviewtask",
    "review.undo_decision",
)
_SEE_EFFECTS = ("cases.view_effect", "cases.view_effectattempt", "cases.view_webhookendpoint")
_SEE_LEARNING = (
    "feedback.view_correction",
    "feedback.view_sample",
    "feedback.view_secondread",
    "feedback.view_dataset",
    "feedback.view_outcomereport",
    "feedback.view_labelledexample",
    "feedback.view_run",
)
_RUN_ROUNDS = ("feedback.view_round", "feedback.add_round", "feedback.change_round")
_PLANT_GOLD = (
    "feedback.view_goldcase",
    "feedback.add_goldcase",
    "feedback.change_goldcase",
    "feedback.view_flag",
    "feedback.change_flag",
)
_CHANGE_RULES = (
    "review.add_policy",
    "review.approve_policy",
    "review.stop_policy",
    "feedback.promote_modelversion",
    "feedback.add_promptversion",
    "feedback.promote_promptversion",
)
_SEE_ALERTS = ("metrics.view_alert", "metrics.view_alertrule")
_HANDLE_ALERTS = (*_SEE_ALERTS, "metrics.change_alert", "metrics.mute_alertrule")
_SEE_ACTS = ("cases.view_auditevent", "cases.export_auditevent")

_REVIEWER = (*_SEE_CASES, *_SEE_WORK, *_SEE_RULES, *_WORK, *_SEE_ACTS)

ROLES: dict[str, frozenset[str]] = {
    "reviewer": frozenset(_REVIEWER),
    "expert": frozenset(_REVIEWER),
    "supervisor": frozenset(
        {
            *_REVIEWER,
            *_SEE_EFFECTS,
            *_SEE_LEARNING,
            *_CHANGE_RULES,
            *_RUN_ROUNDS,
            *_PLANT_GOLD,
            "cases.view_every_case",
            "cases.retry_effect",
            "cases.redeliver_webhookendpoint",
            "cases.view_team_auditevent",
            "review.work_every_queue",
            "review.release_any_reviewtask",
            "review.assign_reviewtask",
            "feedback.add_run",
            "feedback.add_dataset",
            "feedback.change_sample",
            "feedback.export_dataset",
            "review.approve_decision",
            "review.override_decision",
            "metrics.view_report",
            *_HANDLE_ALERTS,
            "auth.view_user",
        }
    ),
    "auditor": frozenset(
        {
            *_SEE_CASES,
            *_SEE_WORK,
            *_SEE_RULES,
            *_SEE_EFFECTS,
            *_SEE_LEARNING,
            *_SEE_ACTS,
            *_RUN_ROUNDS,
            *_PLANT_GOLD,
            "cases.view_every_case",
            "cases.view_every_auditevent",
            "cases.view_auditseal",
            "cases.view_apitoken",
            "review.work_quality_queues",
            "review.claim_reviewtask",
            "review.decide_reviewtask",
            "review.request_reopening",
            "metrics.view_report",
            *_SEE_ALERTS,
            "metrics.view_alertchannel",
            "auth.view_user",
            "auth.view_group",
        }
    ),
    "manager": frozenset(
        {*_SEE_RULES, *_HANDLE_ALERTS, "cases.view_casetype", "cases.count_auditevent", "metrics.view_report"}
    ),
    "integration": frozenset(
        {
            *_SEE_CASES,
            "cases.add_case",
            "cases.cancel_case",
            "cases.predict_case",
            "cases.add_attachment",
            "cases.view_effect",
            "cases.view_webhookendpoint",
            "cases.add_webhookendpoint",
            "cases.change_webhookendpoint",
            "cases.redeliver_webhookendpoint",
            "review.view_reviewtask",
            "feedback.add_outcomereport",
        }
    ),
    "administrator": frozenset(
        {
            *_SEE_RULES,
            *_SEE_ACTS,
            *_CHANGE_RULES,
            "cases.view_case_with_reason",
            "cases.view_every_case",
            "cases.view_every_auditevent",
            "cases.view_auditseal",
            "cases.erase_case",
            "cases.view_casetype",
            "cases.add_casetype",
            "cases.change_casetype",
            "cases.view_webhookendpoint",
            "cases.add_webhookendpoint",
            "cases.change_webhookendpoint",
            "cases.delete_webhookendpoint",
            "cases.redeliver_webhookendpoint",
            "cases.view_apitoken",
            "cases.add_apitoken",
            "cases.change_apitoken",
            "review.view_queue",
            "review.add_queue",
            "review.change_queue",
            "review.delete_queue",
            "review.add_calendar",
            "review.change_calendar",
            "review.delete_calendar",
            "metrics.view_report",
            *_HANDLE_ALERTS,
            "metrics.add_alertrule",
            "metrics.change_alertrule",
            "metrics.delete_alertrule",
            "metrics.view_alertchannel",
            "metrics.add_alertchannel",
            "metrics.change_alertchannel",
            "metrics.delete_alertchannel",
            "django_rq.admin",
            "auth.view_user",
            "auth.add_user",
            "auth.change_user",
            "auth.view_group",
            "auth.add_group",
            "auth.change_group",
        }
    ),
}


def make_groups(sender: AppConfig, *, using: str = "default", **_signal: Any) -> None:
    """Make missing groups, and give the groups whatever permissions this run of ``migrate`` brought.

    Called after every migration and every flush (so the groups survive tests that empty the tables), once per app; a
    data migration would do neither, and permissions do not exist yet when it runs.
    """
    if sender.label not in APPS:
        return
    known = set(_permissions(using))
    for label in APPS:
        create_permissions(apps.get_app_config(label), verbosity=0, using=using)
    permissions = _permissions(using)
    for role, names in ROLES.items():
        group, new = Group.objects.using(using).get_or_create(name=role)
        given = names if new else names - known
        group.permissions.add(*(permissions[name] for name in given))


def _permissions(using: str) -> dict[str, Permission]:
    rows = Permission.objects.using(using).filter(Q(content_type__app_label__in=APPS)).select_related("content_type")
    return {f"{row.content_type.app_label}.{row.codename}": row for row in rows}
