"""Flags in the back office: why one was opened, what follows from it, and closing it with a note."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.access import can
from cases.admin.base import BackOfficeAdmin, VisibleFilter, account, badge, tell
from cases.errors import Refused
from feedback import evidence, flags, refreshers
from feedback.models import Flag, Refresher, SecondRead
from feedback.shares import Share
from review.models import Policy

ORIGIN = "admin"
LONGEST_NOTE = 2_000


class State(admin.SimpleListFilter):
    title = gettext_lazy("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", gettext_lazy("open")), ("closed", gettext_lazy("closed"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> models.QuerySet[Flag]:
        found: models.QuerySet[Flag] = queryset
        return found.filter(closed_at__isnull=self.value() == "open") if self.value() else found


@admin.register(Flag)
class FlagAdmin(BackOfficeAdmin):
    list_display = ("user", "case_type", "what_follows", "opened_at", "state", "note")
    list_display_links = ("user",)
    list_filter = (State, ("case_type", VisibleFilter))
    list_select_related = ("case_type", "user")
    ordering = ("user__username", "-id")  # by name: an order that ranks nobody
    sortable_by = ()
    change_form_template = "admin/feedback/flag/page.html"

    def get_urls(self) -> list[URLPattern]:
        close = path("<int:pk>/close/", self.admin_site.admin_view(self.close), name="feedback_flag_close")
        return [close, *super().get_urls()]

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        flag = self.get_object(request, object_id or "")
        if flag is None:
            raise Http404
        title = _("Flag: %(person)s, %(case_type)s") % {"person": flag.user, "case_type": flag.case_type}
        user = account(request)
        own = {
            "opts": self.opts,
            "title": title,
            "flag": flag,
            "trail": evidence.trail(flags.answers_of(flag)),
            "share": Share(flag.evidence.get("caught", 0), flag.evidence.get("answers", 0)),
            "follows": flags.FOLLOWS[Policy.OnFlag(flag.step)],
            "may_close": flag.closed_at is None and flag.user_id != user.pk and can(user, flags.CLOSE),
            "longest_note": LONGEST_NOTE,
            **_measures(flag),
        }
        context = {**self.admin_site.each_context(request), **own}
        return TemplateResponse(request, self.change_form_template, context)

    def close(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Close it with what came of it; what followed from it ends."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if self.get_object(request, str(pk)) is None:
            raise Http404
        note = request.POST.get("note", "").replace("\x00", "")[:LONGEST_NOTE]
        try:
            flags.close(pk, by=account(request), note=note, origin=ORIGIN)
            messages.success(request, _("The flag is closed, and what followed from it has ended."))
        except Refused as refusal:
            tell(request, refusal)
        return HttpResponseRedirect(reverse("admin:feedback_flag_change", args=[pk]))

    @admin.display(description=gettext_lazy("what follows"))
    def what_follows(self, flag: Flag) -> str:
        return str(flag.get_step_display())

    @admin.display(description=gettext_lazy("state"))
    def state(self, flag: Flag) -> SafeString:
        return badge(_("closed")) if flag.closed_at else badge(_("open"), "warning")


def _measures(flag: Flag) -> dict[str, Any]:
    """What really came of the flag so far."""
    refresher = Refresher.objects.filter(flag=flag).first()
    found: dict[str, Any] = {"refresher": refresher}
    if refresher is not None:
        found["progress"] = refreshers.progress(refresher)
        found["plantings"] = list(refresher.plantings.select_related("gold").order_by("pk"))
    if flag.step == Policy.OnFlag.PAUSE:
        until = models.Q(decision__decided_at__lte=flag.closed_at) if flag.closed_at else models.Q()
        rows = SecondRead.objects.filter(
            until, decision__decided_by=flag.user, case_type=flag.case_type, decision__decided_at__gte=flag.opened_at
        )
        read = rows.filter(read_at__isnull=False)
        found["read_again"] = {"drawn": rows.count(), "read": read.count(), "differ": read.filter(agrees=False).count()}
    return found
