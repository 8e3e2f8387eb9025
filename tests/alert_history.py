"""Rollup rows for alerts, written directly: so many of so many, hour by hour."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from cases.models import CaseType
from metrics.models import AlertRule, FlowRollup, Span

HOUR = timedelta(hours=1)
NOW = datetime(2026, 3, 18, 12, 0, tzinfo=UTC)


def flow(case_type: CaseType, start: datetime, *, routed: int, escalated: int, mode: str = "exception_handler") -> None:
    for reason, count in (("", routed - escalated), ("low_confidence", escalated)):
        row: dict[str, Any] = {"case_type": case_type, "start": start, "mode": mode, "reason": reason}
        FlowRollup.objects.create(span=Span.HOUR, routed=count, received=count, **row)


def week(
    case_type: CaseType, *, until: datetime = NOW, routed: int = 100, escalated: int = 15, hours: int = 8 * 24
) -> None:
    """Even traffic up to a full hour."""
    rows = []
    for n in range(1, hours + 1):
        row: dict[str, Any] = {"case_type": case_type, "span": Span.HOUR, "start": until - n * HOUR}
        row |= {"mode": "exception_handler"}
        rows += [
            FlowRollup(**row, reason="", routed=routed - escalated),
            FlowRollup(**row, reason="low_confidence", routed=escalated),
        ]
    FlowRollup.objects.bulk_create(rows)


def only(key: str, **changes: Any) -> AlertRule:
    """The rule of that key as installed, changed; every other one switched off."""
    AlertRule.objects.exclude(key=key).update(enabled=False)
    AlertRule.objects.filter(key=key).update(**changes)
    return AlertRule.objects.get(key=key)


def rule(kind: str, **fields: Any) -> AlertRule:
    """A rule alone."""
    AlertRule.objects.update(enabled=False)
    return AlertRule.objects.create(**{"key": f"my-{kind}"[:64], "name": kind, "kind": kind, **fields})
