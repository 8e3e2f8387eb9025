"""Everybody's own page: in which language and time zone they read, and what the desk does for them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast
from zoneinfo import available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.translation import gettext, gettext_lazy, override

from cases.access import can
from cases.errors import Refused
from hitl_project.readers import remember
from metrics.digests import subscribing
from metrics.looking import REPORTS
from review.models import Profile
from review.profiles import profile_of, save_preferences

Choices = list[tuple[str, Any]]


class PreferencesForm(forms.Form):
    """What a person may set for themselves. What may not be so is refused by `review.profiles`."""

    language = forms.ChoiceField(
        label=gettext_lazy("Language"), required=False, help_text=gettext_lazy("Of the pages, not of the cases.")
    )
    time_zone = forms.ChoiceField(
        label=gettext_lazy("Time zone"), required=False, help_text=gettext_lazy("In which times are shown to you.")
    )
    keys = forms.BooleanField(
        label=gettext_lazy("Single-letter keys at the desk"),
        required=False,
        help_text=gettext_lazy("Such as A to approve. They sleep while you type. Switch them off if you dictate."),
    )
    hints = forms.BooleanField(
        label=gettext_lazy("Hints on pace and breaks"),
        required=False,
        help_text=gettext_lazy("The hints are shown to you alone."),
    )
    weekly = forms.BooleanField(
        label=gettext_lazy("The week's report by mail"),
        required=False,
        help_text=gettext_lazy("Every Monday morning, in your language and time zone."),
    )

    def __init__(self, *arguments: Any, reports: bool = False, **options: Any) -> None:
        super().__init__(*arguments, **options)
        if not reports:
            del self.fields["weekly"]
        self.fields["language"].choices = language_choices()  # type: ignore[attr-defined]  # of a choice field
        self.fields["time_zone"].choices = zone_choices()  # type: ignore[attr-defined]


def preferences(request: HttpRequest, *, site: AdminSite) -> HttpResponse:
    user = cast(User, request.user)
    reports = can(user, REPORTS)
    initial = {**_initial(profile_of(user)), "weekly": reports and subscribing.subscribed(user)}
    form = PreferencesForm(request.POST or None, initial=initial, reports=reports)
    if request.method == "POST" and form.is_valid() and _save(request, user, form):
        return HttpResponseRedirect(request.path)
    context = {**site.each_context(request), "title": gettext("Preferences"), "form": form}
    return TemplateResponse(request, "admin/preferences.html", context)


def _save(request: HttpRequest, user: User, form: PreferencesForm) -> bool:
    wishes = dict(form.cleaned_data)
    weekly = wishes.pop("weekly", None)
    try:
        saved = save_preferences(user, origin="admin", **wishes)
        _save_weekly(request, user, weekly)
    except Refused as refusal:
        for field, texts in refusal.errors.items():
            form.add_error(field if field in form.fields else None, list(texts))
        return False
    remember(request, user)
    request.session["keys"] = saved.keys
    with override(saved.language or None):
        messages.success(request, gettext("Your preferences are saved."))
    return True


def _save_weekly(request: HttpRequest, user: User, wanted: bool | None) -> None:  # noqa: FBT001 - as the form has it
    """Nothing where the form did not ask. Raises: Invalid."""
    if wanted:
        subscribing.subscribe(user, address=request.build_absolute_uri("/"))
    elif wanted is not None:
        subscribing.unsubscribe(user)


def _initial(profile: Profile) -> dict[str, Any]:
    return {name: getattr(profile, name) for name in ("language", "time_zone", "keys", "hints")}


def language_choices() -> Choices:
    return [("", gettext("As my browser asks for")), *(_own_name(code, name) for code, name in settings.LANGUAGES)]


def _own_name(code: str, name: Any) -> tuple[str, str]:
    """Each language under its own name, for who cannot read the present one."""
    with override(code):
        return code, str(name)


def zone_choices() -> Choices:
    """The time zones by part of the world, the one of the installation first."""
    house = gettext("As this installation (%(zone)s)") % {"zone": settings.TIME_ZONE}
    return [("", house), *_regions(sorted(name for name in available_timezones() if _is_place(name)))]


def _is_place(name: str) -> bool:
    return name == "UTC" or ("/" in name and not name.startswith(("Etc/", "SystemV/", "US/", "posix/", "right/")))


def _regions(names: list[str]) -> Iterator[tuple[str, Any]]:
    regions: dict[str, list[tuple[str, str]]] = {}
    for name in names:
        region, _slash, place = name.partition("/")
        regions.setdefault(region, []).append((name, (place or region).replace("_", " ")))
    yield from regions.items()
