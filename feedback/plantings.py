"""Planting known cases among the others, and what becomes of the answers. No decision, effect or measure ever does."""

from __future__ import annotations

import random
from collections.abc import Mapping
from copy import copy
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Exists, OuterRef, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext as _

from cases.audit import Journal, journal
from cases.clock import from_now
from cases.models import Prediction
from cases.models.choices import Reason, State
from feedback import flags, gold
from feedback.models import GoldCase, Planting
from review.models import Policy, Queue, ReviewTask
from review.shown import newest_prediction
from review.tasks import due_at, language_of

LATELY_HOURS = 1
UNREAD_DAYS = 3
RUN_SECONDS = 300  # between two runs of the job
ORDINARY = (Reason.LOW_CONFIDENCE, Reason.VALIDATION)
ACTOR, ORIGIN = "quality", "worker"


class Standing:
    """What stands behind one planted task (see `review.planted.Planted`)."""

    def __init__(self, planting: Planting) -> None:
        self.planting = planting

    def prediction(self) -> Prediction:
        """What the machine said, with the answer and the confidence that are to be shown; never saved."""
        known = self.planting.gold
        said = copy(newest_prediction(known.case)) or Prediction(case=known.case)
        if known.shown != said.output:
            said.evidence, said.alternatives, said.rationale = [], [], ""
        said.output, said.label = known.shown, str(known.shown.get("label", ""))[:200]
        said.confidence, said.error = known.confidence, ""
        return said

    def answer(self, *, output: dict[str, Any] | None, seconds: float | None, user: User, log: Journal) -> None:
        """Who rejects a wrong output has not let it pass either."""
        known = self.planting.gold
        caught = output == known.output or (output is None and self.planting.wrong)
        self._answered(user, output=output, caught=caught, seconds=seconds, log=log)
        flags.look_at(user, case_type=known.case_type, log=log)

    def raised(self, *, user: User, log: Journal) -> None:
        """Neither caught nor let pass: somebody else was asked."""
        self._answered(user, output=None, caught=None, seconds=None, log=log)

    def told(self) -> str:
        """What the reader is told when it is over."""
        known, planting = self.planting.gold, self.planting
        told = {"id": known.case_id, "right": said(known.output), "why": known.why}
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


def planted(*, task: ReviewTask) -> list[Standing]:
    """Hook ``planted``: what stands behind the task. One that was handed on stands for the same planting."""
    rows = Planting.objects.select_related("gold__case__case_type", "gold__case_type")
    of_case = rows.filter(gold__case=task.case_id)
    found = of_case.filter(task=task).first() or of_case.filter(answered_at__isnull=True).order_by("-id").first()
    return [Standing(found)] if found else []


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
        waiting = ReviewTask.objects.open().filter(planted=True, queue=queue, case_type=policy.case_type_id)
        if reader is None and waiting.exists():
            return None
        chosen = _fit(policy, reader=reader)
        if chosen is None:
            return None
        task = _task(chosen, policy=policy, queue=queue)
        planting = Planting.objects.create(
            gold=chosen, case_type=chosen.case_type, task=task, wrong=chosen.shown != chosen.output
        )
        log("gold.planted", subject=planting, data={"queue": queue.key})
    return planting


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
        case_type=policy.case_type_id, planted=False, reason__in=ORDINARY, opened_at__gte=from_now(hours=-LATELY_HOURS)
    ).exclude(queue__kind=Queue.Kind.QUALITY)
    counts = dict(opened.order_by().values_list("queue").annotate(count=Count("pk")))
    queues = Queue.objects.filter(pk__in=counts)
    return [(queue, counts[queue.pk] * RUN_SECONDS / (LATELY_HOURS * 3600)) for queue in queues]


def _fit(policy: Policy, *, reader: User | None) -> GoldCase | None:
    elsewhere = ReviewTask.objects.open().filter(case=OuterRef("case"))
    rows = GoldCase.objects.filter(
        ~Exists(elsewhere), case_type=policy.case_type_id, retired_at__isnull=True, case__state=State.CLOSED
    )
    if reader is not None:
        met = Planting.objects.filter(gold__case=OuterRef("case"), user=reader)
        rows = rows.filter(~Exists(met)).exclude(case__decisions__decided_by=reader)
    counted = rows.annotate(count=Count("plantings", filter=Q(plantings__answered_at__isnull=False)))
    return counted.select_related("case__case_type", "case_type").order_by("count", "?").first()


def _task(known: GoldCase, *, policy: Policy, queue: Queue) -> ReviewTask:
    now = timezone.now()
    everything = policy.mode == Policy.Mode.VALIDATOR
    reason = Reason.VALIDATION if everything else Reason.LOW_CONFIDENCE
    return ReviewTask.objects.create(
        case=known.case,
        case_type_id=known.case_type_id,
        language=language_of(known.case),
        label=str(known.shown.get("label", ""))[:200],
        queue=queue,
        policy=policy,
        reason=reason,
        trace=_trace(known, policy, reason),
        priority=known.case.priority,
        due_at=due_at(policy, priority=known.case.priority, since=now),
        planted=True,
    )


def _trace(known: GoldCase, policy: Policy, reason: str) -> list[dict[str, Any]]:
    """Why a person is asked, as routing would have written it down."""
    if reason == Reason.VALIDATION:
        return [{"need": str(Reason.VALIDATION.value), "result": True, "mode": policy.mode}]
    threshold = policy.thresholds.get(str(known.shown.get("label", "")), policy.threshold)
    detail = {"confidence": known.confidence, "threshold": max(threshold, known.confidence)}
    return [{"need": str(Reason.LOW_CONFIDENCE.value), "result": True, **detail}]
