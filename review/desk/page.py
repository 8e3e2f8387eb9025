"""The answers of the desk as HTML: the review page, the empty desk, and what has just been done."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.db.models import Min
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from cases.access import can
from cases.errors import Invalid, Refused
from review import drafts, handing, holding, notes, profiles
from review.access import desk_of
from review.desk import moments
from review.desk.answers import Typed, from_draft, number
from review.desk.done import done
from review.desk.entry import reader
from review.desk.form import with_errors
from review.desk.pulse import state_of
from review.desk.screen import Screen
from review.desk.work import my_claims, my_day, queue_states
from review.models import ReviewTask

KEYS = "keys"  # in the session; who changes the profile drops it
SWAP = "X-Desk-Swap"  # the header of a page that has its frame already and swaps its content


@dataclass(frozen=True, slots=True)
class Left:
    """How the reader came here: from which task, working in which queue, and whether there was none to give them."""

    queue: str = ""
    after: int = 0
    none: bool = False


def review_page(
    request: HttpRequest,
    screen: Screen,
    *,
    typed: Typed | None = None,
    refusal: Refused | None = None,
    left: Left | None = None,
    note: str = "",
) -> HttpResponse:
    """A task's page; with ``typed`` the form keeps what was typed, with ``refusal`` it says why nothing was done.

    What came from a dialog opens that dialog ``again``, as long as the task is still the reader's. ``note`` is one that
    was refused.
    """
    again, kept = typed if typed is not None and typed.aside else None, _kept_draft(screen)
    typed = None if again else typed
    if typed is None and kept["fills"]:
        typed = from_draft(kept["draft"], task=screen.task, fields=screen.fields, shown=screen.prediction)
    if typed is not None:
        screen.fields = typed.fields
    if isinstance(refusal, Invalid):
        screen.fields, screen.messages = with_errors(screen.fields, refusal.errors)
    context = {
        **_frame(request, _("Case #%(id)s") % {"id": screen.case.pk}, left=left),
        **_talk(screen),
        "screen": screen,
        "task": screen.task,
        "case": screen.case,
        "machine": screen.machine,
        "typed": typed,
        "again": again,
        **kept,
        "state": state_of(screen.task, screen.user.pk),
        "snoozes": moments.CHOICES,
        "asides_open": "acts" in request.GET,
        **_refused(refusal, note=note),
        "sees_every_case": screen.user.has_perm("cases.view_every_case"),
    }
    context |= _hands(screen.task, screen.user) if again is not None and again.handing else {}
    return TemplateResponse(request, "review/desk.html", context, status=refusal.status if refusal else 200)


def _refused(refusal: Refused | None, *, note: str) -> dict[str, Any]:
    code = refusal.code if refusal else ""
    why = {"lost": code == "lease-lost", "changed": code == "content-changed"}
    return {"refusal": refusal, "unwritten": note, **why}


def _kept_draft(screen: Screen) -> dict[str, Any]:
    """What the reader had typed before, and whether it still fits: it ``fills`` the form only on the case as it was."""
    draft = drafts.draft_of(screen.task, screen.user) if screen.task.has_draft else None  # type: ignore[attr-defined]  # annotated
    stale = draft is not None and draft.case_version != screen.case.version
    touched = draft is not None and any(name != "active_seconds" for name in draft.fields)
    fills = touched and not stale and screen.mine and not screen.held
    return {"draft": draft, "stale": stale, "touched": touched, "fills": fills}


def _talk(screen: Screen) -> dict[str, Any]:
    """The notes beside the case. Who reads blind sees only their own until they have answered."""
    written = notes.notes_on(screen.case) if screen.task.has_notes else []  # type: ignore[attr-defined]  # annotated
    shown = [note for note in written if not screen.concealed or note.author_id == screen.user.pk]
    may_note = screen.mine or screen.user.has_perm("cases.view_every_case")
    return {"notes": shown, "notes_kept_back": len(written) - len(shown), "may_note": may_note}


def handing_page(request: HttpRequest, task: ReviewTask) -> HttpResponse:
    frame = _frame(request, _("Hand over case #%(id)s") % {"id": task.case_id})
    return TemplateResponse(request, "review/handing.html", {**frame, **_hands(task, reader(request))})


def _hands(task: ReviewTask, user: User) -> dict[str, Any]:
    """Into whose hands the task can be put, and who can be asked."""
    mine = task.assignee_id == user.pk and state_of(task, user.pk) == "mine"
    may_hand = task.closed_at is None and (mine or can(user, handing.ASSIGN, task))
    return {
        "task": task,
        "mine": mine,
        "may_hand": may_hand,
        "people": handing.people_for(task, but=user),
        "targets": handing.queues_for(task) if may_hand else [],
    }


def empty_desk(request: HttpRequest, *, left: Left | None = None) -> HttpResponse:
    """Nothing on the desk: what waits, what others hold, or that all is done."""
    user = reader(request)
    queues = [state for state in queue_states(user) if state.mine]
    skipped = holding.skipped_by(user).count()
    context = {
        **_frame(request, _("Review desk"), left=left),
        "queues": queues,
        "waiting": max(0, sum(state.waiting for state in queues) - skipped),
        "claimed": sum(state.claimed for state in queues),
        "skipped": skipped,
        "returns": next_return(user),
        "nothing": left.none if left else "none" in request.GET,
        "my_claims": my_claims(user),
        "day": my_day(user),
    }
    return TemplateResponse(request, "review/empty_desk.html", context)


def next_return(user: User) -> datetime | None:
    """When the next lease in the reader's queues ends, or the next snooze: then something may be free."""
    away = ReviewTask.objects.open().filter(queue__in=desk_of(user).queues, lease_until__gt=Now(), hold_reason="")
    found: datetime | None = away.aggregate(first=Min("lease_until"))["first"]
    return found


def _frame(request: HttpRequest, title: str, *, left: Left | None = None) -> dict[str, Any]:
    user = reader(request)
    came = left or _came(request)
    swaps = SWAP in request.headers
    around = {"site_title": admin.site.site_title} if swaps else admin.site.each_context(request)
    return {
        **around,
        "frame": "review/swap.html" if swaps else "admin/base_site.html",
        "title": title,
        "queue": came.queue,
        "done": done(user, came.after),
        "keys_on": keys_on(request, user),
    }


def keys_on(request: HttpRequest, user: User) -> bool:
    """Whether the person wants single-letter keys; kept in the session, so that it costs no query."""
    if KEYS not in request.session:
        request.session[KEYS] = profiles.profile_of(user).keys
    return bool(request.session[KEYS])


def _came(request: HttpRequest) -> Left:
    asked = {**request.GET.dict(), **request.POST.dict()}
    return Left(queue=asked.get("queue", "")[:64], after=number(asked.get("after", "")))
