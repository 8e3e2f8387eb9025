"""Until when: what a person chose or typed, in their own time zone."""

from __future__ import annotations

from datetime import datetime, time, timedelta

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.errors import Invalid

MORNING = time(9)
CHOICES = {
    "15": gettext_lazy("15 minutes"),
    "60": gettext_lazy("one hour"),
    "240": gettext_lazy("four hours"),
    "tomorrow": gettext_lazy("tomorrow, 9 o’clock"),
    "monday": gettext_lazy("Monday, 9 o’clock"),
}


def chosen(choice: str, typed: str) -> datetime:
    """The moment of a choice from `CHOICES`; a moment that was typed goes before it.

    Raises: Invalid where neither can be read.
    """
    now = timezone.localtime()
    if typed.strip():
        return _typed(typed.strip())
    if choice.isascii() and choice.isdecimal() and choice in CHOICES:
        return now + timedelta(minutes=int(choice))
    days = {"tomorrow": 1, "monday": 7 - now.weekday()}.get(choice)
    if days is None:
        raise Invalid(_("The task was not snoozed."), errors={"until": [_("Choose until when.")]})
    day = now.date() + timedelta(days=days)
    return timezone.make_aware(datetime.combine(day, MORNING))


def _typed(text: str) -> datetime:
    try:
        found = parse_datetime(text)
    except ValueError:
        found = None
    if found is None:
        raise Invalid(_("The task was not snoozed."), errors={"until": [_("Give a date and a time of day.")]})
    return found if timezone.is_aware(found) else timezone.make_aware(found)
