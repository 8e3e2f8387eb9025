"""Opening and ending a case's stay in a queue, and when it is due."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any

from django.db.models.functions import Now

from cases.audit import Journal
from cases.clock import from_now
from cases.models import Case
from cases.models.choices import Priority
from review import duty
from review.calendars import NeverOpen, add_minutes
from review.models import Draft, Policy, Queue, ReviewTask

SLA_MINUTES = {"urgent": 15, "high": 60, "normal": 480, "low": 2880}
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}")
SAMPLE_DUE = timedelta(days=7)
LONGEST_STAGGER = 4
SHORTEST_WORK = 0.5  # minutes
MOST_RANKS = 10_000


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


def staggered(policy: Policy, case: Case, *, since: datetime, rank: int) -> datetime:
    """The SLA moment of the ``rank``-th (from 0) of many cases that were put up at once for one reason.

    Each is due as much later, in the policy's time, as one takes by hand, so that they do not all fall due at the same
    moment. None is put off by more than `LONGEST_STAGGER` times its SLA: who comes after that is spread over the same
    stretch again. Urgent cases are never put off.
    """
    minutes = float((SLA_MINUTES | policy.sla_minutes)[Priority(case.priority).name.lower()])
    return after(policy, minutes + _put_off(case, minutes, rank=rank), since=since)


def sample_due(policy: Policy, case: Case, *, since: datetime, rank: int) -> datetime:
    """When the ``rank``-th (from 0) of the samples taken at once is due to be read."""
    week = SAMPLE_DUE / timedelta(minutes=1)
    return since + timedelta(minutes=week + _put_off(case, week / LONGEST_STAGGER, rank=rank))


def _put_off(case: Case, minutes: float, *, rank: int) -> float:
    if case.priority == Priority.URGENT:
        return 0.0
    each = max(float(case.case_type.manual_minutes), SHORTEST_WORK)
    return rank * each % (minutes * LONGEST_STAGGER)


def rank_of(case: Case, *, queue: Queue, reason: str) -> int:
    """How many tasks were put up in this queue for this reason within the hour, as far as it matters for staggering."""
    recent = ReviewTask.objects.filter(opened_at__gt=from_now(hours=-1), queue=queue, reason=reason)
    return recent.exclude(case=case)[:MOST_RANKS].count()


def language_of(case: Case) -> str:
    """The language that the sender names in the metadata, as a tag such as ``es`` or ``pt-BR``; else nothing."""
    named = case.metadata.get("language", "") if isinstance(case.metadata, dict) else ""
    return named.lower() if isinstance(named, str) and LANGUAGE.fullmatch(named) else ""


def open_task(
    case: Case, *, queue: Queue, policy: Policy, reason: str, due: datetime, log: Journal, note: str = "", **more: Any
) -> ReviewTask:
    """Put a case into a queue. The database refuses a second open task for one case.

    Of an urgent one that is for whoever comes first, those on duty are told.
    """
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
        **{"label": case.label, **more},
    )
    log("task.opened", case_id=case.pk, subject=task, data={"queue": queue.key, "reason": reason})
    if task.priority == Priority.URGENT and task.assignee_id is None:
        duty.tell_urgent([task], log=log)
    return task


def end_task(task: ReviewTask, *, ending: str) -> bool:
    """Close a stay, once: whoever comes second gets False. What was typed on it and never sent goes with it."""
    ended = bool(ReviewTask.objects.open().filter(pk=task.pk).update(closed_at=Now(), ending=ending))
    if ended:
        Draft.objects.filter(task=task.pk).delete()
    return ended


def relabel(*, case_id: int, label: str) -> None:
    """A case in review has a newer answer of the machine: its open task is found by that label from now on."""
    ReviewTask.objects.open().filter(case=case_id).update(label=label)


def end_open_tasks(*, case_id: int, log: Journal) -> None:
    """A case was withdrawn: its open task, if any, ends with it."""
    for task in ReviewTask.objects.open().filter(case=case_id):
        if end_task(task, ending=ReviewTask.Ending.CANCELLED):
            log("task.cancelled", case_id=case_id, subject=task)
