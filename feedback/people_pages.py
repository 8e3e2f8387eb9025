"""How I decide, for each reader alone; and the team's page, for those who lead or audit it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cases.access import can
from cases.admin.base import account
from feedback import calibration, flags, people, refreshers
from feedback.models import Flag, Refresher
from review.planted import knows

READS = "review.decide_reviewtask"


@require_safe
def how_i_decide(request: HttpRequest) -> HttpResponse:
    """One's own page. There is no address for anybody else's."""
    user = account(request)
    if not can(user, READS):
        raise Http404
    rounds = Refresher.objects.filter(flag__user=user).select_related("flag__case_type")
    own = {
        "title": _("How I decide"),
        "kinds": calibration.calibration_of(user),
        "told": people.told_to(user),
        "flags": Flag.objects.filter(user=user, closed_at__isnull=True).select_related("case_type").order_by("pk"),
        "follows": flags.FOLLOWS_FOR_READER,
        "rounds": [(one, refreshers.progress(one)) for one in rounds],
        "least": calibration.LEAST,
        "knows": knows(user),
    }
    return _page(request, "admin/feedback/people/mine.html", own)


@require_safe
def team(request: HttpRequest) -> HttpResponse:
    """The people by name, or for those who may know no persons the team as one."""
    user = account(request)
    own: dict[str, Any] = {"title": _("The team and known cases"), "least": calibration.LEAST}
    if can(user, people.SEES_PEOPLE):
        own["people"] = people.people()
    elif can(user, people.SEES_SUMS):
        own["sums"] = people.sums()
    else:
        raise Http404
    return _page(request, "admin/feedback/people/team.html", own)


def _page(request: HttpRequest, template: str, own: dict[str, Any]) -> HttpResponse:
    return TemplateResponse(request, template, {**admin.site.each_context(request), **own})
