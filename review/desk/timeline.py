"""What has happened to a case, in words: the journal as a person reads it, as far as this person may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import AuditEvent
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
class Event:
    """One thing that happened. ``address`` leads to the task it is about, where the reader may open that."""

    at: datetime
    text: str
    actor: str
    detail: str = ""
    address: str = ""


def timeline_of(user: User, task: ReviewTask, *, concealed: bool) -> list[Event]:
    """The newest events of the task's case, the oldest of them first.

    Where the machine's answer is concealed, nothing is told of what was noted with them; see `cases.concealment`.
    """
    rows = AuditEvent.objects.filter(case_id=task.case_id).order_by("-pk")
    told = [row for row in rows[: 2 * MOST_EVENTS] if not row.action.startswith(UNTOLD)][:MOST_EVENTS]
    return [_event(user, task, row, concealed=concealed) for row in reversed(told)]


def _event(user: User, task: ReviewTask, row: AuditEvent, *, concealed: bool) -> Event:
    text = str(WORDS.get(row.action, row.action.replace(".", " ").replace("_", " ")))
    detail = "" if concealed else _detail(row.data if isinstance(row.data, dict) else {})
    return Event(row.at, text, str(ACTORS.get(row.actor, row.actor)), detail, _address(user, task, row))


def _detail(data: Mapping[str, Any]) -> str:
    """What is worth telling of what was noted: the answer, why, and the queue."""
    parts = []
    if isinstance(data.get("label"), str) and data["label"]:
        parts.append(f"“{data['label']}”")
    if isinstance(data.get("reason"), str) and data["reason"]:
        parts.append(reason_name(data["reason"]))
    if isinstance(data.get("queue"), str) and data["queue"]:
        parts.append(_("queue %(queue)s") % {"queue": data["queue"]})
    return ", ".join(parts)


def _address(user: User, task: ReviewTask, row: AuditEvent) -> str:
    """To the other stays of the case, for who may open them: where everything is seen, every queue is."""
    other = row.object_type == "reviewtask" and row.object_id and row.object_id != task.pk
    return reverse("desk:review", args=[row.object_id]) if other and user.has_perm("cases.view_every_case") else ""
