"""Second reads in the back office: what was read again, how far people agree, and the taking of one of two answers."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.access import can
from cases.admin.base import VisibleFilter, account, badge, tell
from cases.errors import Refused
from cases.models import CaseType
from feedback import second_reads
from feedback.admin.lists import LearningList, Nothing, Step
from feedback.agreement_figures import figures_of
from feedback.models import SecondRead
from review.models import ReviewTask

SEES_PEOPLE = "cases.view_team_auditevent"


@admin.register(SecondRead)
class SecondReadAdmin(LearningList):
    """Those of a case that somebody reads blind now are left out until it is answered."""

    list_display = ("case_link", "case_type", "state", "probability", "created_at", "read_at", "settled_at")
    list_display_links = None
    list_filter = (("case_type", VisibleFilter), "agrees", "verdict")
    list_select_related: ClassVar[Any] = ("case_type", "decision")
    ordering = ("-id",)
    sortable_by = ()
    number = "decision__case_id"
    search_help_text = gettext_lazy("Number of a case")
    steps = (
        Step(gettext_lazy("How far people agree"), "admin:feedback_secondread_agreement", "feedback.view_secondread"),
    )
    nothing = Nothing(
        gettext_lazy("Nothing is read a second time yet"),
        gettext_lazy(
            "A policy says what share of decisions somebody else reads again, without seeing the first answer."
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        named = ((self.take, "take"), (self.agreement, "agreement"))
        own = [
            path(f"{name}/", self.admin_site.admin_view(view), name=f"feedback_secondread_{name}")
            for view, name in named
        ]
        return [*own, *super().get_urls()]

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ("decision__case_id",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[SecondRead]:
        same_case = ReviewTask.objects.open().filter(case=models.OuterRef("decision__case"))
        blind = same_case.filter(blind=True, first_answer__isnull=True)
        rows: models.QuerySet[SecondRead] = super().get_queryset(request).filter(~models.Exists(blind))
        return rows.defer("output", "settled", "decision__output", "decision__note")

    @admin.display(description=gettext_lazy("case"))
    def case_link(self, read: SecondRead) -> SafeString:
        case_id = read.decision.case_id
        return format_html('<a href="{}">#{}</a>', reverse("admin:cases_case_change", args=[case_id]), case_id)

    @admin.display(description=gettext_lazy("state"))
    def state(self, read: SecondRead) -> SafeString:
        if read.verdict:
            kind = "ok" if read.verdict == SecondRead.Verdict.FIRST else "danger"
            return badge(_("settled: %(verdict)s") % {"verdict": read.get_verdict_display()}, kind)
        if read.settled_at:
            return badge(_("both agree"), "ok")
        return badge(_("called off"), "") if read.task_id else badge(_("waits"), "info")

    def take(self, request: HttpRequest) -> HttpResponse:
        """Whoever settles a disagreement takes one of the two answers."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        asked = {name: request.POST.get(name, "") for name in ("task", "lease_token", "answer")}
        if not all(text.isascii() and text.isdecimal() and len(text) < 19 for text in asked.values()):  # noqa: PLR2004
            raise Http404
        task, token, place = (int(text) for text in asked.values())
        try:
            digest = request.POST.get("digest", "")
            by = account(request)
            second_reads.take(task, place=place, user=by, lease_token=token, digest=digest, origin="admin")
        except Refused as refusal:
            tell(request, refusal)
            return redirect("desk:review", task)
        return redirect("desk:start")

    def agreement(self, request: HttpRequest) -> HttpResponse:
        """How far people agree, by case type."""
        user = account(request)
        if not can(user, "feedback.view_secondread"):
            raise Http404
        kinds = CaseType.objects.order_by("name")
        wanted = request.GET.get("case_type", "")
        chosen = get_object_or_404(kinds, key=wanted) if wanted else _lately_read() or kinds.first()
        figures = figures_of(chosen, people=user.has_perm(SEES_PEOPLE)) if chosen else None
        own = {"case_types": kinds, "chosen": chosen, "figures": figures, "title": _("Agreement of readers")}
        context = {**self.admin_site.each_context(request), "opts": self.opts, **own}
        return TemplateResponse(request, "admin/feedback/secondread/agreement.html", context)


def _lately_read() -> CaseType | None:
    """The case type of the newest second read that was answered."""
    newest = SecondRead.objects.filter(agrees__isnull=False).select_related("case_type").order_by("-pk").first()
    return newest.case_type if newest else None
