"""Who leads by the numbers: a few of the report's figures with their watch words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.http import QueryDict

from cases.access import can
from metrics import cards, periods, report

HEADLINES = (
    "throughput_clock",
    "escalation_rate",
    "override_rate_sampled",
    "automated_error",
    "sla_attainment",
    "backlog",
)


def blocks(user: User, *, at_the_desk: bool) -> dict[str, Any]:
    """Not for those at the desk: they have the queues, and the report is one step away."""
    return {"headlines": headlines() if not at_the_desk and can(user, "metrics.view_report") else []}


def headlines() -> list[cards.Card]:
    now = datetime.now(UTC)
    made = report.build(periods.read(QueryDict(), now=now), now=now)
    return [cards.card(reading, made) for reading in made.readings if reading.measure.key in HEADLINES]
