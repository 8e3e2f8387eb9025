"""How much is open and how much of it is overdue, at a cost that does not grow with either."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Sum

from cases.models import CaseType
from cases.models.choices import Reason
from metrics.models import Span, WorkRollup
from metrics.periods import floor
from review.models import ReviewTask

Lane = tuple[int, int]  # queue and priority


def open_at(case_type: CaseType | None, moment: datetime) -> int:
    """Tasks that were open at a full hour: all that came until then less all that went."""
    found = _until(case_type, moment).aggregate(balance=Sum(F("opened") - F("ended"), default=0))
    return max(0, int(found["balance"]))


def overdue(case_type: CaseType | None, *, now: datetime) -> int:
    """Open tasks past their due moment."""
    hour = floor(now, Span.HOUR)
    past = _until(case_type, hour).aggregate(unmet=Sum("unmet", default=0))["unmet"]
    return int(past) + unmet(case_type, since=hour, now=now).total()


def unmet(case_type: CaseType | None, *, since: datetime, now: datetime) -> Counter[Lane]:
    """Tasks that fell due between a full hour and now and are open, by queue and priority.

    The hour under way is counted live: its rollup holds what falls due later in it as well.
    """
    hour = floor(now, Span.HOUR)
    rows = _of(case_type, WorkRollup.objects.within(Span.HOUR, since, hour))
    live = ReviewTask.objects.open().filter(planted=False, due_at__gte=hour, due_at__lt=now).order_by()
    live = live.exclude(reason=Reason.SECOND_READ)
    if case_type:
        live = live.filter(case__case_type=case_type)
    lanes: Counter[Lane] = Counter()
    past: Any = rows.filter(unmet__gt=0).values("queue_id", "priority").annotate(count=Sum("unmet"))
    present: Any = live.values("queue_id", "priority").annotate(count=Count("pk"))
    for found in (past, present):
        lanes.update({(row["queue_id"], row["priority"]): row["count"] for row in found})
    return lanes


def _until(case_type: CaseType | None, moment: datetime) -> Any:
    """Rows of everything before a full hour: whole days, then the hours of the last day."""
    day = floor(moment, Span.DAY)
    days = WorkRollup.objects.filter(span=Span.DAY, start__lt=day)
    hours = WorkRollup.objects.within(Span.HOUR, day, moment)
    return _of(case_type, days | hours)


def _of(case_type: CaseType | None, rows: Any) -> Any:
    return rows.filter(case_type=case_type) if case_type else rows
