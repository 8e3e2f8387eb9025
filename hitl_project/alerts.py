"""The alerts in the frame: how many call, asked every few seconds by every page that is looked at, at the cost of one small query."""

from __future__ import annotations

import hashlib
from typing import Any, cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified, JsonResponse
from django.urls import reverse
from django.utils.text import capfirst
from django.views.decorators.http import require_GET

from cases.access import can
from metrics.alerting import reading
from metrics.alerting.acts import SEE
from metrics.models import Kind, Severity

MOST_SHOWN = 5
MOST_COUNTED = 100
TONES = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "danger"}


@require_GET
def calling(request: HttpRequest) -> HttpResponse:
    """How many alerts call, and the newest. An answer that has not changed is 304, without a body."""
    user = cast(User, request.user)
    rows = list(calling_rows(user)[:MOST_COUNTED])
    state = ",".join(f"{row['pk']}:{row['severity']}" for row in rows)
    tag = f'"{hashlib.sha256(f"{user.pk}|{request.LANGUAGE_CODE}|{state}".encode()).hexdigest()[:24]}"'
    if request.headers.get("If-None-Match") == tag:
        answer: HttpResponse = HttpResponseNotModified()
    else:
        answer = JsonResponse({"count": len(rows), "alerts": [as_json(row) for row in rows[:MOST_SHOWN]]})
    answer["ETag"], answer["Cache-Control"] = tag, "private, no-cache"
    return answer


def calling_rows(user: User) -> Any:
    """The newest alerts that ask for somebody and are not muted, as far as the account may see them."""
    rows = reading.seen_by(user).calling().filter(muted=False).order_by("-id")
    return rows.values("pk", "kind", "severity", "subject_name")


def offered(user: User) -> dict[str, Any]:
    """What the frame needs to ask; nothing for accounts that see no alerts. It costs a page no query."""
    return {"url": reverse("admin:alerts_calling")} if can(user, SEE) else {}


def as_json(row: dict[str, Any]) -> dict[str, Any]:
    severity = Severity(row["severity"])
    return {
        "id": row["pk"],
        "text": f"{capfirst(Kind(row['kind']).label)}: {row['subject_name']}",
        "severity": str(severity.label),
        "tone": TONES[severity],
        "url": reverse("admin:metrics_alert_change", args=[row["pk"]]),
    }
