"""What is configured now, in the words of the configuration file."""

from __future__ import annotations

from typing import Any

import yaml
from django.contrib.auth.models import Group

from cases.models import CaseType, WebhookEndpoint
from hitl_project.configuration import alerting
from hitl_project.configuration.checking import identity
from review.models import Calendar, Policy, Profile, Queue, Skill
from review.policy_rules import content_of

Section = dict[str, dict[str, Any]]
CASE_TYPE_FIELDS = (
    *("name", "impact", "reversible", "idempotent", "guidelines", "output_schema", "manual_minutes"),
    *("classifier", "action"),
)
QUEUE_FIELDS = ("name", "kind", "weight", "on_breach")
CALENDAR_FIELDS = ("name", "time_zone", "hours", "holidays")
ORDINARY_PERSON: dict[str, Any] = {"on_duty": False, "most_claims": 3, "skills": []}


def snapshot() -> dict[str, Section]:
    """Every section of the file, its items by their key."""
    return {
        "case_types": _case_types(),
        "queues": _queues(),
        "calendars": _calendars(),
        "webhooks": _webhooks(),
        "groups": _groups(),
        "people": _people(),
        alerting.CHANNELS: alerting.channel_items(),
        alerting.RULES: alerting.rule_items(),
    }


def as_yaml(sections: dict[str, Section]) -> str:
    """The text of a file that says just this; secrets are never in it, nor people of whom nothing special is set."""
    document = {
        name: [
            {identity(name): key, **_open(name, fields)} for key, fields in items.items() if fields != ORDINARY_PERSON
        ]
        for name, items in sections.items()
        if items
    }
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _open(section: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in alerting.SECRET.get(section, ())}


def _case_types() -> Section:
    policies = (
        Policy.objects.filter(status=Policy.Status.ACTIVE).select_related("calendar").prefetch_related("rules__queue")
    )
    content = {policy.case_type_id: content_of(policy) for policy in policies}
    return {row.key: {**_case_type(row), **_policy(content.get(row.pk))} for row in CaseType.objects.order_by("key")}


def _case_type(row: CaseType) -> dict[str, Any]:
    return {**{name: getattr(row, name) for name in CASE_TYPE_FIELDS}, "manual_minutes": float(row.manual_minutes)}


def _policy(content: dict[str, Any] | None) -> dict[str, Any]:
    return {"policy": {**content, "mode": str(content["mode"])}} if content else {}


def _queues() -> Section:
    rows = Queue.objects.order_by("key").prefetch_related("groups")
    return {
        row.key: {
            **{name: getattr(row, name) for name in QUEUE_FIELDS},
            "groups": sorted(group.name for group in row.groups.all()),
        }
        for row in rows
    }


def _calendars() -> Section:
    return {row.key: {name: getattr(row, name) for name in CALENDAR_FIELDS} for row in Calendar.objects.order_by("key")}


def _people() -> Section:
    rows = Profile.objects.select_related("user").order_by("user__username").prefetch_related("user__skills__case_type")
    return {row.user.get_username(): _person(row) for row in rows}


def _person(row: Profile) -> dict[str, Any]:
    skills = [skill_words(skill.case_type.key if skill.case_type else "", skill.language) for skill in _skills(row)]
    return {"on_duty": row.on_duty, "most_claims": row.most_claims, "skills": sorted(skills, key=str)}


def _skills(row: Profile) -> list[Skill]:
    return list(row.user.skills.all())


def skill_words(case_type: str, language: str) -> dict[str, str]:
    """A skill as the file says it: what is any is left out."""
    return {name: value for name, value in (("case_type", case_type), ("language", language)) if value}


def _webhooks() -> Section:
    rows = WebhookEndpoint.objects.order_by("key").select_related("owner")
    return {row.key: {"url": row.url, "events": row.events, "enabled": row.enabled, **_owner(row)} for row in rows}


def _owner(row: WebhookEndpoint) -> dict[str, str]:
    return {"owner": row.owner.get_username()} if row.owner else {}


def _groups() -> Section:
    rows = Group.objects.order_by("name").prefetch_related("user_set")
    return {row.name: {"members": sorted(user.get_username() for user in row.user_set.all())} for row in rows}


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, and every value written out where it stands."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
