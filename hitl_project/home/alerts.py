"""Who looks after alerts: what calls, what stands, what is muted, and the governor where it has something to say."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.utils import timezone

from cases.access import can, visible
from hitl_project.alerts import MOST_SHOWN, as_json, calling_rows
from metrics.alerting import governor, reading
from metrics.alerting.acts import CHANGE
from metrics.models import AlertRule

SECONDS = 60
MOST_MUTED = 5


def blocks(user: User) -> dict[str, Any]:
    """For those who act on alerts; auditors find them in the sidebar."""
    if not can(user, CHANGE):
        return {}
    now = timezone.now()
    standing = reading.seen_by(user).standing()
    quiet = standing.exclude(pk__in=calling_rows(user).values("pk")).order_by("-id")
    muted = visible(user, AlertRule.objects.filter(muted_until__gt=now), "metrics.view_alertrule")
    return {
        "open_alerts": {
            "calling": [as_json(row) for row in calling_rows(user)[:MOST_SHOWN]],
            "others": list(quiet[:MOST_SHOWN]),
            "muted": list(muted[:MOST_MUTED]),
        },
        "governed": governed(),
    }


def governed() -> list[governor.Finding]:
    """Computed at most once a minute."""
    found: list[governor.Finding] | None = cache.get("home-governor")
    if found is None:
        found = governor.findings()
        cache.set("home-governor", found, SECONDS)
    return found
