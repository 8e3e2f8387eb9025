"""Filters of the queues' pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import template
from django.utils import timezone
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timesince import timesince, timeuntil
from django.utils.translation import gettext as _

from cases.admin.base import badge
from review.admin import words
from review.models import ReviewTask
from review.queues import MOST_COUNTED
from review.shown import conceals

register = template.Library()


@register.filter
def counted(count: int, most: int = MOST_COUNTED) -> str:
    """A count that may have stopped at its limit: 10,000+."""
    told = number_format(count, force_grouping=True)
    return f"{told}+" if count >= most else told


@register.filter
def ago(moment: datetime | None) -> str:
    return _("%(span)s ago") % {"span": timesince(moment, depth=1)} if moment else "–"


@register.filter
def due_words(moment: datetime | None) -> str:
    """When something is due, or since when it is late."""
    if moment is None:
        return "–"
    if moment < timezone.now():
        return _("late for %(span)s") % {"span": timesince(moment, depth=1)}
    return _("in %(span)s") % {"span": timeuntil(moment, depth=1)}


@register.filter
def reason_of(task: ReviewTask) -> SafeString:
    return words.reason_badge(task)


@register.filter
def due_of(task: ReviewTask) -> SafeString:
    return words.due(task)


@register.filter
def label_of(task: ReviewTask) -> str:
    """What the machine said; nothing while the case is still to be read blind."""
    return "" if conceals(task) else task.case.label


@register.filter
def hands_of(task: Any) -> SafeString:
    """In whose hands a task is, or that it waits, is held or sleeps."""
    who = task.assignee.get_username() if task.assignee else ""
    if task.hold_reason:
        return format_html('{} <span class="cs-quiet">{}</span>', badge(_("held"), "info"), who)
    if task.lease_until <= task.read_at:
        return format_html('<span class="cs-quiet">{}</span>', _("waiting"))
    if who:
        return format_html("{}", who)
    return format_html('{} <span class="cs-quiet">{}</span>', badge(_("snoozed")), due_words(task.lease_until))
