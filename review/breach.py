"""Late tasks: seen once, written down, told to who holds them, to those on duty and to the outside, then treated as their
queue says. Who holds a task is told before it is late, too.

What is never done: a decision, or taking a task from somebody who is working on it at that moment.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from time import monotonic

from django.conf import settings
from django.db import transaction
from django.db.models import BooleanField, Exists, ExpressionWrapper, OuterRef, Q
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from cases import bulk, outbox
from cases.audit import Journal, journal
from cases.clock import from_now, moment
from review import duty
from review.models import Notice, Queue, ReviewTask
from review.picking import INDEPENDENT, SLACK_SECONDS
from review.route import senior_queue

BATCH = 500
WARNED = 15 * 60  # seconds before a task is due, if that is
LAST_PART = 0.25  # of the time that its promise gives: who has a quarter of an hour in all is not told at once
UNREAD = ("case__payload", "case__context", "case__metadata", "first_answer")
OnBreach = Queue.OnBreach


def see_late_tasks(*, seconds: float) -> int:
    """Batch after batch until no late task is unseen or the time is up. Returns how many were seen."""
    began, seen = monotonic(), 0
    while (batch := see_batch()) and monotonic() - began < seconds:
        seen += batch
    return seen + batch


def warn_holders() -> int:
    """Tell who holds a task that it is due soon: once for each who holds it. Returns how many were told."""
    with transaction.atomic():
        soon = [task for task in _soon() if task.due_at - moment() <= (task.due_at - task.opened_at) * LAST_PART]
        return duty.tell_holders(soon, kind=Notice.Kind.DUE_SOON)


def _soon() -> list[ReviewTask]:
    told = Notice.objects.filter(task=OuterRef("pk"), user=OuterRef("assignee"), kind=Notice.Kind.DUE_SOON)
    rows = ReviewTask.objects.claimed().filter(~Exists(told), due_at__gt=Now(), due_at__lte=from_now(seconds=WARNED))
    rows = rows.select_for_update(skip_locked=True, of=("self",)).select_related("queue", "assignee")
    return list(rows.defer("trace", "note", "first_answer").order_by("due_at", "id")[:BATCH])


def see_batch() -> int:
    """Note down one batch of late tasks and do what their queues say. Returns how many.

    A task that somebody else's statement has locked is left for the next time; one that is noted down is never seen again.
    """
    with journal(actor="sla", origin="worker") as log:
        late = _unseen()
        now = moment() if late else None
        ReviewTask.objects.filter(pk__in=[task.pk for task in late]).update(breached_at=now)
        for task in late:
            task.breached_at = now
        done = _act(late, log=log)
        for task in late:
            told = {"queue": task.queue.key, "due_at": task.due_at.isoformat(), "done": done.get(task.pk, "alerted")}
            log("task.breached", case_id=task.case_id, subject=task, data=told)
        happened = [duty.happening(task, event="task.breached", done=done.get(task.pk, "alerted")) for task in late]
        outbox.announce(happened, log=log)
    return len(late)


def _unseen() -> list[ReviewTask]:
    ordinary = from_now(seconds=settings.TASK_LEASE_SECONDS + SLACK_SECONDS)
    running = Q(assignee__isnull=False, hold_reason="", lease_until__gt=Now(), lease_until__lte=ordinary)
    rows = ReviewTask.objects.overdue().filter(breached_at__isnull=True).order_by("due_at", "id")
    rows = rows.annotate(worked_on=ExpressionWrapper(running, output_field=BooleanField()))
    rows = rows.select_for_update(skip_locked=True, of=("self",)).defer(*UNREAD)
    return list(rows.select_related("case__case_type", "queue", "policy", "assignee")[:BATCH])


def _act(late: Sequence[ReviewTask], *, log: Journal) -> dict[int, str]:
    """Do what the queues say; returns by task what was done, for those where something was."""
    resting = [task for task in late if not task.worked_on]  # type: ignore[attr-defined]  # annotated
    back = [task for task in resting if task.queue.on_breach == OnBreach.REASSIGN and _is_kept(task)]
    up = _targets(task for task in resting if task.queue.on_breach == OnBreach.RAISE and _may_rise(task))
    duty.tell_holders(late, kind=Notice.Kind.MINE_LATE)
    duty.tell([task for task in late if task not in up], kind=Notice.Kind.LATE)
    _put_up(back)
    _raise(up, log=log)
    return {**{task.pk: "put up again" for task in back}, **{task.pk: "raised" for task in up}}


def _is_kept(task: ReviewTask) -> bool:
    """Whether somebody keeps it from the others: on hold, snoozed, or claimed under a lease that has run out."""
    return task.assignee_id is not None or task.breached_at is None or task.lease_until > task.breached_at


def _put_up(tasks: Sequence[ReviewTask]) -> None:
    """Back into the queue for everybody, with a note of who had it and why. Drafts stay with those who wrote them."""
    for task in tasks:
        task.note = f"{task.note}\n{_words(task)}".strip()
        task.assignee, task.hold_reason = None, ""
    ReviewTask.objects.bulk_update(tasks, ["note", "assignee", "hold_reason"])
    ReviewTask.objects.filter(pk__in=[task.pk for task in tasks]).update(lease_until=Now())


def _words(task: ReviewTask) -> str:
    told = {"holder": task.assignee.get_username() if task.assignee else "–", "why": task.hold_reason}
    if task.hold_reason:
        return _("Put up again because it is late; %(holder)s had it on hold: %(why)s") % told
    return _("Put up again because it is late; %(holder)s had put it down.") % told


def _may_rise(task: ReviewTask) -> bool:
    """Independent readings stay where they are: who is more senior is not more independent."""
    return task.queue.kind != Queue.Kind.QUALITY and task.reason not in INDEPENDENT


def _targets(tasks: Iterable[ReviewTask]) -> dict[ReviewTask, Queue]:
    """Each task with the more senior queue it goes to; a task for which there is none is left out."""
    known: dict[tuple[int, int], Queue | None] = {}
    found = {}
    for task in tasks:
        place = (task.policy_id, task.queue_id)
        if place not in known:
            known[place] = senior_queue(task.policy, task.queue)
        if target := known[place]:
            found[task] = target
    return found


def _raise(up: dict[ReviewTask, Queue], *, log: Journal) -> None:
    """End the stays and open the next ones, as late as before, so first in line, and seen already."""
    old = [task.pk for task in up]
    ReviewTask.objects.filter(pk__in=old).update(closed_at=Now(), ending=ReviewTask.Ending.RAISED)
    opened = [_next_stay(task, target) for task, target in up.items()]
    ids = dict(bulk.create(opened, returning=("case_id", "id")))
    for task, stay in zip(up, opened, strict=True):
        stay.pk, stay.assignee_id = ids[stay.case_id], None
        log("task.raised", case_id=task.case_id, subject=task, data={"to": stay.queue.key, "because": "late"})
        log("task.opened", case_id=task.case_id, subject=stay, data={"queue": stay.queue.key, "reason": stay.reason})
    duty.tell(opened, kind=Notice.Kind.LATE)


def _next_stay(task: ReviewTask, target: Queue) -> ReviewTask:
    fields = (
        "case",
        "case_type_id",
        "language",
        "label",
        "policy",
        "reason",
        "trace",
        "blind",
        "planted",
        "priority",
        "due_at",
    )
    kept = {name: getattr(task, name) for name in (*fields, "breached_at")}
    note = f"{task.note}\n{_('Raised because it is late.')}".strip()
    return ReviewTask(queue=target, note=note, **kept)
