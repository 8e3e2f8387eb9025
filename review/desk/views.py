"""The pages of the review desk. They only read the request, call a verb, and show what came of it."""

from __future__ import annotations

import json
from urllib.parse import urlencode

from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from cases.access import visible
from cases.errors import Conflict, Refused
from cases.models import Attachment
from review import approve, claims
from review.desk import acts, page
from review.desk.answers import number
from review.desk.entry import desk_page, reader
from review.desk.screen import read_task, screen_of
from review.desk.work import my_claims

ORIGIN = acts.ORIGIN


@desk_page
@require_http_methods(["GET", "HEAD", "POST"])
def start(request: HttpRequest) -> HttpResponse:
    """The desk without a case on it; posting takes the next one."""
    if request.method == "POST":
        return next_case(request)
    return page.empty_desk(request)


def next_case(request: HttpRequest, *, after: int = 0) -> HttpResponse:
    """To a case one holds already, else to the most pressing free one, else to the empty desk."""
    user, queue = reader(request), request.POST.get("queue", "")
    held = my_claims(user)
    task = held[0] if held else claims.claim_next(user, origin=ORIGIN, queue=queue)
    asked = {"queue": queue, "after": after or ""}
    query = urlencode({name: value for name, value in asked.items() if value})
    address = reverse("desk:review", args=[task.pk]) if task else reverse("desk:start")
    return HttpResponseRedirect(f"{address}?{query}" if query else address)


@desk_page
@require_http_methods(["GET", "HEAD", "POST"])
def review(request: HttpRequest, *, task_id: int) -> HttpResponse:
    """One task: the input on the left, the answer on the right. Posting does what the pressed button says."""
    user = reader(request)
    if request.method != "POST":
        return page.review_page(request, screen_of(user, task_id))
    typed = acts.read_submission(user, task_id, request.POST)
    try:
        then = acts.perform(user, task_id, typed)
    except Refused as refusal:
        if refusal.status in (403, 404):
            raise
        return page.review_page(request, screen_of(user, task_id), typed=typed, refusal=refusal)
    if then == acts.STAY:
        return HttpResponseRedirect(_with_queue(request, reverse("desk:review", args=[task_id])))
    if then == acts.KEEP:
        return page.review_page(request, screen_of(user, task_id), typed=typed)
    if then == acts.LEAVE:
        return HttpResponseRedirect(f"{reverse('desk:start')}?{urlencode({'after': task_id})}")
    return next_case(request, after=task_id)


def _with_queue(request: HttpRequest, address: str) -> str:
    queue = request.POST.get("queue", "")
    return f"{address}?{urlencode({'queue': queue})}" if queue else address


@desk_page
@require_POST
def heartbeat(request: HttpRequest, *, task_id: int) -> HttpResponse:
    """Extend the lease; answers with the seconds that are left, or 409 with what happened."""
    user = reader(request)
    try:
        claims.heartbeat(task_id, user=user, lease_token=number(request.POST.get("lease_token", "")))
    except Conflict as refusal:
        return JsonResponse({"detail": refusal.message}, status=409)
    return JsonResponse({"seconds": read_seconds_left(request, task_id)})


def read_seconds_left(request: HttpRequest, task_id: int) -> int:
    task = read_task(reader(request), task_id)
    return max(0, int((task.lease_until - task.read_at).total_seconds()))  # type: ignore[attr-defined]  # annotated


@desk_page
@require_POST
def undo(request: HttpRequest, *, task_id: int) -> HttpResponse:
    """Take one's decision back while its grace runs, and have the case on the desk again."""
    user = reader(request)
    decision = getattr(read_task(user, task_id), "decision", None)
    if decision is None:
        raise Http404
    try:
        again = approve.undo(decision.pk, by=user, origin=ORIGIN)
        claims.claim(again.pk, user=user, origin=ORIGIN)
    except Conflict as refusal:
        return page.review_page(request, screen_of(user, task_id), refusal=refusal)
    return HttpResponseRedirect(reverse("desk:review", args=[again.pk]))


@desk_page
@require_GET
def whole_input(request: HttpRequest, *, task_id: int) -> HttpResponseBase:
    """The whole payload as plain text, for inputs too long for the page."""
    task = read_task(reader(request), task_id)
    text = json.dumps(task.case.payload, ensure_ascii=False, indent=2)
    return _harmless(HttpResponse(text.encode("utf-8", "replace"), content_type="text/plain; charset=utf-8"))


@desk_page
@require_GET
def attachment(request: HttpRequest, *, attachment_id: int) -> HttpResponseBase:
    """A file that came with a case, always as a download: it is hostile input."""
    rows = visible(reader(request), Attachment.objects.all(), "cases.view_attachment")
    found = rows.filter(pk=attachment_id).first()
    if found is None:
        raise Http404(_("There is no such file, or it is not yours to see."))
    answer = FileResponse(
        found.file.open("rb"), as_attachment=True, filename=found.name, content_type="application/octet-stream"
    )
    return _harmless(answer)


def _harmless(answer: HttpResponseBase) -> HttpResponseBase:
    answer["X-Content-Type-Options"] = "nosniff"
    answer["Content-Security-Policy"] = "sandbox; default-src 'none'"
    return answer
