"""Alert channels and alert rules in the configuration file. An address of a chat or pager goes in and never comes out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import F
from django.utils.translation import gettext as _

from cases.audit import Journal
from cases.models import CaseType, WebhookEndpoint
from metrics.alerting import channels
from metrics.alerting.kinds.table import WATCHES
from metrics.alerting.parameters import check
from metrics.alerting.shapes import About
from metrics.models import AlertChannel, AlertRule, Severity
from review.models import Queue

Found = Iterator[tuple[str, str]]
Item = Mapping[str, Any]
SEVERITIES = {severity.name.lower(): severity.value for severity in Severity}
NAMES = {value: name for name, value in SEVERITIES.items()}
CHANNELS, RULES = "alert_channels", "alert_rules"
SECRET = {CHANNELS: ("url",)}
NEEDED = {CHANNELS: ("kind",), RULES: ("kind",)}
DEFAULTS: dict[str, dict[str, Any]] = {
    CHANNELS: {
        "addresses": [],
        "endpoint": None,
        "url": "",
        "least_severity": "warning",
        "every_rule": True,
        "enabled": True,
    },
    RULES: {
        "case_type": None,
        "queue": None,
        "severity": "warning",
        "trigger": "plain",
        "parameters": {},
        "channels": [],
        "enabled": True,
    },
}


def channel_items() -> dict[str, dict[str, Any]]:
    rows = AlertChannel.objects.order_by("key").select_related("endpoint")
    return {row.key: _channel(row) for row in rows}


def _channel(row: AlertChannel) -> dict[str, Any]:
    return {
        "name": row.name,
        "kind": row.kind,
        "addresses": row.addresses,
        "endpoint": row.endpoint.key if row.endpoint else None,
        "url": row.url,
        "least_severity": NAMES[row.least_severity],
        "every_rule": row.every_rule,
        "enabled": row.enabled,
    }


def rule_items() -> dict[str, dict[str, Any]]:
    rows = AlertRule.objects.order_by("key").select_related("case_type", "queue").prefetch_related("channels")
    return {row.key: _rule(row) for row in rows}


def _rule(row: AlertRule) -> dict[str, Any]:
    return {
        "name": row.name,
        "kind": row.kind,
        "case_type": row.case_type.key if row.case_type else None,
        "queue": row.queue.key if row.queue else None,
        "severity": NAMES[row.severity],
        "trigger": row.trigger,
        "parameters": row.parameters,
        "channels": sorted(channel.key for channel in row.channels.all()),
        "enabled": row.enabled,
    }


def check_channel(path: str, item: Item, known: Mapping[str, set[str]]) -> Found:
    """What a channel of its kind needs."""
    if item["endpoint"] is not None and item["endpoint"] not in known["webhooks"]:
        yield f"{path}.endpoint", _("There is no such webhook.")
        return
    given = {name: item[name] for name in ("kind", "addresses", "endpoint", "url")}
    yield from ((f"{path}.{name}", text) for name, text in channels.check(**given))


def check_rule(path: str, item: Item, known: Mapping[str, set[str]], before: Item | None) -> Found:
    """Its parameters by its kind, and everything it names."""
    watch = WATCHES[item["kind"]]
    if before and before["kind"] != item["kind"]:
        yield f"{path}.kind", _("What a rule watches does not change; give the new one another key.")
        return
    for name, text in check(watch.fields, item["parameters"]):
        yield f"{path}.parameters{f'.{name}' if name else ''}", text
    if item["trigger"] == AlertRule.Trigger.SEQUENTIAL and not watch.sequential:
        yield f"{path}.trigger", _("This kind has the plain trigger alone.")
    yield from ((f"{path}.{name}", text) for name, text in _check_names(item, known, watch.about))


def _check_names(item: Item, known: Mapping[str, set[str]], about: About) -> Found:
    for name, section, narrows in (("case_type", "case_types", About.CASE_TYPE), ("queue", "queues", About.QUEUE)):
        if item[name] is not None and about != narrows:
            yield name, _("This kind cannot be narrowed to one.")
        elif item[name] is not None and item[name] not in known[section]:
            yield name, _("There is none with this key.")
    for index, key in enumerate(item["channels"]):
        if key not in known[CHANNELS]:
            yield f"channels[{index}]", _("There is no such channel.")


def write_channel(key: str, after: Item, fields: Item, log: Journal) -> list[str]:
    values = {name: after[name] for name in ("name", "kind", "addresses", "url", "every_rule", "enabled")}
    values["least_severity"] = SEVERITIES[after["least_severity"]]
    values["endpoint"] = WebhookEndpoint.objects.filter(key=after["endpoint"]).first() if after["endpoint"] else None
    row, made = AlertChannel.objects.update_or_create(key=key, defaults=values)
    if not made:
        AlertChannel.objects.filter(pk=row.pk).update(version=F("version") + 1)
    log("alertchannel.configured", subject=row, data={"channel": key, "fields": sorted(fields)})
    return []


def write_rule(key: str, after: Item, fields: Item, log: Journal) -> list[str]:
    values = {name: after[name] for name in ("name", "kind", "trigger", "parameters", "enabled")}
    values["severity"] = SEVERITIES[after["severity"]]
    values["case_type"] = CaseType.objects.filter(key=after["case_type"]).first() if after["case_type"] else None
    values["queue"] = Queue.objects.filter(key=after["queue"]).first() if after["queue"] else None
    row, made = AlertRule.objects.update_or_create(key=key, defaults=values)
    if not made:
        AlertRule.objects.filter(pk=row.pk).update(version=F("version") + 1)
    row.channels.set(AlertChannel.objects.filter(key__in=after["channels"]))
    log("alertrule.configured", subject=row, data={"rule": key, "fields": sorted(fields)})
    return []
