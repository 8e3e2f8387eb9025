"""Who has a task's page open right now. Told to each other, kept for a moment, counted for nothing."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from cases.clock import from_now
from review.models import Presence

POLL_SECONDS = 20
HERE_SECONDS = 50  # two polls may get lost on the way
KEPT_SECONDS = 3600
MOST_NAMED = 5


def arrive(task_id: int, user: User) -> list[str]:
    """Note that the person looks at the task, and tell who else does. The caller answers for it that they may."""
    row = Presence(task_id=task_id, user=user, seen_at=Now())
    Presence.objects.bulk_create(
        [row], update_conflicts=True, unique_fields=["task", "user"], update_fields=["seen_at"]
    )
    return others(task_id, user)


def others(task_id: int, user: User) -> list[str]:
    """The names of those who look at the task at this moment, without the person themselves."""
    here = Presence.objects.filter(task=task_id, seen_at__gt=from_now(seconds=-HERE_SECONDS)).exclude(user=user)
    return list(here.order_by("user__username").values_list("user__username", flat=True)[: MOST_NAMED + 1])


def in_words(names: Sequence[str]) -> str:
    """The sentence for the page; empty when nobody else is there."""
    if not names:
        return ""
    if len(names) == 1:
        return _("%(name)s is looking at this case too.") % {"name": names[0]}
    if len(names) > MOST_NAMED:
        return _("%(names)s and others are looking at this case too.") % {"names": ", ".join(names[:MOST_NAMED])}
    told = {"names": ", ".join(names[:-1]), "last": names[-1]}
    return _("%(names)s and %(last)s are looking at this case too.") % told


def forget_the_gone() -> int:
    """Drop what is no longer told. Returns how many rows."""
    return Presence.objects.filter(seen_at__lt=from_now(seconds=-KEPT_SECONDS)).delete()[0]
