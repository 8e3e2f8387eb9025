"""What the demo's own rules find in its history: standing alerts, one that somebody looks after, and one that is over."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import User

from cases.models import CaseType
from hitl_project.demo.people import of_role
from metrics.alerting import acts
from metrics.alerting.trial import Raised, try_out
from metrics.alerting.watching import watch
from metrics.models import Alert, AlertEvent, AlertRule, Kind

ORIGIN = "demo"
LOOKING = "The customer system’s new address is not in the name server yet. Sent again once it is."


def raise_alerts(now: datetime) -> None:
    """Look as the product does; then what people would have done."""
    _past(AlertRule.objects.filter(key="governor").first(), now)
    watch(now=now)
    leader = User.objects.get(username=of_role("supervisor")[0].username)
    for alert in Alert.objects.filter(kind=Kind.DEAD_EFFECTS, state=Alert.State.OPEN):
        acts.acknowledge(alert.pk, by=leader, origin=ORIGIN, note=LOOKING)


def _past(rule: AlertRule | None, now: datetime) -> None:
    """The newest of those that the rule would have raised and that are over."""
    found = [each for each in try_out(rule, now=now).raised if each.until] if rule else []
    if rule and found:
        _write(rule, found[-1])


def _write(rule: AlertRule, each: Raised) -> None:
    key, over = each.subject.partition(":")[2], each.until or each.at
    alert = Alert.objects.create(
        rule=rule,
        kind=rule.kind,
        severity=rule.severity,
        subject=each.subject,
        subject_name=each.name,
        case_type=CaseType.objects.filter(key=key).first(),
        state=Alert.State.RESOLVED,
        opened_at=each.at,
        last_seen=over,
        resolved_at=over,
        evidence=each.evidence,
    )
    AlertEvent.objects.create(alert=alert, at=each.at, what=AlertEvent.What.RAISED, by="alerts")
    AlertEvent.objects.create(alert=alert, at=over, what=AlertEvent.What.WELL, by="alerts")
