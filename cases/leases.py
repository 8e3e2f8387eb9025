"""The pipeline's leases: who works on a case, for how long, and how often it has been tried. The database's clock rules."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from cases.clock import from_now
from cases.models import Case
from cases.models.choices import State

BACK_OFF_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Leased:
    """A batch of cases under one fencing token. ``full`` tells that more may stand behind it."""

    token: str
    cases: list[Case]
    full: bool


def lease_batch(state: State, *, size: int) -> Leased:
    """Take a batch and count the attempt at once, so that a case that kills its worker is counted too.

    A case that outlived a lease is taken alone: it may be the one that killed its batch, and must not pull the others
    down again.
    """
    token = secrets.token_hex(16)
    with transaction.atomic():
        standing = Case.objects.standing_in(state).select_for_update(skip_locked=True, of=("self",))
        found = list(standing.prefetch_related("case_type")[:size])
        suspects = [case for case in found if case.lease_token]
        cases = suspects[:1] or found
        full = bool(suspects) or len(found) == size
        Case.objects.filter(pk__in=[case.pk for case in cases]).update(
            lease_token=token, lease_until=from_now(seconds=settings.PIPELINE_LEASE_SECONDS), attempts=F("attempts") + 1
        )
    for case in cases:
        case.lease_token, case.attempts = token, case.attempts + 1
    return Leased(token=token, cases=cases, full=full)


def put_back(cases: Sequence[Case], *, token: str) -> None:
    """Give cases back after a failure that was caught; the wait doubles with every attempt."""
    for attempts in {case.attempts for case in cases}:
        ids = [case.pk for case in cases if case.attempts == attempts]
        wait = BACK_OFF_SECONDS * 2 ** (attempts - 1)
        Case.objects.filter(pk__in=ids, lease_token=token).update(lease_token="", lease_until=from_now(seconds=wait))


def give_back(cases: Sequence[Case], *, token: str) -> None:
    """Give cases back that were never tried: they stand again at once, and the attempt does not count."""
    mine = Case.objects.filter(pk__in=[case.pk for case in cases], lease_token=token)
    mine.update(lease_token="", lease_until=Now(), attempts=F("attempts") - 1)
