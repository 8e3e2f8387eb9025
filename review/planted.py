"""Known cases among the others. Whoever may read one sees an ordinary task; nothing comes of what they answer.

A known case is planted as a copy: a row of its own with a new number, version 1 and the moment of the planting, which
``Case.objects`` does not hold, so that nothing counts it, sends it or learns from it. While the copy is open, the original
is nowhere to be found by those who may get the copy. What the copy shows and what is made of the answer is known by the
app above, through ``settings.HOOKS["planted"]``: dotted paths of ``(task) -> list[Planted]``. Who reads every case knows
what was planted, and is never given it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

from django.contrib.auth.models import User
from django.db.models import BooleanField, Func, Q, QuerySet

from cases import hooks
from cases.access import NOTHING
from cases.audit import Journal
from cases.models import AuditEvent, Case, Prediction
from cases.scopes import sees_every_case
from review.models import ReviewTask


class Planted(Protocol):
    """What stands behind a planted task."""

    def prediction(self) -> Prediction:
        """What the task shows as the machine's answer; never saved."""

    def arrival(self) -> list[AuditEvent]:
        """How the case came in, as its journal would tell it, the oldest first; never saved."""

    def answer(self, *, output: dict[str, Any] | None, seconds: float | None, user: User, log: Journal) -> None:
        """Take the answer; without an output the case was rejected."""

    def raised(self, *, user: User, log: Journal) -> None:
        """The reader passed it on: they did not wave it through, and did not answer it."""

    def told(self) -> str:
        """What the reader is told once it is over."""


# Ends a subquery that is answered for the row at hand, by an index: without it PostgreSQL may rather read all that a table
# holds into a hash first, however many cases there are. It cannot move a subquery with an OFFSET.
HERE = " LIMIT 1 OFFSET 0"

# Of a copy `kc`: it is meant for this account or for any, they have not decided the original, and met no other copy of it. The names
# of the tables in here begin with a k, which those of the statements around it do not.
_FOR_THEM = (
    "(kc.copy_for_id IS NULL OR kc.copy_for_id = %(user)d) "
    f"AND NOT EXISTS (SELECT 1 FROM review_decision kd WHERE kd.case_id = kc.copy_of_id AND kd.decided_by_id = %(user)d{HERE}) "
    "AND NOT EXISTS (SELECT 1 FROM review_reviewtask km JOIN cases_case ko ON ko.id = km.case_id WHERE "
    f"ko.copy_of_id = kc.copy_of_id AND km.planted AND km.assignee_id = %(user)d AND km.closed_at IS NOT NULL{HERE})"
)
_OPEN = "SELECT 1 FROM review_reviewtask kt JOIN cases_case kc ON kc.id = kt.case_id WHERE kt.planted AND kt.closed_at IS NULL"


class _ForThem(Func):
    """Whether the copy with this id may be given to the account. SQL, since claims ask it in SQL and every page asks it:
    composing the same of querysets took longer than all else that a page asks of a task."""

    template = f"EXISTS (SELECT 1 FROM cases_case kc WHERE kc.id = %(expressions)s AND {_FOR_THEM}{HERE})"
    output_field = BooleanField()


class _ForAnother(Func):
    """Whether the copy with this id is meant for somebody else."""

    template = (
        "EXISTS (SELECT 1 FROM cases_case kc WHERE kc.id = %(expressions)s "
        f"AND kc.copy_for_id IS NOT NULL AND kc.copy_for_id <> %(user)d{HERE})"
    )
    output_field = BooleanField()


class _OpenForThem(Func):
    """Whether the copy with this id is planted, open, and may be given to the account."""

    template = f"EXISTS ({_OPEN} AND kt.case_id = %(expressions)s AND {_FOR_THEM}{HERE})"
    output_field = BooleanField()


class _CopyForThem(Func):
    """Whether a copy of the case with this id is planted, open, and may be given to the account."""

    template = f"EXISTS ({_OPEN} AND kc.copy_of_id = %(expressions)s AND {_FOR_THEM}{HERE})"
    output_field = BooleanField()


def planted_of(task: ReviewTask) -> Planted | None:
    """What stands behind the task; None for an ordinary one."""
    found = hooks.ask("planted", task=task) if task.planted else []
    return found[0] if found else None


def told_after(task: ReviewTask) -> str:
    """What the reader of a planted task is told once it is over; empty for any other."""
    known = planted_of(task) if task.closed_at else None
    return known.told() if known else ""


def copied(cases: Iterable[Case]) -> dict[int, ReviewTask]:
    """The open task of each of the cases that are copies."""
    rows = {case.pk: case for case in cases if case.copy_of_id is not None}
    found = ReviewTask.objects.open().filter(planted=True, case__in=rows) if rows else ReviewTask.objects.none()
    tasks = {task.case_id: task for task in found.select_related("queue", "assignee")}
    for case_id, task in tasks.items():
        task.case = rows[case_id]
    return tasks


def knows(user: User) -> bool:
    """Whether the account may tell what is planted; and who sends cases in knows which of theirs are closed."""
    return sees_every_case(user) or user.has_perm("cases.add_case")


def not_for(user: User) -> Q:
    """Planted tasks that the account must not see: it knows them, has decided or met the case, it is meant for another,
    or somebody else answered."""
    if knows(user):
        return Q(planted=True)
    over = Q(closed_at__isnull=False) & (~Q(assignee=user) | Q(_ForAnother("case", user=user.pk)))
    return Q(planted=True) & (over | (Q(closed_at__isnull=True) & ~Q(_ForThem("case", user=user.pk))))


def not_for_sql(user: User) -> str:
    """The same for open tasks, as a condition on ``review_reviewtask t``."""
    if knows(user):
        return " AND NOT t.planted"
    return f" AND NOT (t.planted AND NOT {_ForThem.template})" % {"expressions": "t.case_id", "user": user.pk}


def hides(user: User, path: str = "case") -> Q:
    """Rows on cases that the account must not find now: a copy of them is planted and open, and could be theirs."""
    return NOTHING if knows(user) else Q(_CopyForThem(path, user=user.pk))


def hides_sql(user: User, case_id: str) -> str:
    """That `hides` does not hide the case with this id, as a condition of an SQL statement."""
    return "" if knows(user) else f" AND NOT {_CopyForThem.template}" % {"expressions": case_id, "user": user.pk}


def seen_in(user: User) -> Q:
    """Of the copies, as rows of `Case`, those that the account may see: while one may be theirs to read."""
    original = Q(copy_of__isnull=True)
    return original if knows(user) else original | Q(_OpenForThem("pk", user=user.pk))


def journal_of(task: ReviewTask) -> QuerySet[AuditEvent]:
    """What has happened to the copy itself; how it came in is told by `Planted.arrival`."""
    return AuditEvent.objects.filter(case_id=task.case_id).exclude(action__startswith="gold.")


def case_events(*, case: Case) -> list[AuditEvent]:
    """Hook ``case_events``: the whole journal of a copy, as that of any case, the oldest first."""
    task = copied([case]).get(case.pk)
    known = planted_of(task) if task else None
    return [*known.arrival(), *journal_of(task).order_by("id")[:200]] if task and known else []
