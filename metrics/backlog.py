"""How much is open and how much of it is overdue, at a cost that does not grow with either."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Q, Sum

from cases.models.choices import Reason
from metrics.models import Span, WorkRollup
from metrics.periods import Period, floor
from review.models import ReviewTask

Lane = tuple[int, int]  # queue and priority


@dataclass(frozen=True, slots=True)
class Standing:
    """Open tasks when a time began; overdue ones now; and of those what fell due since the step under way began."""

    open_before: int = 0
    overdue: int = 0
    late: Counter[Lane] = field(default_factory=Counter)


def standing(period: Period, *, now: datetime) -> Standing:
    """How it stands with the tasks of a period's case types and queue.

    The hour under way is counted live: its rollup holds what falls due later in it as well.
    """
    hour, present = floor(now, Span.HOUR), floor(now, period.span)
    began = min(period.start, hour)
    together = began == floor(began, Span.DAY) or began >= floor(hour, Span.DAY)
    sums: dict[str, Any] = {
        "unmet_ever": Sum("unmet", default=0),
        "unmet_today": Sum("unmet", filter=Q(start__gte=present, span=Span.HOUR), default=0),
        "balance": Sum(F("opened") - F("ended"), filter=Q(start__lt=began), default=0),
    }
    rows = list(_until(period, hour).values("queue_id", "priority").order_by().annotate(**sums))
    live = _live(period, since=hour, now=now)
    late = live + Counter({(row["queue_id"], row["priority"]): row["unmet_today"] for row in rows})
    level = sum(row["balance"] for row in rows) if together else _open_at(period, began)
    return Standing(max(0, level), sum(row["unmet_ever"] for row in rows) + live.total(), late)


def _live(period: Period, *, since: datetime, now: datetime) -> Counter[Lane]:
    rows = ReviewTask.objects.open().filter(planted=False, due_at__gte=since, due_at__lt=now).order_by()
    rows = rows.exclude(reason=Reason.SECOND_READ)
    if period.case_type:
        rows = rows.filter(case__case_type=period.case_type)
    if period.only.queue:
        rows = rows.filter(queue=period.only.queue)
    found: Any = rows.values("queue_id", "priority").annotate(count=Count("pk"))
    return Counter({(row["queue_id"], row["priority"]): row["count"] for row in found})


def _open_at(period: Period, moment: datetime) -> int:
    """Tasks that were open at a full hour: all that came until then less all that went."""
    return int(_until(period, moment).aggregate(balance=Sum(F("opened") - F("ended"), default=0))["balance"])


def _until(period: Period, moment: datetime) -> Any:
    """Rows of everything before a full hour: whole days, then the hours of the last day."""
    day = floor(moment, Span.DAY)
    rows: Any = WorkRollup.objects.filter(span=Span.DAY, start__lt=day)
    rows = rows | WorkRollup.objects.within(Span.HOUR, day, moment)
    if period.case_type:
        rows = rows.filter(case_type=period.case_type)
    return rows.filter(queue_id=period.only.queue.pk) if period.only.queue else rows
