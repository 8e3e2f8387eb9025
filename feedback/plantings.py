"""Planting known cases among the others, and what becomes of the answers. No decision, effect or measure ever does."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from cases.audit import Journal, journal
from cases.clock import from_now
from cases.models import AuditEvent, Prediction
from feedback import copies, flags, gold, refreshers
from feedback.choosing import fitting
from feedback.models import Planting
from feedback.second_reads import same
from review.models import Policy, Queue, ReviewTask

LATELY_HOURS = 1
UNREAD_DAYS = 3
RUN_SECONDS = 300  # between two runs of the job
ACTOR, ORIGIN = "quality", "worker"


class Standing:
    """What stands behind one planted task (see `review.planted.Planted`)."""

    def __init__(self, planting: Planting) -> None:
        self.planting = planting

    def prediction(self) -> Prediction:
        """What the machine said, with the answer and the confidence that are to be shown; never saved."""
        return copies.shown_of(self.planting)

    def arrival(self) -> list[AuditEvent]:
        return copies.arrival_of(self.planting)

    def answer(self, *, output: dict[str, Any] | None, seconds: float | None, user: User, log: Journal) -> None:
        """Who rejects a wrong output has not let it pass either."""
        known = self.planting.gold
        caught = same(output, known.output) or (output is None and self.planting.wrong)
        self._answered(user, output=output, caught=caught, seconds=seconds, log=log)
        if self.planting.refresher is None:
            flags.look_at(user, case_type=known.case_type, log=log)

    def raised(self, *, user: User, log: Journal) -> None:
        """Neither caught nor let pass: somebody else was asked."""
        self._answered(user, output=None, caught=None, seconds=None, log=log)

    def told(self) -> str:
        """What the reader is told when it is over."""
        known, planting = self.planting.gold, self.planting
        told = {"id": planting.copy_id, "right": said(known.output), "why": known.why}
        if planting.caught is None:
            text = _("#%(id)s was a drill with a known answer: %(right)s.")
        elif planting.caught:
            text = _("#%(id)s was a drill, and you answered it rightly: %(right)s.")
        else:
            text = _("#%(id)s was a drill: the right answer is %(right)s. Nothing came of yours.")
        return " ".join(part for part in (text % told, known.why) if part)

    def _answered(
        self, user: User, *, output: Mapping[str, Any] | None, caught: bool | None, seconds: float | None, log: Journal
    ) -> None:
        answered = {"user": user, "output": output, "caught": caught, "active_seconds": seconds}
        Planting.objects.filter(pk=self.planting.pk).update(answered_at=Now(), told_at=Now(), **answered)
        log("gold.answered", subject=self.planting, data={"caught": caught})
        gold.end_if_worn(self.planting.gold, log=log)
        if self.planting.refresher is not None:
            refreshers.go_on(self.planting.refresher, log=log)


def planted(*, task: ReviewTask) -> list[Standing]:
    """Hook ``planted``: what stands behind the task. One that was handed on stands for the same planting."""
    rows = Planting.objects.select_related("gold__case__case_type", "gold__case_type", "copy", "refresher__flag")
    return [Standing(planting) for planting in rows.filter(copy=task.case_id)[:1]]


def said(output: Mapping[str, Any]) -> str:
    """An output in a line."""
    return ", ".join(f"{value}" if name == "label" else f"{name} {value}" for name, value in output.items())


def plant_due() -> int:
    """Plant as many as the rates of the policies ask for, at most one waiting in a queue. Returns how many."""
    planted_now = 0
    for policy in Policy.objects.filter(status=Policy.Status.ACTIVE, gold_rate__gt=0).select_related("case_type"):
        for queue, opened in _busy(policy):
            share = policy.gold_rate * opened
            planted_now += random.random() < share and plant(policy, queue=queue) is not None  # noqa: S311 - no secret
    return planted_now


def plant(policy: Policy, *, queue: Queue, reader: User | None = None) -> Planting | None:
    """Put the case that was planted least into the queue; None where none is fit or one waits there already.

    ``reader`` is for whom it is meant: what they have met or decided is left out.
    """
    with journal(actor=ACTOR, origin=ORIGIN) as log:
        waiting = ReviewTask.objects.open().filter(
            planted=True, queue=queue, case_type=policy.case_type_id, case__copy_for__isnull=True
        )
        if reader is None and waiting.exists():
            return None
        way = fitting(policy, queues={queue.pk}, reader=reader)
        reader_id = reader.pk if reader else None
        return None if way is None else copies.put(way, policy=policy, queue=queue, log=log, reader_id=reader_id)


def take_back_unread() -> int:
    """End, without a word, what nobody took for some days. Returns how many."""
    old = ReviewTask.objects.free().filter(planted=True, opened_at__lt=from_now(days=-UNREAD_DAYS))
    with journal(actor=ACTOR, origin=ORIGIN) as log:
        tasks = list(old.select_for_update(skip_locked=True, of=("self",)))
        ended = ReviewTask.objects.filter(pk__in=[task.pk for task in tasks])
        ended.update(closed_at=Now(), ending=ReviewTask.Ending.CANCELLED)
        for task in tasks:
            log("gold.expired", subject=task)
    return len(tasks)


def _busy(policy: Policy) -> list[tuple[Queue, float]]:
    """The ordinary queues of the case type with the tasks opened there per run of the job lately."""
    opened = ReviewTask.objects.filter(
        case_type=policy.case_type_id,
        planted=False,
        reason__in=copies.ORDINARY,
        opened_at__gte=from_now(hours=-LATELY_HOURS),
    ).exclude(queue__kind=Queue.Kind.QUALITY)
    counts = dict(opened.order_by().values_list("queue").annotate(count=Count("pk")))
    queues = Queue.objects.filter(pk__in=counts)
    return [(queue, counts[queue.pk] * RUN_SECONDS / (LATELY_HOURS * 3600)) for queue in queues]
