"""Every run in the background, the newest first: what it was for, how far it came, and what came of it."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.base import VisibleFilter, badge
from feedback.admin.lists import LearningList, Nothing, Step
from feedback.models import Run

RUN_KINDS = {"waiting": "", "running": "info", "done": "ok", "failed": "danger"}


@admin.register(Run)
class RunAdmin(LearningList):
    list_display = ("name", "about", "status_badge", "how_far", "message", "started_by", "created_at", "finished_at")
    list_display_links = None
    list_filter = ("kind", "status", ("case_type", VisibleFilter))
    list_select_related = ("case_type", "model__case_type", "prompt__case_type")
    ordering = ("-id",)
    sortable_by = ()
    steps = (Step(gettext_lazy("Train a model"), "admin:feedback_modelversion_train", "feedback.add_run"),)
    nothing = Nothing(
        gettext_lazy("Nothing has run yet"),
        gettext_lazy(
            "Trainings, evaluations and replays happen in the background and are kept here with what came of them."
        ),
    )

    @admin.display(description=gettext_lazy("run"))
    def name(self, run: Run) -> str:
        return str(run)

    @admin.display(description=gettext_lazy("version"))
    def about(self, run: Run) -> SafeString | str:
        version = run.model or run.prompt
        if version is None:
            return "–"
        address = reverse(f"admin:feedback_{version._meta.model_name}_change", args=[version.pk])
        return format_html('<a href="{}">{} {}</a>', address, version._meta.verbose_name, version.number)

    @admin.display(description=gettext_lazy("status"))
    def status_badge(self, run: Run) -> SafeString:
        return badge(run.get_status_display(), RUN_KINDS[run.status])

    @admin.display(description=gettext_lazy("progress"))
    def how_far(self, run: Run) -> SafeString:
        told = f"{run.progress:.0%}"
        bar = '<meter min="0" max="1" value="{}" aria-label="{}"></meter> {}'
        return format_html(bar, f"{run.progress:.2f}", _("Progress"), told)
