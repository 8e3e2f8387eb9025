"""The pages of the review desk. They only read the request, call a verb, and show what came of it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases.errors import Conflict, Forbidden, Invalid, Refused
from review import approve, claims, notes, taking_back
from review.desk import acts, page
from review.desk.answers import Typed, clean
from review.desk.entry import desk_page, reader
from review.desk.next import ADDRESS, arrive, next_case
from review.desk.screen import read_task, screen_of

ORIGIN = acts.ORIGIN


@desk_page
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """The desk without a case on it; posting takes the next one."""
    if request.method == "POST":
        return next_case(request)
    return page.empty_desk(request)


@desk_page
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest, *, task_id: int) -> HttpResponse:
    """One task: the input on the left, the answer on the right. Posting does what the pressed button says."""
    user = reader(request)
    if request.method != "POST":
        return page.review_page(request, screen_of(user, task_id))
    task, typed = acts.read_submission(user, task_id, request.POST)
    try:
        then = acts.perform(user, task, typed)
    except Refused as refusal:
        if refusal.status in (403, 404):
            raise
        return page.review_page(request, screen_of(user, task_id), typed=typed, refusal=refusal)
    if then.said:
        messages.success(request, then.said)
    return _go(request, task_id, typed, where=then.where)


def _go(request: HttpRequest, task_id: int, typed: Typed, *, where: str) -> HttpResponse:
    if where == acts.STAY.where:
        return arrive(request, task_id=task_id)
    if where == acts.KEEP.where:
        return page.review_page(request, screen_of(reader(request), task_id), typed=typed)
    if where == acts.LEAVE.where:
        return arrive(request, task_id=0, after=task_id)
    return next_case(request, after=task_id)


@desk_page
@require_GET
def handing(request: HttpRequest, *, task_id: int) -> HttpResponse:
    """Whom a task can be handed to and who can be asked, as forms. The review page shows them in a dialog."""
    return page.handing_page(request, read_task(reader(request), task_id))


@desk_page
@require_POST
def note(request: HttpRequest, *, task_id: int) -> HttpResponse:
    """Write a note beside the case."""
    user, text = reader(request), request.POST.get("text", "")
    task = read_task(user, task_id)
    try:
        written = notes.write(task.case_id, author=user, text=text, origin=ORIGIN)
    except (Invalid, Forbidden) as refusal:  # one who no longer holds the task is to keep the words, too
        answer = page.review_page(request, screen_of(user, task_id), refusal=refusal, note=clean(text))
        answer[ADDRESS] = reverse("desk:review", args=[task_id])
        return answer
    if written.untold:
        messages.warning(
            request,
            _("Not told, because they may not see this case: %(names)s.") % {"names": ", ".join(written.untold)},
        )
    return arrive(request, task_id=task_id)


@desk_page
@require_POST
def undo(request: HttpRequest, *, task_id: int) -> HttpResponse:
    """Take one's decision back while its grace runs, or what one has put down or passed on, and have it on the desk again."""
    user = reader(request)
    decision = getattr(read_task(user, task_id), "decision", None)
    try:
        if decision is None:
            again = taking_back.take_back(task_id, user=user, origin=ORIGIN)
        else:
            again = approve.undo(decision.pk, by=user, origin=ORIGIN)
            claims.claim(again.pk, user=user, origin=ORIGIN)
    except Conflict as refusal:
        return page.review_page(request, screen_of(user, task_id), refusal=refusal)
    return arrive(request, task_id=again.pk)
