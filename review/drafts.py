"""What a person has typed on a task and not yet sent. It outlives the page, the lease and the session."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from cases.access import visible
from cases.errors import Conflict, Invalid, Missing
from review.models import Draft, ReviewTask

CLAIM = "review.claim_reviewtask"
LONGEST = 200_000
MOST_FIELDS = 500

Fields = Mapping[str, Sequence[str]]


def keep(task_id: int, *, user: User, case_version: int, fields: Fields) -> datetime:
    """Keep what the person has typed, in place of what they had typed before; tells when.

    A lost lease does not matter: who may take the task up may keep a draft of it. ``case_version`` is that of the case
    which was shown. Raises: Missing, Conflict when the task is done, Invalid when it is too long to be kept.
    """
    task = visible(user, ReviewTask.objects.all(), CLAIM).filter(pk=task_id).only("pk", "closed_at").first()
    if task is None:
        raise Missing(_("There is no such task, or it is not yours to see."))
    if task.closed_at is not None:
        raise Conflict(_("This task is done; there is nothing to draft."))
    kept = {_clean(name): [_clean(value) for value in values] for name, values in fields.items()}
    if len(kept) > MOST_FIELDS or len(json.dumps(kept)) > LONGEST:
        raise Invalid(_("The draft is too long to be kept."))
    told = {"case_version": case_version, "fields": kept, "saved_at": Now()}
    Draft.objects.update_or_create(task=task, user=user, defaults=told)
    return Draft.objects.values_list("saved_at", flat=True).get(task=task, user=user)


def draft_of(task: ReviewTask, user: User) -> Draft | None:
    """The person's own draft on the task. Nobody else's is ever shown."""
    return Draft.objects.filter(task=task, user=user).first()


def start_over(task_id: int, *, user: User) -> None:
    """The person throws their own draft away."""
    Draft.objects.filter(task=task_id, user=user).delete()


def forget(case_ids: Sequence[int]) -> None:
    Draft.objects.filter(task__case__in=case_ids).delete()


def _clean(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
