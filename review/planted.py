"""Known cases among the others. Whoever may read one sees an ordinary task; nothing comes of what they answer.

What it shows and what is made of the answer is known by the app above, through ``settings.HOOKS["planted"]``: dotted
paths of ``(task) -> list[Planted]``. Who reads every case knows what was planted, and is never given it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, Q

from cases import hooks
from cases.access import NOTHING, Account
from cases.audit import Journal
from cases.models import AuditEvent, Case, Prediction
from cases.models.choices import State
from cases.scopes import sees_every_case
from review.models import Decision, ReviewTask

ARRIVAL = ("case.received", "case.classified", "case.predicted", "case.in_review", "attachment.added")


class Planted(Protocol):
    """What stands behind a planted task."""

    def prediction(self) -> Prediction:
        """What the task shows as the machine's answer; never saved."""

    def answer(self, *, output: dict[str, Any] | None, seconds: float | None, user: User, log: Journal) -> None:
        """Take the answer; without an output the case was rejected."""

    def raised(self, *, user: User, log: Journal) -> None:
        """The reader passed it on: they did not wave it through, and did not answer it."""

    def told(self) -> str:
        """What the reader is told once it is over."""


def planted_of(task: ReviewTask) -> Planted | None:
    """What stands behind the task; None for an ordinary one."""
    found = hooks.ask("planted", task=task) if task.planted else []
    return found[0] if found else None


def told_after(task: ReviewTask) -> str:
    """What the reader of a planted task is told once it is over; empty for any other."""
    known = planted_of(task) if task.closed_at else None
    return known.told() if known else ""


def masked(task: ReviewTask) -> ReviewTask:
    """The same task, its case dressed as one that has just come in. Of the instance alone; never save that."""
    known = planted_of(task) if task.closed_at is None else None
    if known is not None:
        dress(task.case, task=task, said=known.prediction())
    return task


def dress(case: Case, *, task: ReviewTask, said: Prediction) -> None:
    """The case as it would stand if this were its first stay in a queue."""
    case.created_at = task.opened_at - ((case.routed_at or case.created_at) - case.created_at)
    case.state, case.label, case.confidence = State.IN_REVIEW, said.label, said.confidence
    case.routed_at, case.due_at, case.decided_at, case.closed_at = task.opened_at, task.due_at, None, None
    case.reason = task.reason


def knows(user: User) -> bool:
    """Whether the account may tell what is planted; and who sends cases in knows which of theirs are closed."""
    return sees_every_case(user) or user.has_perm("cases.add_case")


def not_for(user: User) -> Q:
    """Planted tasks that the account must not see: it knows them, has decided the case, or somebody else answered."""
    if knows(user):
        return Q(planted=True)
    decided = Exists(Decision.objects.filter(case=OuterRef("case"), decided_by=user))
    over = Q(closed_at__isnull=False) & ~Q(assignee=user)
    return Q(planted=True) & (over | Q(decided))


def not_for_sql(user: User) -> tuple[str, list[Any]]:
    """The same for open tasks, as a condition on ``review_reviewtask t`` and its parameters."""
    if knows(user):
        return " AND NOT t.planted", []
    decided = "SELECT 1 FROM review_decision p WHERE p.case_id = t.case_id AND p.decided_by_id = %s"
    return f" AND NOT (t.planted AND EXISTS ({decided}))", [user.pk]


def hides(user: User, path: str = "case") -> Q:
    """Rows on cases whose past the account must not be told now: a planted task on them is open, and could be theirs."""
    if knows(user):
        return NOTHING
    return Q(Exists(_theirs(user).filter(case=OuterRef(path))))


def hides_past(user: Account) -> Q:
    """The planted tasks under which the account must not be told their case's past."""
    if not isinstance(user, User) or knows(user):
        return NOTHING
    return Q(planted=True) & ~Q(Exists(Decision.objects.filter(case=OuterRef("case"), decided_by=user)))


def hiding(user: Account, case_ids: Iterable[int]) -> dict[int, ReviewTask]:
    """The open planted task of each of these cases whose past the account must not be told now."""
    if not isinstance(user, User) or knows(user):
        return {}
    found = _theirs(user).filter(case__in=list(case_ids)).select_related("queue", "assignee")
    return {task.case_id: task for task in found}


def dressed(user: Account, cases: Iterable[Case]) -> dict[int, ReviewTask]:
    """Dress those of the cases that the account must see as new, and name the task of each."""
    rows = {case.pk: case for case in cases}
    found = hiding(user, rows)
    for case_id, task in found.items():
        task.case = rows[case_id]
        masked(task)
    return found


def events_of(task: ReviewTask) -> Q:
    """Of the case's journal: how it came in, and what happened to this very task."""
    return Q(action__in=ARRIVAL) | Q(object_type="reviewtask", object_id=task.pk)


def journal_of(task: ReviewTask) -> Any:
    return AuditEvent.objects.filter(events_of(task), case_id=task.case_id)


def _theirs(user: User) -> Any:
    decided = Decision.objects.filter(case=OuterRef("case"), decided_by=user)
    return ReviewTask.objects.open().filter(planted=True).exclude(Exists(decided))
