"""Putting a task into other hands: a person's, or a queue's. And asking for help while it stays in one's own."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from cases.access import can, visible
from cases.audit import Journal, journal
from cases.clock import from_now
from cases.errors import Conflict, Invalid
from cases.models.choices import Reason
from review import notes, notices
from review.claims import CLAIM, demand_task, move_on, own_claim, senior_to, tell_holder
from review.models import Decision, Notice, Queue, ReviewTask
from review.picking import INDEPENDENT, answered_before
from review.profiles import on_duty_in, who_may, working_in
from review.tasks import end_task

ASSIGN = "review.assign_reviewtask"
WAITS_HOURS = 4
MOST_NAMED = 100


def hand_to_person(
    task_id: int, *, user: User, to: str, note: str, lease_token: int | None = None, origin: str
) -> ReviewTask:
    """Hand a task to a person who works in its queue. It waits for them for some hours, then anybody may take it.

    One's own claim is proved by its ``lease_token``; without one it takes the right to hand over anybody's. Returns the
    new stay. Raises: Invalid with the field, Conflict when the lease is lost or the task is done.
    """
    text = notes.checked(note, field="note")
    with journal(actor=user, origin=origin) as log:
        task = _in_hand(task_id, user=user, lease_token=lease_token)
        person = _able(to, task)
        tell_holder(task, by=user, why=text)
        waits = {"assignee": person, "lease_until": from_now(hours=WAITS_HOURS)}
        again = _handed(task, queue=task.queue, note=text, log=log, to=person.get_username(), **waits)
        kind = Notice.Kind.HANDED_OVER
        notices.tell([person], kind=kind, case_id=task.case_id, task=again, sender=user, text=text)
    return again


def hand_to_queue(
    task_id: int, *, user: User, to: str, note: str, lease_token: int | None = None, origin: str
) -> ReviewTask:
    """Hand a task to the group that works in another queue, named by its key. Otherwise as `hand_to_person`."""
    text = notes.checked(note, field="note")
    with journal(actor=user, origin=origin) as log:
        task = _in_hand(task_id, user=user, lease_token=lease_token)
        queue = queues_for(task).filter(key=to).first()
        if queue is None:
            words = _("Choose another queue in which this task can be done.")
            raise Invalid(_("The task was not handed over."), errors={"queue": [words]})
        tell_holder(task, by=user, why=text)
        return _handed(task, queue=queue, note=text, log=log, to=queue.key)


def raise_for(task_id: int, *, user: User, note: str, origin: str) -> ReviewTask:
    """Raise anybody's task to a more senior queue, for those who may hand over anybody's. Returns the new stay.

    Raises: Invalid without a note, Conflict when the task is done or no queue is more senior.
    """
    text = notes.checked(note, field="note")
    with journal(actor=user, origin=origin) as log:
        task = _in_hand(task_id, user=user, lease_token=None)
        target = senior_to(task)
        tell_holder(task, by=user, why=text)
        if not end_task(task, ending=ReviewTask.Ending.RAISED):
            raise Conflict(_("This task is done; it cannot be raised."))
        log("task.raised", case_id=task.case_id, subject=task, data={"to": target.key, "from": task.assignee_id})
        return move_on(task, queue=target, note=text, log=log)


def ask_help(task_id: int, *, user: User, question: str, to: str = "", origin: str) -> list[str]:
    """Ask a person, or those on duty in the task's queue. The question is kept as a note; the task stays where it is.

    Returns the names of those asked. Raises: Missing, Forbidden, Invalid when nobody of them may see the case.
    """
    task = demand_task(user, CLAIM, task_id)
    case = notes.commented(task.case_id, author=user)
    wanted = User.objects.filter(username=to, is_active=True) if to else on_duty_in(task.queue)
    asked = [one for one in wanted if one.pk != user.pk and can(one, "cases.view_case", case)]
    if not asked:
        words = _("They may not see this case: ask somebody else.") if to else _("Nobody is on duty: name a person.")
        raise Invalid(_("Nobody was asked."), errors={"to": [words]})
    with journal(actor=user, origin=origin) as log:
        note = notes.put(case, author=user, text=question, log=log)
        names = [person.get_username() for person in asked]
        log("task.help_asked", case_id=case.pk, subject=task, data={"of": names})
        notices.tell(asked, kind=Notice.Kind.HELP, case_id=case.pk, task=task, sender=user, text=note.text)
    return names


def waiting_for(user: User) -> QuerySet[ReviewTask]:
    """What has been put into the person's hands and not been taken up yet, the earliest due first."""
    rows = ReviewTask.objects.claimed().filter(assignee=user, claimed_at__isnull=True, hold_reason="")
    return rows.order_by("due_at")


def people_for(task: ReviewTask, *, but: User) -> list[User]:
    """Those to whom the task can be handed, by name: who works in its queue and has not decided what it is to check."""
    verb = "review.approve_decision" if task.reason == Reason.SECOND_APPROVAL else CLAIM
    working = working_in(task.queue).filter(pk__in=who_may(verb)).exclude(pk=but.pk)
    if task.reason in INDEPENDENT:
        working = working.filter(~Exists(Decision.objects.filter(case=task.case_id, decided_by=OuterRef("pk"))))
    return list(working.order_by("username")[:MOST_NAMED])


def queues_for(task: ReviewTask) -> QuerySet[Queue]:
    """The other queues in which the task can be done: quality stays with quality, a second approval with those who may."""
    others = Queue.objects.exclude(pk=task.queue_id).order_by("name")
    quality = Q(kind=Queue.Kind.QUALITY)
    if task.queue.kind == Queue.Kind.QUALITY:
        return others.filter(quality)
    if task.reason == Reason.SECOND_APPROVAL:
        return others.filter(kind=task.queue.kind)
    return others.exclude(quality)


def _in_hand(task_id: int, *, user: User, lease_token: int | None) -> ReviewTask:
    """The task, locked: one's own claim, or anybody's for those who may hand over anybody's."""
    if lease_token is not None:
        return own_claim(task_id, user=user, lease_token=lease_token)
    demand_task(user, ASSIGN, task_id)
    locked = ReviewTask.objects.open().select_for_update(of=("self",))
    task = locked.select_related("case__case_type", "policy", "queue").filter(pk=task_id).first()
    if task is None:
        raise Conflict(_("This task is done; it cannot be handed over."))
    return task


def _able(name: str, task: ReviewTask) -> User:
    """The person of this name, if the task can be theirs. Who nobody is and who may not are told alike."""
    person = User.objects.filter(username=name, is_active=True).first()
    if person is None or person.pk == task.assignee_id or not _may_take(person, task):
        words = _("Name somebody else who works in the queue “%(queue)s”.") % {"queue": task.queue.name}
        raise Invalid(_("The task was not handed over."), errors={"user": [words]})
    return person


def _may_take(person: User, task: ReviewTask) -> bool:
    queues = visible(person, Queue.objects.filter(pk=task.queue_id), CLAIM)
    if not queues.exists() or (task.reason == Reason.SECOND_APPROVAL and not can(person, "review.approve_decision")):
        return False
    decided = Decision.objects.filter(case=task.case_id, decided_by=person)
    return task.reason not in INDEPENDENT or not (decided.exists() or answered_before(person, task.case_id))


def _handed(task: ReviewTask, *, queue: Queue, note: str, log: Journal, to: str, **more: object) -> ReviewTask:
    if not end_task(task, ending=ReviewTask.Ending.HANDED_OVER):
        raise Conflict(_("This task is done; it cannot be handed over."))
    log("task.handed_over", case_id=task.case_id, subject=task, data={"to": to, "from": task.assignee_id})
    again = move_on(task, queue=queue, note=note, log=log, **more)
    again.refresh_from_db(fields=["lease_until"])
    return again
