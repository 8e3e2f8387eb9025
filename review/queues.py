"""How the queues stand: what waits, what is in somebody's hands, what is late, and how the work has gone lately.

Every figure is read off an index and counted up to a limit, so that it costs the same however much is open or done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import (
    Avg,
    DurationField,
    ExpressionWrapper,
    F,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from cases.clock import read_moment, sql_now
from review.forecast import Forecast, Pace, foresee, marks
from review.models import Policy, Queue, ReviewTask, RoutingRule

MOST_COUNTED = 10_000
MOST_NAMED = 20
AT_ONCE = 100  # queues in one statement: SQLite takes 500 parts
MOST_RULES_NAMED = 5
LIVE = (Policy.Status.ACTIVE, Policy.Status.PROPOSED)
HOURS_BACK = 4.0

# Every open task is exactly one of: free to be claimed, claimed, held, snoozed.
RUNNING = Q(lease_until__gt=Now())
HELD = ~Q(hold_reason="")
CLAIMED = RUNNING & ~HELD & Q(assignee__isnull=False)
SNOOZED = RUNNING & ~HELD & Q(assignee__isnull=True)


@dataclass(frozen=True, slots=True)
class Standing:
    """Counts, each up to `MOST_COUNTED`; since when the oldest open task waits, and when the next one is due."""

    open: int = 0
    claimed: int = 0
    held: int = 0
    snoozed: int = 0
    overdue: int = 0
    oldest: datetime | None = None
    next_due: datetime | None = None

    @property
    def waiting(self) -> int:
        """Free to be claimed."""
        return max(0, self.open - self.claimed - self.held - self.snoozed)


@dataclass(frozen=True, slots=True)
class OpenCounts:
    """A queue's open tasks, of which the first `MOST_COUNTED` by due date are counted: all, those overdue, and those due
    by each of some moments."""

    open: int
    next_due: datetime | None
    overdue: int
    until: tuple[int, ...]


class Counted(Subquery):
    """How many rows a sliced query has: the slice is how far the counting goes."""

    template = "(SELECT COUNT(*) FROM (%(subquery)s) counted)"
    output_field = IntegerField()


@dataclass(frozen=True, slots=True)
class Outlook:
    """How the work of a queue has gone lately, and how many open tasks fall due by each of the coming hours."""

    pace: Pace
    due: list[tuple[datetime, int]]


def stand(queues: QuerySet[Queue]) -> list[tuple[Queue, Standing]]:
    """These queues and how each of them stands, in two queries."""
    rows = list(queues.annotate(**_counts()))
    counted = _open_of(rows)
    return [(queue, _standing(queue, counted[queue.pk])) for queue in rows]


def stand_and_outlook(queues: QuerySet[Queue], *, now: datetime) -> tuple[Queue, Standing, Outlook] | None:
    """The first of these queues with how it stands and what is to come, in two queries."""
    queue = queues.annotate(**_counts(), **_pace(now)).first()
    if queue is None:
        return None
    counted = _open_of([queue], moments=marks(now))[queue.pk]
    return queue, _standing(queue, counted), _outlook(queue, counted, now)


def outlooks(queues: QuerySet[Queue], *, now: datetime) -> list[tuple[Queue, Forecast | None]]:
    """These queues and what is to come in each of them, in two queries."""
    rows = list(queues.annotate(**_pace(now)))
    counted = _open_of(rows, moments=marks(now))
    found = [(queue, _outlook(queue, counted[queue.pk], now)) for queue in rows]
    return [(queue, foresee(outlook.due, outlook.pace, now=now)) for queue, outlook in found]


def workers(queue: Queue) -> list[User]:
    """Who holds a task of this queue under a running lease, by name; at most `MOST_NAMED`."""
    holding = ReviewTask.objects.open().filter(CLAIMED, queue=queue).values("assignee")
    return list(User.objects.filter(pk__in=holding).order_by("username")[:MOST_NAMED])


def _open_of(queues: Sequence[Queue], *, moments: Sequence[datetime] = ()) -> dict[int, OpenCounts]:
    """The open tasks of each queue. They are read once for all that is counted of them, along the index by due date."""
    by_then = ", COUNT(CASE WHEN due_at <= %s THEN 1 END)" * len(moments)
    one = (
        f"SELECT %s, COUNT(*), MIN(due_at), COUNT(CASE WHEN due_at < {sql_now()} THEN 1 END){by_then} FROM (SELECT due_at "
        f"FROM review_reviewtask WHERE queue_id = %s AND closed_at IS NULL ORDER BY due_at, id LIMIT {MOST_COUNTED}) AS first"
    )
    bounds = [connection.ops.adapt_datetimefield_value(moment) for moment in moments]
    found: dict[int, OpenCounts] = {}
    for at in range(0, len(queues), AT_ONCE):
        some = queues[at : at + AT_ONCE]
        values = [value for queue in some for value in (queue.pk, *bounds, queue.pk)]
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join([one] * len(some)), values)
            for pk, many, due, late, *until in cursor.fetchall():
                found[pk] = OpenCounts(many, due and read_moment(due), late, tuple(until))
    return found


def _standing(queue: Queue, counted: OpenCounts) -> Standing:
    found = {name: vars(queue)[f"now_{name}"] for name in ("claimed", "held", "snoozed", "oldest")}
    return Standing(open=counted.open, overdue=counted.overdue, next_due=counted.next_due, **found)


def _outlook(queue: Queue, counted: OpenCounts, now: datetime) -> Outlook:
    found = vars(queue)
    pace = Pace(HOURS_BACK, found["arrived"], found["finished"], found["promised"] or timedelta(0))
    return Outlook(pace, list(zip(marks(now), counted.until, strict=True)))


def _counts() -> dict[str, Any]:
    """Under names that no column has."""
    return {
        "now_claimed": _counted(_open().filter(CLAIMED), "lease_until"),
        "now_held": _counted(_open().filter(HELD)),
        "now_snoozed": _counted(_open().filter(SNOOZED), "lease_until"),
        "now_oldest": Subquery(_open().order_by("opened_at").values("opened_at")[:1]),
    }


def _pace(now: datetime) -> dict[str, Any]:
    since = now - timedelta(hours=HOURS_BACK)
    arrived = _here().filter(opened_at__gte=since, opened_at__lte=now)
    left = _here().filter(closed_at__gte=since, closed_at__lte=now)
    promised = ExpressionWrapper(F("due_at") - F("opened_at"), output_field=DurationField())
    mean = arrived.order_by().values("queue").annotate(mean=Avg(promised)).values("mean")
    return {
        "arrived": _counted(arrived, "opened_at"),
        "finished": _counted(left, "closed_at"),
        "promised": Subquery(mean),
    }


def _here() -> QuerySet[ReviewTask]:
    return ReviewTask.objects.filter(queue=OuterRef("pk")).order_by()


def _open() -> QuerySet[ReviewTask]:
    return _here().filter(closed_at__isnull=True)


def _counted(rows: QuerySet[ReviewTask], *order: str) -> Counted:
    """``order`` is that of the index which serves it: a planner that knows no queue by name would read the whole table."""
    return Counted(rows.order_by(*order).values("pk")[:MOST_COUNTED])


def why_kept(queue: Queue) -> str:
    """In words, why a queue cannot be deleted: the rules that name it, else the tasks that waited in it. Empty when it can."""
    rules = RoutingRule.objects.filter(queue=queue).select_related("policy__case_type").order_by("-policy", "position")
    live = list(rules.filter(policy__status__in=LIVE)[: MOST_RULES_NAMED + 1])
    if live:
        words = _("Rules send cases to “%(queue)s”, so it stays: %(rules)s. Send them elsewhere first.")
        return words % {"queue": queue.name, "rules": _rule_names(live)}
    if old := list(rules[: MOST_RULES_NAMED + 1]):
        words = _(
            "Earlier policies name “%(queue)s”, so it stays for the record: %(rules)s. Take its groups away instead."
        )
        return words % {"queue": queue.name, "rules": _rule_names(old)}
    if ReviewTask.objects.filter(queue=queue).exists():
        words = _("Cases have waited in “%(queue)s”, so it stays for the record. Take its groups away instead.")
        return words % {"queue": queue.name}
    return ""


def _rule_names(rules: Sequence[RoutingRule]) -> str:
    names = [_rule_name(rule) for rule in rules[:MOST_RULES_NAMED]]
    return "; ".join([*names, *(["…"] if len(rules) > MOST_RULES_NAMED else [])])


def _rule_name(rule: RoutingRule) -> str:
    told = {"type": rule.policy.case_type.name, "number": rule.policy.number, "state": rule.policy.get_status_display()}
    return _("%(type)s, version %(number)d (%(state)s), rule %(position)d") % {**told, "position": rule.position}
