"""What was wrong and what was learnt: lists to read. Changes come from decisions, samples and reports alone."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.base import VisibleFilter, badge
from feedback.admin.lists import LearningList, Nothing
from feedback.models import LabelledExample, OutcomeReport, Sample
from review.models import ReviewTask


class OfACase(LearningList):
    """Rows that hang on a case; those of a case that somebody reads blind are left out until it is answered."""

    list_display_links: Any = None
    list_select_related: ClassVar[Any] = ("case__case_type",)
    ordering = ("-id",)
    sortable_by = ()
    number = "case_id"
    search_help_text = gettext_lazy("Number of a case")

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ("case_id",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        blind = ReviewTask.objects.open().filter(case=models.OuterRef("case"), blind=True, first_answer__isnull=True)
        rows: models.QuerySet[Any] = super().get_queryset(request)
        return rows.filter(~models.Exists(blind)).defer("case__payload", "case__context", "case__metadata")

    @admin.display(description=gettext_lazy("case"))
    def case_link(self, row: Any) -> SafeString:
        return format_html('<a href="{}">#{}</a>', reverse("admin:cases_case_change", args=[row.case_id]), row.case_id)

    @admin.display(description=gettext_lazy("case type"))
    def case_type(self, row: Any) -> str:
        return str(row.case.case_type.name)


@admin.register(Sample)
class SampleAdmin(OfACase):
    nothing = Nothing(
        gettext_lazy("No sample has been read yet"),
        gettext_lazy(
            "The coin at intake and rounds of samples choose cases that a person reads blind: they tell how often the machine is wrong."
        ),
    )
    list_display = (
        "case_link",
        "case_type",
        "verdict",
        "automated",
        "probability",
        "round",
        "read_by",
        "read_at",
        "released_at",
    )
    list_filter = ("correct", "automated", "uniform", ("case__case_type", VisibleFilter))
    list_select_related = ("case__case_type", "read_by", "draw__round__case_type")

    @admin.display(description=gettext_lazy("the machine was"))
    def verdict(self, sample: Sample) -> SafeString:
        return badge(_("right"), "ok") if sample.correct else badge(_("wrong"), "danger")

    @admin.display(description=gettext_lazy("round"))
    def round(self, sample: Sample) -> SafeString | str:
        if sample.draw is None:
            return "–"
        address = reverse("admin:feedback_round_change", args=[sample.draw.round_id])
        return format_html('<a href="{}">{}</a>', address, sample.draw.round.number)


@admin.register(OutcomeReport)
class OutcomeReportAdmin(OfACase):
    nothing = Nothing(
        gettext_lazy("Nothing has been reported yet"),
        gettext_lazy(
            "Systems downstream report over the API whether a decision was right. A wrong one is put up for decision again."
        ),
    )
    list_display = ("case_link", "case_type", "verdict", "source", "reported_by", "reported_at", "note")
    list_filter = ("correct", ("case__case_type", VisibleFilter))
    list_select_related = ("case__case_type", "reported_by")

    @admin.display(description=gettext_lazy("the decision was"))
    def verdict(self, report: OutcomeReport) -> SafeString:
        return badge(_("right"), "ok") if report.correct else badge(_("wrong"), "danger")


@admin.register(LabelledExample)
class LabelledExampleAdmin(LearningList):
    nothing = Nothing(
        gettext_lazy("No example has been imported yet"),
        gettext_lazy(
            "Inputs whose right answer is known come in by the command import_cases with --truth. They are learnt from as people’s decisions are."
        ),
    )
    list_display = ("external_id", "case_type", "answer", "source", "created_at")
    list_filter = (("case_type", VisibleFilter),)
    list_select_related = ("case_type",)
    ordering = ("-id",)
    sortable_by = ()
    exact = ("external_id",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[LabelledExample]:
        return super().get_queryset(request).defer("payload")

    @admin.display(description=gettext_lazy("answer"))
    def answer(self, example: LabelledExample) -> str:
        output = example.output if isinstance(example.output, dict) else {}
        return str(output.get("label", ""))
