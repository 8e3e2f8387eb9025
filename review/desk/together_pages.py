"""The pages on which alike cases are decided together, and taken back together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from cases.access import demand, visible
from cases.errors import Conflict, Invalid, Refused
from cases.models.choices import Reason
from review import together
from review.decide import LONGEST_ACTIVE_SECONDS, LONGEST_REASON, Answer
from review.desk.alike import Row, labels_of, read_rows, rows_like, waiting_kinds
from review.desk.answers import clean, number
from review.desk.entry import desk_page, reader
from review.models import Queue
from review.together import Kind, Pick, Together

ORIGIN = "admin"
CLAIM, DECIDE = "review.claim_reviewtask", "review.decide_reviewtask"


@desk_page
@require_http_methods(["GET", "HEAD", "POST"])
def alike(request: HttpRequest) -> HttpResponse:
    """What waits more than once; one kind of it as a list to tick; and, posted, one answer to what was ticked."""
    user = reader(request)
    demand(user, DECIDE)
    if request.method == "POST":
        return _decide(request, user)
    queue = _queue(user, request.GET.get("queue", ""))
    kind = _kind(request.GET)
    if kind is None or queue is None:
        return _choice(request, user, queue)
    return _list(request, queue, kind, rows_like(user, queue, kind))


@desk_page
@require_POST
def undo(request: HttpRequest, *, batch_id: int) -> HttpResponse:
    """Take a bulk decision back, as far as nothing of it has left."""
    note = clean(request.POST.get("note", "")).strip()
    try:
        done = together.undo_together(batch_id, by=reader(request), origin=ORIGIN, note=note)
    except (Conflict, Invalid) as refusal:
        return _result(request, Together(None, []), refusal=refusal, undone=True)
    return _result(request, done, undone=True)


def _decide(request: HttpRequest, user: User) -> HttpResponse:
    data = request.POST
    picks = [Pick(number(text), data.get(f"digest-{text}", "")) for text in data.getlist("pick")]
    try:
        done = together.decide_together(user, picks=picks, answer=_answer(data), origin=ORIGIN)
    except Invalid as refusal:
        return _again(request, user, refusal=refusal)
    return _result(request, done)


def _answer(data: QueryDict) -> Answer:
    label = clean(data.get("label_instead", ""))
    return Answer(
        outcome=str(data.get("verb", "")),
        output={"label": label} if label else None,
        reason=clean(data.get("reason", "")).strip()[:LONGEST_REASON],
        active_seconds=_seconds(data.get("active_seconds", "")),
    )


def _seconds(text: str) -> float:
    whole = text.split(".", 1)[0]
    return min(float(number(whole)), LONGEST_ACTIVE_SECONDS) if number(whole) > 0 else 0.0


def _again(request: HttpRequest, user: User, *, refusal: Invalid) -> HttpResponse:
    """The list once more, with what was ticked and typed, and why nothing was done."""
    queue, kind = _queue(user, request.POST.get("queue", "")), _kind(request.POST)
    if queue is None or kind is None:
        raise Http404
    return _list(request, queue, kind, rows_like(user, queue, kind), refusal=refusal)


def _queue(user: User, key: str) -> Queue | None:
    """The queue of that key, else the first of one's own; none where one works nowhere."""
    mine = list(visible(user, Queue.objects.order_by("name"), CLAIM))
    found = next((queue for queue in mine if queue.key == key), None)
    if key and found is None:
        raise Http404(_("There is no such queue, or you do not work in it."))
    return found or (mine[0] if mine else None)


def _kind(data: QueryDict) -> Kind | None:
    case_type, reason = number(data.get("case_type", "")), data.get("reason_why", "")
    label = clean(data.get("label", ""))
    return Kind(case_type, label, reason) if case_type > 0 and reason in Reason.values and label else None


def _choice(request: HttpRequest, user: User, queue: Queue | None) -> HttpResponse:
    context = {
        "queues": list(visible(user, Queue.objects.order_by("name"), CLAIM)),
        "queue": queue,
        "kinds": waiting_kinds(user, queue) if queue else [],
    }
    return _page(request, "review/together_kinds.html", _("Decide together"), context)


def _list(
    request: HttpRequest, queue: Queue, kind: Kind, rows: Sequence[Row], *, refusal: Refused | None = None
) -> HttpResponse:
    ticked = {number(text) for text in request.POST.getlist("pick")}
    context: dict[str, Any] = {
        "queue": queue,
        "kind": kind,
        "reason": Reason(kind.reason).label,
        "rows": [(row, row.task.pk in ticked) for row in rows],
        "labels": labels_of(kind.case_type_id, but=kind.label) if rows else [],
        "refusal": refusal,
        "most": together.MOST,
    }
    status = refusal.status if refusal else 200
    return _page(request, "review/together.html", _("Decide together"), context, status=status)


def _result(
    request: HttpRequest, done: Together, *, refusal: Refused | None = None, undone: bool = False
) -> HttpResponse:
    rows = {} if undone else {row.task.pk: row for row in read_rows(reader(request), [one.id for one in done.left_out])}
    context = {
        "together": done,
        "refusal": refusal,
        "undone": undone,
        "left": [(one, rows.get(one.id)) for one in done.left_out],
        "undo_seconds": _undo_seconds(done) if not undone else 0,
    }
    title = _("Taken back") if undone else _("Decided together")
    return _page(request, "review/together_done.html", title, context, status=refusal.status if refusal else 200)


def _undo_seconds(done: Together) -> int:
    """For how long at the most the whole batch can still be taken back."""
    found = [result.decision.policy.grace_seconds for result in done.done if result.decision]
    return min(found, default=0)


def _page(
    request: HttpRequest, template: str, title: str, context: dict[str, Any], *, status: int = 200
) -> HttpResponse:
    frame = {**admin.site.each_context(request), "title": title}
    return TemplateResponse(request, template, {**frame, **context}, status=status)
