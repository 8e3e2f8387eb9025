"""How the lists say priority, due moment and reason: a word always, colour beside it."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _

from cases.admin.base import badge
from cases.models.choices import Priority, State
from review.models import ReviewTask
from review.shown import conceals

STATE_KINDS = {
    State.RECEIVED: "info",
    State.CLASSIFIED: "info",
    State.IN_REVIEW: "warning",
    State.DECIDED: "reason",
    State.CLOSED: "ok",
    State.CANCELLED: "",
}


def priority(number: int) -> SafeString:
    level = Priority(number)
    return format_html('<span class="cs-badge cs-priority-{}">{}</span>', level.name.lower(), level.label)


def state_badge(state: str) -> SafeString:
    known = State(state)
    return badge(known.label, STATE_KINDS[known])


def reason_badge(task: ReviewTask) -> SafeString:
    """Why a task came to a person; on a case read blind the reason would tell of the machine's answer."""
    return badge(_("read blind"), "info") if conceals(task) else badge(task.get_reason_display(), "reason")


def due(task: ReviewTask) -> SafeString:
    now = task.read_at  # type: ignore[attr-defined]  # annotated by the list
    if task.closed_at is not None:
        return badge(task.get_ending_display() or _("done"))
    if task.due_at < now:
        return badge(_("overdue by %(span)s") % {"span": timesince(task.due_at, now, depth=1)}, "danger")
    return format_html("{}", _("in %(span)s") % {"span": timeuntil(task.due_at, now, depth=1)})
