from __future__ import annotations

from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _

from review.calendars import Hours, hours_of


class Calendar(models.Model):
    """When people work: opening hours by weekday in one time zone, less the holidays."""

    key = models.SlugField(_("key"), unique=True, max_length=64)
    name = models.CharField(_("name"), max_length=120)
    time_zone = models.CharField(_("time zone"), max_length=64, default="UTC")
    hours = models.JSONField(
        _("hours"), default=dict, help_text=_('By weekday, such as {"mon": [["09:00", "12:30"], ["13:30", "18:00"]]}.')
    )
    holidays = models.JSONField(_("holidays"), default=list, blank=True, help_text=_('Dates, such as ["2026-12-25"].'))
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = _("calendar")
        verbose_name_plural = _("calendars")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @cached_property
    def opening(self) -> Hours:
        """The hours to count business time with."""
        return hours_of(time_zone=self.time_zone, hours=self.hours, holidays=self.holidays)
