"""Every page in the reader's own language and time zone, as their profile says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation

from review.models import Profile

Answer = Callable[[HttpRequest], HttpResponse]
KEPT = "preferences"


class ReadersOwn:
    """Activates the profile's language and zone for the request; without them the browser's language and the house's zone.

    What the profile says is kept in the session, so that it costs no query; `remember` renews it after a change.
    """

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not (request.user.is_authenticated and isinstance(request.user, User)):
            return self.get_response(request)
        wishes = request.session.get(KEPT) or remember(request, request.user)
        if wishes["language"] in dict(settings.LANGUAGES):
            translation.activate(wishes["language"])
            request.LANGUAGE_CODE = wishes["language"]
        with timezone.override(zone_named(wishes["time_zone"])):
            return self.get_response(request)


def remember(request: HttpRequest, user: User) -> Mapping[str, str]:
    """Keep in the session what the account's profile says."""
    row = Profile.objects.filter(user=user).values("language", "time_zone").first()
    request.session[KEPT] = row or {"language": "", "time_zone": ""}
    wishes: Mapping[str, str] = request.session[KEPT]
    return wishes


def zone_named(name: str) -> ZoneInfo | None:
    """The zone of that name; None, which is the installation's own, where there is none."""
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        return None
