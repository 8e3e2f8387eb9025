"""The small calls that a review page makes while somebody works on it: its lease, who else looks on, the draft."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.views.decorators.http import require_GET, require_POST

from cases.errors import Conflict, Invalid, Missing
from review import claims, drafts, presence, profiles
from review.desk.answers import number
from review.desk.entry import desk_page, reader
from review.desk.screen import read_task
from review.models import ReviewTask

UNKEPT = {"csrfmiddlewaretoken", "lease_token", "digest", "queue", "verb", "case_version"}


@desk_page
@require_POST
def heartbeat(request: HttpRequest, *, task_id: int) -> HttpResponse:
    """Extend the lease; answers with the seconds that are left and who else looks on, or 409 with what happened.

    With ``look`` nothing is extended: the page is open, but nobody has stirred for a while, or it is not their task.
    """
    user = reader(request)
    tell = claims.demand_claim if "look" in request.POST else claims.heartbeat
    try:
        if "lease_token" in request.POST:
            tell(task_id, user=user, lease_token=number(request.POST["lease_token"]))
    except Conflict as refusal:
        return JsonResponse({"detail": refusal.message}, status=409)
    task = read_task(user, task_id)
    others = presence.arrive(task.pk, user)
    return JsonResponse(
        {"seconds": seconds_left(task), "state": state_of(task, user.pk), "present": presence.in_words(others)}
    )


def seconds_left(task: ReviewTask) -> int:
    return max(0, int((task.lease_until - task.read_at).total_seconds()))  # type: ignore[attr-defined]  # annotated


def state_of(task: ReviewTask, user_id: int) -> str:
    """How the task stands to a reader: done, mine, taken, away or free. The page tells when that changes."""
    if task.closed_at is not None:
        return "done"
    if not seconds_left(task):
        return "free"
    if task.assignee_id is None:
        return "away"
    return "mine" if task.assignee_id == user_id else "taken"


@desk_page
@require_POST
def draft(request: HttpRequest, *, task_id: int) -> HttpResponse:
    """Keep what is in the form; answers with the time of day. ``start_over`` throws it away instead."""
    user = reader(request)
    if "start_over" in request.POST:
        drafts.start_over(task_id, user=user)
        return JsonResponse({"saved": ""})
    fields: dict[str, Any] = {name: values for name, values in request.POST.lists() if name not in UNKEPT}
    version = max(1, min(number(request.POST.get("case_version", "")), 2**31 - 1))
    try:
        saved = drafts.keep(task_id, user=user, case_version=version, fields=fields)
    except (Conflict, Invalid, Missing) as refusal:
        return JsonResponse({"detail": refusal.message}, status=refusal.status)
    return JsonResponse({"saved": date_format(localtime(saved), "TIME_FORMAT")})


@desk_page
@require_GET
def session(request: HttpRequest) -> HttpResponse:
    """Who is signed in, and the token with which forms that were opened before may be sent again."""
    return JsonResponse({"user": reader(request).get_username(), "csrf": get_token(request)})


@desk_page
@require_POST
def keys(request: HttpRequest) -> HttpResponse:
    """Switch the single-letter keys on or off, for this person wherever they sign in."""
    user = reader(request)
    now = profiles.profile_of(user)
    wanted = request.POST.get("keys") == "on"
    profiles.save_preferences(
        user, time_zone=now.time_zone, language=now.language, keys=wanted, hints=now.hints, origin="admin"
    )
    request.session["keys"] = wanted
    return JsonResponse({"keys": wanted})
