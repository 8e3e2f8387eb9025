"""Which sums an event may have changed: the moments of its case by which something is summed.

An action that is not named here touches every moment of its case: that costs time, and never exactness.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Trunc

from cases.models import AuditEvent, Case, Prediction
from feedback.models import Planting, Sample
from metrics import chances
from review.models import Decision, ReviewTask

Touch = tuple[int, str, datetime]  # case type, table, minute


@dataclass(frozen=True, slots=True)
class Moment:
    """A column by which rows of the base tables are summed, into these tables."""

    model: type[models.Model]
    column: str
    tables: tuple[str, ...]
    only: Q = Q()  # noqa: RUF009 - immutable by convention

    def within(self, *tables: str) -> Moment:
        """The same where a change can only show in some of the tables."""
        return replace(self, tables=tables)

    def rows(self) -> QuerySet[Any]:
        return self.model._default_manager.filter(self.only, **{f"{self.column}__isnull": False})

    @property
    def case_path(self) -> str:
        return "pk" if self.model is Case else "case_id"

    @property
    def kind_path(self) -> str:
        return "case_type_id" if self.model in (Case, Planting) else "case__case_type_id"


CREATED = Moment(Case, "created_at", ("flow", "source"))
ROUTED = Moment(Case, "routed_at", ("flow", "version"))
# A person's decision leaves the route as it was.
ROUTED_BY_POLICY = replace(ROUTED, only=Q(decisions__case_version=1, decisions__task__isnull=True))
CLOSED = Moment(Case, "closed_at", ("flow",))
OPENED = Moment(ReviewTask, "opened_at", ("work",))
ENDED = Moment(ReviewTask, "closed_at", ("work", "pace"))
DUE = Moment(ReviewTask, "due_at", ("work",))
DECIDED = Moment(Decision, "decided_at", ("work", "pace", "person", "version", "sample", "check", "certainty", "label"))
READ = Moment(Sample, "read_at", ("sample",))
SAID = Moment(Prediction, "created_at", ("machine",))
ANSWERED = Moment(Planting, "answered_at", ("person",))
EVERY = (CREATED, ROUTED, CLOSED, OPENED, ENDED, DUE, DECIDED, READ, SAID)
JUDGED = (DECIDED.within("sample", "certainty", "label"), READ, ENDED, DUE)
CHECKED = (DECIDED.within("person", "check"),)
NOTHING: tuple[Moment, ...] = ()

ACTIONS: dict[str, tuple[Moment, ...]] = {
    "attachment.added": NOTHING,
    "case.received": (CREATED, SAID),
    "case.classified": (SAID,),
    "case.predicted": (SAID,),
    "case.in_review": (ROUTED, OPENED, DUE),
    "case.decided": (ROUTED_BY_POLICY, DECIDED),
    "case.closed": (CLOSED,),
    "case.noted": NOTHING,
    "case.viewed": NOTHING,
    "decision.made": (DECIDED, ENDED, DUE),
    "decision.approved": (ENDED, DUE),
    "effect.compensated": NOTHING,
    "effect.dead": NOTHING,
    "effect.delivered": NOTHING,
    "effect.retried": NOTHING,
    "outcome.reported": (DECIDED.within("work", "person", "check"),),
    "sample.read": JUDGED,
    "sample.taken": JUDGED,
    "second_read.drawn": NOTHING,
    "second_read.settled": CHECKED,
    "second_read.taken": CHECKED,
    "task.answered_blind": NOTHING,
    "task.breached": NOTHING,
    "task.cancelled": (ENDED, DUE),
    "task.claimed": NOTHING,
    "task.held": NOTHING,
    "task.help_asked": NOTHING,
    "task.lease_expired": NOTHING,
    "task.opened": (OPENED, DUE),
    "task.released": NOTHING,
    "task.skipped": NOTHING,
    "task.snoozed": NOTHING,
    "task.woken": NOTHING,
}
# A closing that is blanked again is told by its event alone, which is written a little after it.
AROUND = [timedelta(minutes=number) for number in range(-5, 2)]


def by_events(events: QuerySet[AuditEvent]) -> set[Touch]:
    """What these events may have changed."""
    of_cases = events.filter(case_id__isnull=False).order_by()
    found: set[Touch] = set()
    for moment, actions in _moments(of_cases.values_list("action", flat=True).distinct()).items():
        cases = of_cases.filter(action__in=actions).values("case_id")
        found |= set(_touches(moment, **{f"{moment.case_path}__in": cases}))
    found |= _left_behind(of_cases.filter(action="case.in_review").values("case_id"))
    planted = events.filter(object_type="planting").order_by().values("object_id")
    found |= set(_touches(ANSWERED, pk__in=planted))
    opened = events.filter(action="round.opened").order_by().values("object_id")
    return found | {
        (kind, table, start) for kind, start in chances.minutes_of(opened) for table in ("sample", "certainty")
    }


def everything() -> set[Touch]:
    """All there is to sum."""
    return {touch for moment in (*EVERY, ANSWERED) for touch in _touches(moment)}


def _moments(actions: Iterable[str]) -> Mapping[Moment, list[str]]:
    found: dict[Moment, list[str]] = defaultdict(list)
    for action in actions:
        for moment in ACTIONS.get(action, EVERY):
            found[moment].append(action)
    return found


def _touches(moment: Moment, **which: Any) -> Iterator[Touch]:
    minute = Trunc(moment.column, "minute", tzinfo=UTC)
    rows = moment.rows().filter(**which).order_by().values_list(F(moment.kind_path), minute).distinct()
    for kind, start in rows:
        for table in moment.tables:
            yield kind, table, start


def _left_behind(case_ids: QuerySet[Any]) -> set[Touch]:
    """Where cases used to count as closed that were put up again."""
    again = dict(Case.objects.filter(pk__in=case_ids, version__gt=1).values_list("pk", "case_type_id"))
    closings = AuditEvent.objects.filter(case_id__in=list(again), action="case.closed").values_list("case_id", "at")
    return {
        (again[case_id], "flow", (at + around).replace(second=0, microsecond=0))
        for case_id, at in closings
        if case_id
        for around in AROUND
    }
