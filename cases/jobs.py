"""RQ's entry points. They carry no arguments: the database says what there is to do."""

from __future__ import annotations

from django.conf import settings
from django.db.models.functions import Now

from cases import bells, seals
from cases.classify import classify_batch
from cases.deliver import deliver_batch
from cases.models import Case, Effect
from cases.models.choices import State

JOB_SECONDS = 60  # a job works at most about this long before it rings anew, so that a stop is never waited for


def classify() -> None:
    bells.drain(State.RECEIVED, classify_batch, seconds=JOB_SECONDS)


def deliver() -> None:
    bells.drain(State.DECIDED, deliver_batch, seconds=JOB_SECONDS)


def sweep() -> None:
    """Ring for whatever stands anywhere: bells are lost with Redis, and back-offs and leases end without one."""
    for step in settings.PIPELINE:
        if Case.objects.standing_in(step).exists():
            bells.ring(step)
    if Effect.objects.unfinished().filter(next_attempt_at__lte=Now()).exists():
        bells.ring(State.DECIDED)


def seal() -> None:
    seals.seal()
