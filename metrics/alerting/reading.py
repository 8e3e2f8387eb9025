"""An alert as it is told to people and programs: its sentence, its cases as far as one may see them, its mute."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from django.contrib.auth.models import User
from django.utils import timezone

from cases.access import can, visible
from cases.models import Case
from metrics.alerting.acts import SEE
from metrics.alerting.kinds.table import WATCHES
from metrics.models import Alert, AlertRule
from metrics.models.alerts import AlertQuerySet

MOST_COUNTED = 100


def words(alert: Alert) -> str:
    """The sentence, in the reader's language."""
    return WATCHES[alert.kind].words(alert.evidence.get("figures", {}))


def advice(alert: Alert) -> str:
    return str(WATCHES[alert.kind].advice)


def seen_by(user: User) -> AlertQuerySet:
    """The alerts this account may see."""
    return cast(AlertQuerySet, visible(user, Alert.objects.all(), SEE))


def mute_of(rule: AlertRule) -> dict[str, Any] | None:
    """Until when, by whom and why a rule is muted; None where it is not."""
    if rule.muted_until is None or rule.muted_until <= timezone.now():
        return None
    return {"until": rule.muted_until, "by": rule.muted_by, "because": rule.muted_because}


def cases_of(alerts: Sequence[Alert], user: User) -> dict[int, list[int]]:
    """By alert, the cases behind it that this account may see. One query for all of them."""
    wanted = {number for alert in alerts for number in alert.evidence.get("cases") or ()}
    verb = next((verb for verb in ("cases.view_case", "cases.view_case_with_reason") if can(user, verb)), "")
    rows = visible(user, Case.objects.filter(pk__in=wanted), verb) if wanted and verb else Case.objects.none()
    seen = set(rows.values_list("pk", flat=True))
    return {alert.pk: [n for n in alert.evidence.get("cases") or () if n in seen] for alert in alerts}
