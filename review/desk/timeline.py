"""What has happened to a case, in words: the journal as a person reads it, as far as this person may."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from review.desk.why import reason_name
from review.models import ReviewTask

MOST_EVENTS = 40
# Which cases are samples, gold or drills is told to nobody who reads cases: who knows reads otherwise.
UNTOLD = ("sample.", "gold.", "drill.")
WORDS = {
    "case.received": gettext_lazy("came in"),
    "case.classified": gettext_lazy("was answered by the machine"),
    "case.predicted": gettext_lazy("was answered by an outside model"),
    "case.in_review": gettext_lazy("went to a person"),
    "case.decided": gettext_lazy("was decided"),
    "case.closed": gettext_lazy("was closed: everything has been delivered"),
    "case.cancelled": gettext_lazy("was withdrawn"),
    "case.viewed": gettext_lazy("was opened with a reason"),
    "case.erased": gettext_lazy("was erased"),
    "attachment.added": gettext_lazy("got a file"),
    "task.opened": gettext_lazy("was put into a queue"),
    "task.claimed": gettext_lazy("was claimed"),
    "task.released": gettext_lazy("was given back"),
    "task.raised": gettext_lazy("was raised"),
    "task.held": gettext_lazy("was put on hold"),
    "task.snoozed": gettext_lazy("was put off"),
    "task.handed_over": gettext_lazy("was handed over"),
    "task.taken_back": gettext_lazy("was taken back by who had passed it on"),
    "task.skipped": gettext_lazy("was skipped"),
    "task.taken_away": gettext_lazy("was taken from its reader"),
    "task.lease_expired": gettext_lazy("lost its reader: the time was over"),
    "task.cancelled": gettext_lazy("left its queue"),
    "task.answered_blind": gettext_lazy("was answered blind"),
    "decision.made": gettext_lazy("was decided by a person"),
    "decision.undone": gettext_lazy("was taken back within the grace period"),
    "decision.approved": gettext_lazy("got its second approval"),
    "decision.sent_back": gettext_lazy("was sent back by the second person"),
    "effect.retried": gettext_lazy("was sent again"),
    "effect.dead": gettext_lazy("could not be delivered"),
    "effect.compensated": gettext_lazy("had its effect undone"),
    "outcome.reported": gettext_lazy("got news from downstream"),
}
ACTORS = {
    "pipeline": gettext_lazy("the pipeline"),
    "policy": gettext_lazy("policy"),
    "sweeper": gettext_lazy("the clock"),
}


@dataclass(frozen=True, slots=True)
class Noted:
    """One event of the journal about a case; ``data`` is what was noted with it."""

    at: datetime
    action: str
    actor: str
    object_type: str
    object_id: int | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. ``address`` leads to the task it is about, where the reader may open that."""

    at: datetime
    text: str
    actor: str
    detail: str = ""
    address: str = ""


def timeline_of(user: User, task: ReviewTask, noted: Sequence[Noted], *, concealed: bool) -> list[Event]:
    """The events of the task's case (the newest first) as a person reads them, the oldest first.

    Where the machine's answer is concealed, nothing is told of what was noted with them; see `cases.concealment`.
    """
    everywhere = user.has_perm("cases.view_every_case")
    return [_event(task, one, linked=everywhere, concealed=concealed) for one in reversed(noted)]


def _event(task: ReviewTask, one: Noted, *, linked: bool, concealed: bool) -> Event:
    text = str(WORDS.get(one.action, one.action.replace(".", " ").replace("_", " ")))
    other = linked and one.object_type == "reviewtask" and one.object_id not in (None, task.pk)
    address = reverse("desk:review", args=[one.object_id]) if other else ""
    return Event(one.at, text, str(ACTORS.get(one.actor, one.actor)), "" if concealed else _detail(one.data), address)


def _detail(data: Mapping[str, Any]) -> str:
    """What is worth telling of what was noted: the answer, why, and the queue."""
    label, reason, queue = (str(data.get(name) or "") for name in ("label", "reason", "queue"))
    told = (label and f"“{label}”", reason and reason_name(reason), queue and _("queue %(queue)s") % {"queue": queue})
    return ", ".join(part for part in told if part)
