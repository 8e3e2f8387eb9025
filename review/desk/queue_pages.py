"""The pages of the queues: how they stand, what is to come, who works there, and the list of their open tasks."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cases.access import can, demand, visible
from review import queues, saved_filters
from review.desk import several
from review.desk.entry import desk_page, reader
from review.desk.task_list import TaskFilters, open_tasks, page_of
from review.desk.work import QueueState, queue_states, state_of
from review.forecast import foresee
from review.models import Queue

SEE = "review.view_reviewtask"
LISTS = "tasks"  # the name under which filters of these lists are saved
LIVE_SECONDS = 10


@desk_page
@require_safe
def every_queue(request: HttpRequest) -> HttpResponse:
    """All the queues one may see, the most pressing first."""
    user = reader(request)
    demand(user, "review.view_queue")
    states = queue_states(user)
    context = {"queues": states, "totals": _totals(states), "live_seconds": LIVE_SECONDS}
    if "live" in request.GET:
        return TemplateResponse(request, "review/queue_live.html", context)
    return _answer(request, "review/queue_overview.html", _("Queues"), context)


@desk_page
@require_safe
def one_queue(request: HttpRequest, *, key: str) -> HttpResponse:
    """One queue: its figures, its forecast, its people and its tasks."""
    user, now = reader(request), datetime.now(UTC)
    queue, context = _figures(user, key, now=now)
    if "live" in request.GET:
        return TemplateResponse(request, "review/queue_figures.html", context)
    return _answer(request, "review/queue.html", queue.name, {**context, **_listed(request, queue)})


@desk_page
@require_safe
def every_task(request: HttpRequest) -> HttpResponse:
    """The open tasks of all the queues one may see."""
    demand(reader(request), SEE)
    return _answer(request, "review/queue_tasks.html", _("Tasks"), _listed(request, None))


def _figures(user: User, key: str, *, now: datetime) -> tuple[Queue, dict[str, Any]]:
    rows = visible(user, Queue.objects.filter(key=key), "review.view_queue")
    found = queues.stand_and_outlook(rows, now=now)
    if found is None:
        raise Http404(_("There is no such queue, or it is not yours to see."))
    queue, standing, outlook = found
    context = {
        "queue": queue,
        "state": state_of(queue, standing, user),
        "outlook": outlook,
        "forecast": foresee(outlook.due, outlook.pace, now=now),
        "workers": queues.workers(queue),
        "most": queues.MOST_COUNTED,
        "live_seconds": LIVE_SECONDS,
    }
    return queue, context


def _totals(states: list[QueueState]) -> dict[str, int]:
    names = ("waiting", "claimed", "held", "snoozed", "overdue")
    return {name: sum(getattr(state, name) for state in states) for name in names}


def _listed(request: HttpRequest, queue: Queue | None) -> dict[str, Any]:
    """The list with its filters, its tabs of saved filters, and what may be done with several tasks at once."""
    user = reader(request)
    filters = TaskFilters(request.GET, user=user, queue=queue)
    page = page_of(open_tasks(user, filters.wanted, queue=queue), after=request.GET.get("after", ""))
    following = f"{filters.query}&{urlencode({'after': page.after})}".lstrip("&") if page.after else ""
    return {
        "filters": filters,
        "page": page,
        "query": filters.query,
        "following": following,
        "later": "after" in request.GET,
        "here": request.path,
        "saved": _tabs(user, queue),
        "saved_page": LISTS,
        "acts": several.offered(user) if page.tasks else [],
        "may_lead": can(user, saved_filters.LEAD),
    }


def _tabs(user: User, queue: Queue | None) -> list[Any]:
    """On the page of one queue none that names a queue itself."""
    kept = saved_filters.listed(user, LISTS)
    return [one for one in kept if queue is None or "queue=" not in one.query]


def _answer(request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), "title": title, **context})
