"""The page on which somebody looks back at their own day."""

from __future__ import annotations

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from cases.access import demand
from review.awake import awake_of
from review.desk.entry import desk_page, reader
from review.summary import summary_of


@desk_page
@require_safe
def summary(request: HttpRequest) -> HttpResponse:
    """What the reader decided today. There is no address for anybody else's day."""
    user = reader(request)
    demand(user, "review.claim_reviewtask")
    context = {
        **admin.site.each_context(request),
        "title": _("My day"),
        "day": summary_of(user),
        "awake": awake_of(user),
    }
    return TemplateResponse(request, "review/summary.html", context)
