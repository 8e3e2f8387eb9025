"""Training by the clock: a day after the last one where much was decided since, a week after it where something was."""

from __future__ import annotations

from datetime import timedelta

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


def is_due(case_type: CaseType) -> bool:
    """Whether enough was decided since the last version, and the last attempt is long enough ago."""
    newest = ModelVersion.objects.filter(case_type=case_type).order_by("-number").first()
    if newest is None:
        return False
    attempts = Run.objects.filter(case_type=case_type, kind=Run.Kind.TRAIN).order_by("-pk").values_list("created_at")
    last = max([newest.created_at, *(at for (at,) in attempts[:1])])
    waited = timezone.now() - last
    if waited < DAY:
        return False
    since = learnable_decisions(case_type).filter(decided_at__gt=newest.created_at)
    needed = WEEKLY_FROM if waited >= WEEK else DAILY_FROM
    return since.values_list("pk")[:needed].count() >= needed
