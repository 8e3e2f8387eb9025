"""Training by the clock: a day after the last one where much was decided since, a week after it where something was."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from cases.errors import Conflict
from cases.models import CaseType
from feedback.examples import learnable_decisions
from feedback.models import ModelVersion, Run
from feedback.runs import enqueue

CLASSIFIER = "local"
DAILY_FROM, WEEKLY_FROM = 200, 20
"""How many decisions of people that may be learnt from make a training worth its while."""
DAY, WEEK = timedelta(days=1), timedelta(days=7)


def train_what_is_due() -> list[Run]:
    """Start a training for each case type that is due. The first model of a case type is trained by a person."""
    started = []
    for case_type in CaseType.objects.filter(classifier=CLASSIFIER).order_by("pk"):
        if is_due(case_type):
            try:
                started.append(enqueue(Run.Kind.TRAIN, case_type, actor="schedule", origin="schedule"))
            except Conflict:  # somebody started one at this moment
                continue
    return started


@dataclass(frozen=True, slots=True)
class Outlook:
    """When a case type is trained next: ``earliest``, unless ``waits_for`` more decisions are missing. ``more`` than counted."""

    case_type: CaseType
    decisions: int
    waits_for: int
    earliest: datetime

    @property
    def more(self) -> bool:
        return self.decisions == DAILY_FROM


def is_due(case_type: CaseType) -> bool:
    """Whether enough was decided since the last version, and the last attempt is long enough ago."""
    told = outlook(case_type)
    return told is not None and not told.waits_for and told.earliest <= timezone.now()


def outlook(case_type: CaseType) -> Outlook | None:
    """None without a first model: that one is trained by a person."""
    newest = ModelVersion.objects.filter(case_type=case_type).order_by("-number").only("created_at").first()
    if newest is None:
        return None
    attempts = Run.objects.filter(case_type=case_type, kind=Run.Kind.TRAIN).order_by("-pk").values_list("created_at")
    last = max([newest.created_at, *(at for (at,) in attempts[:1])])
    since = learnable_decisions(case_type).filter(decided_at__gt=newest.created_at)
    count = since.values_list("pk")[:DAILY_FROM].count()
    earliest = last + (DAY if count >= DAILY_FROM else WEEK)
    return Outlook(case_type, count, max(0, WEEKLY_FROM - count), earliest)


def outlooks() -> list[Outlook]:
    """Of every case type that the clock trains."""
    found = [outlook(case_type) for case_type in CaseType.objects.filter(classifier=CLASSIFIER).order_by("name")]
    return [each for each in found if each is not None]
