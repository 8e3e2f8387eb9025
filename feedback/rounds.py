"""Rounds of samples: automated cases of a period, drawn when it is over and read blind by somebody before the due date.

Every eligible case has the same chance. Labels with too few are topped up by extra draws, each with its own chance on
record; those never enter a figure that takes the draws for uniform.
"""

from __future__ import annotations

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import Max, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from cases import bulk
from cases.access import demand
from cases.audit import Actor, Journal, journal
from cases.clock import moment
from cases.errors import Conflict, Invalid
from cases.models import Case, CaseType
from cases.models.choices import Priority, Reason, State
from feedback.models import Draw, Round
from review import coin
from review.models import Decision, Policy, ReviewTask
from review.policies import in_force
from review.route import quality_queue
from review.tasks import end_task, language_of

LARGEST = 2_000
MOST_PER_LABEL = 100
LONGEST = timedelta(days=366)
BUSY, STOPPED = "busy", "stopped"  # why a draw was left out
SPANS = {Round.Kind.DAILY: timedelta(days=1), Round.Kind.WEEKLY: timedelta(days=7)}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a round is to be: cases decided from ``since`` up to ``until``, read before ``due_at``."""

    case_type: CaseType
    since: datetime
    until: datetime
    size: int
    due_at: datetime
    per_label: int = 0
    kind: str = Round.Kind.ONCE


@dataclass(frozen=True, slots=True)
class Drawn:
    """A case that was drawn, and its chance."""

    case_id: int
    probability: float
    uniform: bool = True


def open_round(asked: Asked, *, by: User, origin: str) -> Round:
    """Draw the cases of a period that is over and put each up to be read blind.

    A daily or weekly round goes on by itself with the next day or week until it is stopped.

    Raises: Forbidden; Invalid with the field; Conflict when the period holds nothing to draw.
    """
    demand(by, "feedback.add_round")
    _check(asked)
    with journal(actor=by, origin=origin) as log:
        return _opened(asked, by=by, log=log, may_be_empty=False)


def open_due(*, actor: Actor = "rounds", origin: str = "worker") -> int:
    """Open the next of every daily or weekly round whose time is over. Returns how many were opened."""
    return sum(_continue(pk, actor=actor, origin=origin) for pk in list(_going_on().values_list("pk", flat=True)))


def stop_round(round_: Round, *, by: User, origin: str) -> int:
    """End a round: it is not continued, and what is unread leaves the queue. Returns how many readings that were.

    Raises: Forbidden; Conflict when it was stopped before.
    """
    demand(by, "feedback.change_round")
    with journal(actor=by, origin=origin) as log:
        if not Round.objects.filter(pk=round_.pk, closed_at=None).update(closed_at=Now()):
            raise Conflict(_("This round has been stopped already."))
        unread = list(_unread(round_).select_related("task"))
        ended = [draw for draw in unread if draw.task and end_task(draw.task, ending=ReviewTask.Ending.CANCELLED)]
        Draw.objects.filter(pk__in=[draw.pk for draw in ended]).update(dropped=STOPPED)
        for draw in ended:
            log("task.cancelled", case_id=draw.case_id, subject=draw.task)
        log("round.stopped", subject=round_, data={"unread": len(ended)})
    return len(ended)


def _unread(round_: Round) -> QuerySet[Draw]:
    return Draw.objects.filter(round=round_, sample=None, task__closed_at=None, task__isnull=False)


def _check(asked: Asked) -> None:
    errors = {field: [text] for field, wrong, text in _faults(asked, now=moment()) if wrong}
    if errors:
        raise Invalid(_("The round was not opened."), errors=errors)


def _faults(asked: Asked, *, now: datetime) -> Iterator[tuple[str, bool, str]]:
    """Field, whether it is wrong, and what to say then; of two faults in one field the later is told."""
    going_on = Round.objects.filter(case_type=asked.case_type, kind=asked.kind, closed_at=None)
    most = _("At most %(most)s cases.")
    yield "size", not 1 <= asked.size <= LARGEST, _("Between 1 and %(most)s cases.") % {"most": LARGEST}
    yield "per_label", not 0 <= asked.per_label <= MOST_PER_LABEL, most % {"most": MOST_PER_LABEL}
    known = ", ".join(Round.Kind.values)
    yield "kind", asked.kind not in Round.Kind.values, _("Choose one of: %(choices)s") % {"choices": known}
    yield "kind", asked.kind in SPANS and going_on.exists(), _("Such a round is going on already: stop it first.")
    yield "until", asked.until > now, _("The period must be over: what is still to come cannot be drawn.")
    span = asked.until - asked.since
    yield "until", not timedelta(0) < span <= LONGEST, _("The period ends after it begins, within a year.")
    yield "due_at", asked.due_at <= now, _("The due date lies in the past.")


def _opened(asked: Asked, *, by: User | None, log: Journal, may_be_empty: bool) -> Round:
    CaseType.objects.select_for_update().get(pk=asked.case_type.pk)
    number = (Round.objects.filter(case_type=asked.case_type).aggregate(last=Max("number"))["last"] or 0) + 1
    round_ = Round.objects.create(
        case_type=asked.case_type,
        number=number,
        kind=asked.kind,
        since=asked.since,
        until=asked.until,
        size=asked.size,
        per_label=asked.per_label,
        due_at=asked.due_at,
        made_by=by,
    )
    labels = dict(eligible(round_))
    if not labels and not may_be_empty:
        raise Conflict(_("No automated case of this period is closed and not sampled yet."))
    drawn = list(choose(labels, name=f"round {round_.pk}", size=asked.size, per_label=asked.per_label))
    opened = _put_up(round_, drawn, log=log)
    log("round.opened", subject=round_, data={"eligible": len(labels), "drawn": len(drawn), "put_up": opened})
    return round_


def eligible(round_: Round) -> Iterator[tuple[int, str]]:
    """Case and label of the decisions by policy in the period whose case is closed, stands as it was decided, and was
    never sampled before.
    """
    decided = Decision.objects.by_policy().filter(
        case__case_type=round_.case_type_id,
        case__state=State.CLOSED,
        case__version=1,
        case__sampled=False,
        case__samples=None,
        case__draws=None,
        case_version=1,
        decided_at__gte=round_.since,
        decided_at__lt=round_.until,
        prediction__error="",
    )
    return decided.exclude(case__payload={}).order_by().values_list("case_id", "label").iterator(chunk_size=5_000)


def choose(labels: dict[int, str], *, name: str, size: int, per_label: int) -> Iterator[Drawn]:
    """``size`` cases uniformly without replacement, then as many more of each label as it lacks of ``per_label``.

    The same under the same name. The chance of an extra draw is that among the label's cases that were left.
    """
    first = _nearest(labels, name=name, count=size)
    yield from (Drawn(case_id, len(first) / len(labels)) for case_id in first)
    taken, left = Counter(labels[case_id] for case_id in first), defaultdict(list)
    chosen = set(first)
    for case_id, label in labels.items():
        if case_id not in chosen:
            left[label].append(case_id)
    for label in sorted(left):
        more = _nearest(left[label], name=f"{name} more", count=max(0, per_label - taken[label]))
        yield from (Drawn(case_id, len(more) / len(left[label]), uniform=False) for case_id in more)


def _nearest(case_ids: Iterable[int], *, name: str, count: int) -> list[int]:
    return heapq.nsmallest(count, case_ids, key=lambda case_id: (coin.draw_in(name, case_id), case_id))


def _put_up(round_: Round, drawn: Sequence[Drawn], *, log: Journal) -> int:
    """One quality task for each drawn case that is free for it, due one after the other until the round is due."""
    ids = [item.case_id for item in drawn]
    rows = Case.objects.select_for_update(of=("self",)).filter(pk__in=ids, state=State.CLOSED).order_by("pk")
    busy = set(ReviewTask.objects.open().filter(case__in=ids).values_list("case_id", flat=True))
    free = {case.pk: case for case in rows.defer("payload", "context") if case.pk not in busy}
    tasks = _tasks(round_, [free[pk] for pk in sorted(free, key=lambda pk: coin.draw_in(f"due {round_.pk}", pk))])
    numbers = dict(bulk.create(tasks, returning=("case_id", "id")))
    draws = [
        Draw(
            round=round_,
            case_id=item.case_id,
            task_id=numbers.get(item.case_id),
            probability=item.probability,
            uniform=item.uniform,
            dropped="" if item.case_id in numbers else BUSY,
        )
        for item in drawn
    ]
    Draw.objects.bulk_create(draws, batch_size=500)
    log.each("task.opened", numbers, data={pk: {"reason": str(Reason.SAMPLE), "round": round_.pk} for pk in numbers})
    return len(numbers)


def _tasks(round_: Round, cases: Sequence[Case]) -> list[ReviewTask]:
    if not cases:
        return []
    policy: Policy = in_force([round_.case_type])[round_.case_type_id]
    queue, now = quality_queue(policy), moment()
    apart = (round_.due_at - now) / len(cases)
    return [
        ReviewTask(
            case=case,
            case_type_id=round_.case_type_id,
            language=language_of(case),
            queue=queue,
            policy=policy,
            reason=Reason.SAMPLE,
            blind=True,
            priority=Priority.LOW,
            due_at=round_.due_at - apart * left,
        )
        for left, case in enumerate(reversed(cases))
    ]


def _going_on() -> QuerySet[Round]:
    """Daily and weekly rounds that nobody stopped, the newest of each."""
    newest = Round.objects.filter(kind__in=SPANS).order_by().values("case_type", "kind").annotate(last=Max("pk"))
    return Round.objects.filter(pk__in=newest.values("last"), closed_at=None)


def _continue(pk: int, *, actor: Actor, origin: str) -> bool:
    """Open the round after this one, once its own time is over; whoever comes second opens none."""
    with journal(actor=actor, origin=origin) as log:
        last = Round.objects.select_for_update(of=("self",)).select_related("case_type").get(pk=pk)
        span, now = SPANS[Round.Kind(last.kind)], moment()
        if last.until + span > now or last.closed_at or not _going_on().filter(pk=pk).exists():
            return False
        # After a long pause of the machinery the round of the last whole period is opened, not one for each missed.
        since = last.until + (now - last.until - span) // span * span
        asked = Asked(
            case_type=last.case_type,
            since=since,
            until=since + span,
            size=last.size,
            per_label=last.per_label,
            due_at=now + max(last.due_at - last.opened_at, timedelta(hours=1)),
            kind=last.kind,
        )
        _opened(asked, by=None, log=log, may_be_empty=True)
    return True
