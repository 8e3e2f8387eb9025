"""What one person should know of: the bell in the header, its list, and the way from a notice to its case."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.dateformat import format as formatted
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from cases.access import can
from review import notices
from review.models import Notice

MOST_LISTED = 100
MOST_COUNTED = 100
ICONS = {
    Notice.Kind.MENTION: "mention",
    Notice.Kind.HELP: "help",
    Notice.Kind.HANDED_OVER: "hand",
    Notice.Kind.TAKEN_AWAY: "hand",
    Notice.Kind.SENT_BACK: "back",
    Notice.Kind.URGENT: "urgent",
    Notice.Kind.LATE: "late",
    Notice.Kind.DUE_SOON: "late",
    Notice.Kind.MINE_LATE: "late",
    Notice.Kind.FLAG: "samples",
}


@never_cache
@require_GET
def unseen(request: HttpRequest) -> JsonResponse:
    """The account's unseen notices, the newest first, and how many there are (counted up to a hundred)."""
    user = cast(User, request.user)
    shown = notices.unseen(user)
    count = len(shown) if len(shown) < notices.MOST_SHOWN else len(_waiting(user))
    return JsonResponse({"count": count, "notices": [_as_json(notice) for notice in shown]})


@require_POST
def seen(request: HttpRequest) -> HttpResponse:
    """Mark what waits for the account as seen."""
    user = cast(User, request.user)
    notices.see(user, _waiting(user))
    if request.headers.get("Accept", "").startswith("application/json"):
        return JsonResponse({"count": 0, "notices": []})
    return HttpResponseRedirect(reverse("admin:notices"))


@require_GET
def follow(request: HttpRequest, notice_id: int) -> HttpResponse:
    """To the notice's case: to its task on the desk while that is open. It counts as seen from then on."""
    user = cast(User, request.user)
    notice = Notice.objects.filter(user=user, pk=notice_id).select_related("task").first()
    if notice is None:
        raise Http404
    notices.see(user, [notice.pk])
    return HttpResponseRedirect(_address(notice, user))


@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """The latest notices of the account, seen ones too."""
    rows = Notice.objects.filter(user=cast(User, request.user)).select_related("sender", "case__case_type")
    listed = list(rows.defer("case__payload", "case__context", "case__metadata").order_by("-id")[:MOST_LISTED])
    for notice in listed:
        notice.icon = ICONS[Notice.Kind(notice.kind)]  # type: ignore[attr-defined]  # for the template
    frame = admin.site.each_context(request)
    waiting = any(notice.seen_at is None for notice in listed)
    context: dict[str, Any] = {**frame, "title": _("Notices"), "notices": listed, "waiting": waiting}
    return TemplateResponse(request, "admin/notices.html", context)


def _waiting(user: User) -> list[int]:
    """The ids of the account's newest unseen notices, at most a hundred."""
    rows = Notice.objects.filter(user=user, seen_at__isnull=True).order_by("-id")
    return list(rows.values_list("pk", flat=True)[:MOST_COUNTED])


def _as_json(notice: Notice) -> dict[str, Any]:
    return {
        "id": notice.pk,
        "icon": ICONS[Notice.Kind(notice.kind)],
        "title": str(notice.get_kind_display()),
        "case": f"#{notice.case_id}",
        "text": notice.text,
        "sender": notice.sender.get_username() if notice.sender else "",
        "at": formatted(localtime(notice.at), "j M H:i"),
        "url": reverse("admin:notice", args=[notice.pk]),
    }


def _address(notice: Notice, user: User) -> str:
    if notice.kind == Notice.Kind.FLAG:
        return reverse("admin:feedback_flag_changelist" if can(user, "feedback.view_flag") else "people:mine")
    if notice.task is not None and notice.task.closed_at is None:
        return reverse("desk:review", args=[notice.task.pk])
    return reverse("admin:cases_case_change", args=[notice.case_id])
