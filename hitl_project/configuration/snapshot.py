"""What is configured now, in the words of the configuration file."""

from __future__ import annotations

from typing import Any

import yaml
from django.contrib.auth.models import Group

from cases.models import CaseType, WebhookEndpoint
from review.models import Policy, Queue
from review.policy_rules import content_of

Section = dict[str, dict[str, Any]]
CASE_TYPE_FIELDS = (
    *("name", "impact", "reversible", "idempotent", "guidelines", "output_schema", "manual_minutes"),
    *("classifier", "action"),
)


def snapshot() -> dict[str, Section]:
    """Every section of the file, its items by their key."""
    return {"case_types": _case_types(), "queues": _queues(), "webhooks": _webhooks(), "groups": _groups()}


def as_yaml(sections: dict[str, Section]) -> str:
    """The text of a file that says just this; secrets are never in it."""
    identities = {"groups": "name"}
    document = {
        name: [{identities.get(name, "key"): key, **fields} for key, fields in items.items()]
        for name, items in sections.items()
        if items
    }
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def _case_types() -> Section:
    policies = Policy.objects.filter(status=Policy.Status.ACTIVE).prefetch_related("rules__queue")
    content = {policy.case_type_id: content_of(policy) for policy in policies}
    return {row.key: {**_case_type(row), **_policy(content.get(row.pk))} for row in CaseType.objects.order_by("key")}


def _case_type(row: CaseType) -> dict[str, Any]:
    return {**{name: getattr(row, name) for name in CASE_TYPE_FIELDS}, "manual_minutes": float(row.manual_minutes)}


def _policy(content: dict[str, Any] | None) -> dict[str, Any]:
    return {"policy": {**content, "mode": str(content["mode"])}} if content else {}


def _queues() -> Section:
    rows = Queue.objects.order_by("key").prefetch_related("groups")
    return {
        row.key: {"name": row.name, "kind": row.kind, "groups": sorted(g.name for g in row.groups.all())}
        for row in rows
    }


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
