"""Erasure: what a requester's cases held goes; salted digests stay, so that the audit chain still verifies.

The salt goes with the content: without it the digest tells nothing about what was there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import JSONObject

from cases import hooks
from cases.audit import Actor, Journal, journal
from cases.cancel import withdraw
from cases.models import Attachment, Case, Effect, EffectAttempt, Prediction
from cases.models.choices import State

BATCH = 200
GONE = "erased"


@dataclass(frozen=True, slots=True)
class Erased:
    """How many cases were emptied, and how many still have something on its way out and must be tried again later."""

    cases: int
    waiting: int


def erase(requester: str, *, actor: Actor, origin: str) -> Erased:
    """Empty every case of a requester. Undecided ones are withdrawn first; running it again is harmless.

    Higher apps empty what they keep through the hook ``case_erased`` (``case_ids``, ``log``).
    """
    filled = Case.objects.filter(requester=requester).exclude(salt="")
    emptied, last = 0, 0
    while batch := list(filled.filter(pk__gt=last).select_related("case_type").order_by("pk")[:BATCH]):
        last = batch[-1].pk
        with journal(actor=actor, origin=origin) as log:
            emptied += _empty(batch, log=log)
    return Erased(cases=emptied, waiting=filled.count())


def _empty(batch: Sequence[Case], *, log: Journal) -> int:
    for case in batch:
        withdraw(case, reason=GONE, log=log)
    ended = Case.objects.filter(pk__in=[case.pk for case in batch], state__in=[State.CLOSED, State.CANCELLED])
    digests = dict(ended.select_for_update().values_list("pk", "content_digest"))
    ids = list(digests)
    Case.objects.filter(pk__in=ids).update(payload={}, context=[], metadata={}, salt="")
    _empty_predictions(Prediction.objects.filter(case__in=ids))
    _empty_effects(ids)
    _drop_files(Attachment.objects.filter(case__in=ids))
    hooks.call("case_erased", case_ids=ids, log=log)
    log.each("case.erased", ids, data={case_id: {"digest": digest} for case_id, digest in digests.items()})
    return len(ids)


def _empty_predictions(rows: QuerySet[Prediction]) -> None:
    """The label and the confidence stay: they say nothing about a person, and the measures need them."""
    rows.filter(output__isnull=False).update(output=JSONObject(label=F("label")))
    rows.update(rationale="", evidence=[])
    rows.exclude(error="").update(error=GONE)


def _empty_effects(case_ids: Sequence[int]) -> None:
    effects = Effect.objects.filter(case__in=case_ids)
    effects.update(body={}, options={}, last_error="")
    EffectAttempt.objects.filter(effect__in=effects).update(detail="")


def _drop_files(rows: QuerySet[Attachment]) -> None:
    """The rows go now, the files once that is certain."""
    names = list(rows.values_list("file", flat=True))
    rows.delete()
    for name in names:
        transaction.on_commit(_deletion(name), robust=True)


def _deletion(name: str) -> Callable[[], None]:
    return lambda: default_storage.delete(name)
