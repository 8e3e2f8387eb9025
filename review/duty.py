"""Telling those on duty: of urgent tasks when they come in, of late ones when they are late. The outside is told too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence

from django.contrib.auth.models import User

from cases import outbox
from cases.audit import Journal
from cases.outbox import Happening
from review.models import Notice, Queue, ReviewTask
from review.profiles import on_duty_in
from review.skills import fits

MOST_NOTICES = 10  # to one person about one queue at one time: more would bury what they tell


def tell_urgent(tasks: Sequence[ReviewTask], *, log: Journal) -> None:
    """Urgent tasks were opened: a notice to those on duty who may claim them, and the event ``task.urgent``."""
    if not tasks:
        return
    queues = Queue.objects.in_bulk({task.queue_id for task in tasks})
    for task in tasks:
        task.queue = queues[task.queue_id]
    tell(tasks, kind=Notice.Kind.URGENT)
    outbox.announce([happening(task, event="task.urgent") for task in tasks], log=log)


def tell(tasks: Sequence[ReviewTask], *, kind: str) -> int:
    """A notice about each task to those on duty who may claim it and do not hold it. Returns how many were written.

    Who would get more than a few about one queue gets one, with their number. The tasks' queues should be at hand.
    """
    waiting = defaultdict[int, list[ReviewTask]](list)
    for task in tasks:
        waiting[task.queue_id].append(task)
    notices = [notice for there in waiting.values() for notice in _of_queue(there, kind=kind)]
    Notice.objects.bulk_create(notices)
    return len(notices)


def tell_holders(tasks: Sequence[ReviewTask], *, kind: str) -> int:
    """A notice about each task to whoever holds it. Returns how many were written."""
    notices = [
        Notice(user=task.assignee, kind=kind, case_id=task.case_id, task_id=task.pk, text=task.queue.name)
        for task in tasks
        if task.assignee is not None
    ]
    Notice.objects.bulk_create(notices)
    return len(notices)


def happening(task: ReviewTask, *, event: str, **more: str) -> Happening:
    """What the outside is told of a task."""
    due = task.due_at.isoformat().replace("+00:00", "Z")
    told = {"id": task.pk, "queue": task.queue.key, "reason": str(task.reason), "due_at": due, **more}
    return Happening(case=task.case, event=event, data={"task": told}, about=f"-{task.pk}")


def _of_queue(tasks: Sequence[ReviewTask], *, kind: str) -> Iterator[Notice]:
    for person in on_duty_in(tasks[0].queue).prefetch_related("skills"):
        theirs = [task for task in tasks if task.assignee_id != person.pk and _can_read(person, task)]
        yield from _for(person.pk, theirs, kind=kind)


def _can_read(person: User, task: ReviewTask) -> bool:
    known: Collection[tuple[int | None, str]] = [(skill.case_type_id, skill.language) for skill in person.skills.all()]
    return fits(known, case_type=task.case_type_id, language=task.language)


def _for(person_id: int, tasks: Sequence[ReviewTask], *, kind: str) -> Iterator[Notice]:
    """The words need no language: the queue's name, and how many."""
    many = len(tasks) > MOST_NOTICES
    for task in tasks[:1] if many else tasks:
        text = f"{task.queue.name}: {len(tasks)}" if many else task.queue.name
        yield Notice(user_id=person_id, kind=kind, case_id=task.case_id, task_id=task.pk, text=text)
