"""Where to go when a case is done: to the next one, claimed in the same request, or to the empty desk.

A page that swaps its content itself (the header `page.SWAP`) is answered with the next page at once, and told its address;
everybody else is redirected there.
"""

from __future__ import annotations

from urllib.parse import urlencode

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from cases.errors import Conflict
from review import claims
from review.desk import page
from review.desk.entry import reader
from review.desk.screen import screen_of
from review.desk.work import MOST_CLAIMS
from review.models import ReviewTask

ADDRESS = "X-Desk-Address"
ORIGIN = "admin"


def next_case(request: HttpRequest, *, after: int = 0) -> HttpResponse:
    """To a case one holds already, else to one that was handed over, else to the most pressing free one."""
    task_id = next_task(reader(request), request.POST.get("queue", ""))
    return arrive(request, task_id=task_id or 0, after=after)


def next_task(user: User, queue: str) -> int | None:
    """Its id, claimed."""
    rows = ReviewTask.objects.claimed().filter(assignee=user).order_by("claimed_at")
    in_hands = list(rows.values_list("pk", "claimed_at", "hold_reason")[:MOST_CLAIMS])
    under_way = [pk for pk, claimed_at, held_because in in_hands if claimed_at and not held_because]
    if under_way:
        return under_way[0]
    for handed in (pk for pk, claimed_at, _held in in_hands if not claimed_at):
        try:
            return claims.claim(handed, user=user, origin=ORIGIN).pk
        except Conflict:  # taken away a moment ago
            continue
    return claims.take_next(user, origin=ORIGIN, queue=queue)


def arrive(request: HttpRequest, *, task_id: int, after: int = 0) -> HttpResponse:
    """At a task's page, or with 0 at the empty desk. ``after`` is the task just left, for the toast."""
    queue = request.POST.get("queue", "")[:64]
    asked = {"queue": queue, "after": after or "", "none": "" if task_id else "1"}
    query = urlencode({name: value for name, value in asked.items() if value})
    place = reverse("desk:review", args=[task_id]) if task_id else reverse("desk:start")
    address = f"{place}?{query}" if query else place
    if page.SWAP not in request.headers:
        return HttpResponseRedirect(address)
    user = reader(request)
    told = page.Left(queue=queue, after=after, none=not task_id)
    answer = (
        page.review_page(request, screen_of(user, task_id), left=told)
        if task_id
        else page.empty_desk(request, left=told)
    )
    answer[ADDRESS] = address
    return answer
