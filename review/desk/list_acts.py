"""What is posted from a list of tasks: an act on several of them, or a filter to be kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from cases.admin.base import tell
from cases.errors import Invalid, Refused
from review import saved_filters
from review.desk import several
from review.desk.answers import number
from review.desk.entry import desk_page, reader

PAGES = frozenset({"tasks", "admin-tasks"})


@desk_page
@require_POST
def act_on_several(request: HttpRequest) -> HttpResponse:
    """Does it with each, and tells of each how it went. Asks first to whom, where that is not said."""
    user, data, back = reader(request), request.POST, _back(request)
    act, ids = several.act_of(user, data.get("verb", "")), [number(text) for text in data.getlist("task")]
    reason, to = data.get("reason", ""), data.get("to", "")
    if act.goes and not to and 0 < len(ids) <= several.MOST:
        asked = {"act": act, "ids": ids, "reason": reason, "targets": several.targets(act), "back": back}
        return _answer(request, "review/several_to.html", str(act.name), asked)
    try:
        outcomes = several.perform(user, act.verb, ids, reason=reason, to=to)
    except Invalid as refusal:
        tell(request, refusal)
        return HttpResponseRedirect(back)
    done = sum(outcome.done for outcome in outcomes)
    told: dict[str, Any] = {"outcomes": sorted(outcomes, key=lambda outcome: outcome.done), "back": back}
    title = _("%(done)d of %(all)d done") % {"done": done, "all": len(outcomes)}
    return _answer(request, "review/several.html", title, {**told, "failed": len(outcomes) - done})


def _answer(request: HttpRequest, template: str, title: str, context: dict[str, Any]) -> HttpResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), "title": title, **context})


@desk_page
@require_POST
def save_filter(request: HttpRequest) -> HttpResponse:
    """Keep the filters of a list under a name."""
    data, page = request.POST, request.POST.get("page", "")
    query, shared = data.get("query", ""), "shared" in data
    try:
        if page not in PAGES:
            raise Invalid(_("The filter was not saved."))
        kept = saved_filters.save(reader(request), page=page, name=data.get("name", ""), query=query, shared=shared)
        messages.success(request, _("Saved as “%(name)s”.") % {"name": kept.name})
    except Refused as refusal:
        tell(request, refusal)
    return HttpResponseRedirect(_back(request))


@desk_page
@require_POST
def change_filter(request: HttpRequest, *, filter_id: int) -> HttpResponse:
    """Rename, share or delete a kept filter, by the button that was pressed."""
    act = FILTER_ACTS.get(request.POST.get("verb", ""))
    try:
        if act is not None:
            messages.success(request, act(filter_id, reader(request), request.POST))
    except Refused as refusal:
        tell(request, refusal)
    return HttpResponseRedirect(_back(request))


def _rename(filter_id: int, user: User, data: QueryDict) -> str:
    kept = saved_filters.rename(filter_id, by=user, name=data.get("name", ""))
    return _("Renamed to “%(name)s”.") % {"name": kept.name}


def _share(filter_id: int, user: User, data: QueryDict) -> str:
    kept = saved_filters.share(filter_id, by=user, shared=True)
    return _("“%(name)s” is shared with everybody.") % {"name": kept.name}


def _unshare(filter_id: int, user: User, data: QueryDict) -> str:
    kept = saved_filters.share(filter_id, by=user, shared=False)
    return _("“%(name)s” is no longer shared.") % {"name": kept.name}


def _delete(filter_id: int, user: User, data: QueryDict) -> str:
    saved_filters.delete(filter_id, by=user)
    return _("The filter is deleted.")


FILTER_ACTS: dict[str, Callable[[int, User, QueryDict], str]] = {
    "rename": _rename,
    "share": _share,
    "unshare": _unshare,
    "delete": _delete,
}


def _back(request: HttpRequest) -> str:
    """Where the form came from, if that is a page of ours."""
    wanted = request.POST.get("back", "")
    ours = wanted.startswith("/") and url_has_allowed_host_and_scheme(wanted, allowed_hosts=None)
    return wanted if ours else reverse("desk:tasks")
