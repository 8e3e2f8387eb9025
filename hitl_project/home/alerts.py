"""Who looks after alerts: what calls, what stands, what is muted, and the governor where it has something to say."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import timezone

from cases.access import can, visible
from hitl_project.alerts import MOST_COUNTED, MOST_SHOWN, as_json
from metrics.alerting import governor, reading
from metrics.alerting.acts import CHANGE
from metrics.models import Alert, AlertRule

SECONDS = 60
MOST_MUTED = 5


def blocks(user: User) -> dict[str, Any]:
    """For those who act on alerts; auditors find them in the sidebar."""
    if not can(user, CHANGE):
        return {}
    now = timezone.now()
    standing = list(reading.seen_by(user).standing().defer("evidence").order_by("-id")[:MOST_COUNTED])
    calling = [alert for alert in standing if _calls(alert, now)]
    muted = visible(user, AlertRule.objects.filter(muted_until__gt=now), "metrics.view_alertrule")
    return {
        "open_alerts": {
            "calling": [as_json(vars(alert) | {"pk": alert.pk}) for alert in calling[:MOST_SHOWN]],
            "others": [alert for alert in standing if alert not in calling][:MOST_SHOWN],
            "muted": list(muted[:MOST_MUTED]),
        },
        "governed": governed(),
    }


def _calls(alert: Alert, now: datetime) -> bool:
    """The same as `AlertQuerySet.calling`, for rows in hand."""
    woken = alert.snoozed_until is not None and alert.snoozed_until <= now
    return not alert.muted and (alert.state == Alert.State.OPEN or (alert.state == Alert.State.SNOOZED and woken))


def governed() -> list[governor.Finding]:
    """Computed at most once a minute."""
    found: list[governor.Finding] | None = cache.get("home-governor")
    if found is None:
        found = governor.findings()
        cache.set("home-governor", found, SECONDS)
    return found
