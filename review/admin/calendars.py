"""Business calendars: opening hours written as people say them, a day to a line."""

from __future__ import annotations

import re
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext, gettext_lazy

from cases.admin.editing import AuditedAdmin, VersionedForm
from review.calendars import DAYS, check
from review.models import Calendar

DASH = re.compile(r"\s*(?:-|–|—)\s*")
PARTS = re.compile(r"[,;\n]+")


def read_windows(text: str) -> list[list[str]]:
    """``9:00–12:30, 13:30–18:00`` as pairs of times; what is no such thing comes out as it went in, to be refused."""
    return [[_padded(time) for time in DASH.split(part.strip())] for part in PARTS.split(text) if part.strip()]


def _padded(time: str) -> str:
    return f"0{time}" if re.fullmatch(r"\d:\d\d", time) else time


def written_windows(windows: Any) -> str:
    return ", ".join("–".join(window) for window in windows or ())


def day_field(name: Any) -> forms.CharField:
    words = gettext_lazy("Such as 09:00–12:30, 13:30–18:00; nothing when it is closed. A day ends at 24:00.")
    return forms.CharField(label=name, required=False, help_text=words, max_length=200)


class CalendarForm(VersionedForm):
    time_zone = forms.ChoiceField(label=gettext_lazy("Time zone"))
    mon = day_field(gettext_lazy("Monday"))
    tue = day_field(gettext_lazy("Tuesday"))
    wed = day_field(gettext_lazy("Wednesday"))
    thu = day_field(gettext_lazy("Thursday"))
    fri = day_field(gettext_lazy("Friday"))
    sat = day_field(gettext_lazy("Saturday"))
    sun = day_field(gettext_lazy("Sunday"))
    holidays = forms.CharField(
        label=gettext_lazy("Holidays"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy("One date to a line, such as 2026-12-25. Nothing falls due on these days."),
    )

    class Meta:
        model = Calendar
        fields = ("key", "name", "time_zone")

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        zone = self.fields["time_zone"]
        zone.choices = [(name, name) for name in sorted(available_timezones())]  # type: ignore[attr-defined]  # of a choice field
        self.fields["holidays"].initial = "\n".join(self.instance.holidays or ())
        for day in DAYS:
            self.fields[day].initial = written_windows((self.instance.hours or {}).get(day))

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        self.instance.hours = {day: windows for day in DAYS if (windows := read_windows(cleaned.get(day, "")))}
        cleaned["holidays"] = sorted(set(PARTS.sub(" ", cleaned.get("holidays", "")).split()))
        zone = cleaned.get("time_zone", "UTC")
        for path, message in check(time_zone=zone, hours=self.instance.hours, holidays=cleaned["holidays"]):
            self.add_error(self._place(path), message)
        return cleaned

    def _place(self, path: str) -> str:
        """The field of the form that a path in the calendar means."""
        section, _dot, day = path.partition(".")
        return day or ("mon" if section == "hours" else section.partition("[")[0])


@admin.register(Calendar)
class CalendarAdmin(AuditedAdmin):
    form = CalendarForm
    list_display = ("name", "key", "time_zone", "week", "in_use")
    exact = ("key",)
    prefix = ("name",)
    sortable_by = ("name", "key")
    fieldsets = (
        (None, {"fields": ("key", "name", "time_zone", "row_version")}),
        (gettext_lazy("Opening hours"), {"fields": DAYS}),
        (None, {"fields": ("holidays",)}),
    )

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        active = models.Q(policies__status="active")
        counted: models.QuerySet[Any] = rows.annotate(policies_in_force=models.Count("policies", filter=active))
        return counted

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("key",) if obj else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A calendar that some version of a policy was made with stays: due dates were told by it."""
        return super().has_delete_permission(request, obj) and not (obj is not None and obj.policies.exists())

    @admin.display(description=gettext_lazy("open"))
    def week(self, calendar: Calendar) -> str:
        names = {day: str(CalendarForm.base_fields[day].label) for day in DAYS}
        return ", ".join(name for day, name in names.items() if calendar.hours.get(day))

    @admin.display(description=gettext_lazy("policies in force"))
    def in_use(self, calendar: Any) -> str:
        return str(calendar.policies_in_force) if calendar.policies_in_force else gettext("none")
