"""Opening and ending a case's stay in a queue, and when it is due."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from django.db.models.functions import Now

from cases.audit import Journal
from cases.models import Case
from cases.models.choices import Priority
from review.calendars import NeverOpen, add_minutes
from review.models import Policy, Queue, ReviewTask

SLA_MINUTES = {"urgent": 15, "high": 60, "normal": 480, "low": 2880}
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}")
SAMPLE_DUE = timedelta(days=7)


def due_at(policy: Policy, *, priority: int, since: datetime) -> datetime:
    """The SLA moment of a case that began to wait at ``since``, in the policy's business time where it has a calendar."""
    minutes = (SLA_MINUTES | policy.sla_minutes)[Priority(priority).name.lower()]
    return after(policy, float(minutes), since=since)


def after(policy: Policy, minutes: float, *, since: datetime) -> datetime:
    """So many minutes later as the policy counts them. A calendar that never opens counts day and night."""
    if policy.calendar is None:
        return since + timedelta(minutes=minutes)
    try:
        return add_minutes(policy.calendar.opening, since, minutes)
    except NeverOpen:
        return since + timedelta(minutes=minutes)


def language_of(case: Case) -> str:
    """The language that the sender names in the metadata, as a tag such as ``es`` or ``pt-BR``; else nothing."""
    named = case.metadata.get("language", "") if isinstance(case.metadata, dict) else ""
    return named.lower() if isinstance(named, str) and LANGUAGE.fullmatch(named) else ""


def open_task(
    case: Case, *, queue: Queue, policy: Policy, reason: str, due: datetime, log: Journal, note: str = "", **more: Any
) -> ReviewTask:
    """Put a case into a queue. The database refuses a second open task for one case."""
    task = ReviewTask.objects.create(
        case=case,
        case_type_id=case.case_type_id,
        language=language_of(case),
        queue=queue,
        policy=policy,
        reason=reason,
        priority=case.priority,
        due_at=due,
        note=note,
        **more,
    )
    log("task.opened", case_id=case.pk, subject=task, data={"queue": queue.key, "reason": reason})
    return task


def end_task(task: ReviewTask, *, ending: str) -> bool:
    """Close a stay, once: whoever comes second gets False."""
    return bool(ReviewTask.objects.open().filter(pk=task.pk).update(closed_at=Now(), ending=ending))


def end_open_tasks(*, case_id: int, log: Journal) -> None:
    """A case was withdrawn: its open task, if any, ends with it."""
    for task in ReviewTask.objects.open().filter(case=case_id):
        if end_task(task, ending=ReviewTask.Ending.CANCELLED):
            log("task.cancelled", case_id=case_id, subject=task)
