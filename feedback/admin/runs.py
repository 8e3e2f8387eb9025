"""Every run in the background, the newest first: what it was for, how far it came, and what came of it."""

from __future__ import annotations

from django.contrib import admin
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.base import VisibleFilter, badge
from feedback.admin.lists import LearningList, Nothing, Step
from feedback.models import ModelVersion, PromptVersion, Run

RUN_KINDS = {"waiting": "", "running": "info", "done": "ok", "failed": "danger"}


@admin.register(Run)
class RunAdmin(LearningList):
    list_display = ("name", "about", "state", "message", "started_by", "started")
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
        return run.get_kind_display()

    @admin.display(description=gettext_lazy("about"))
    def about(self, run: Run) -> SafeString | str:
        """The version, where there is one; a training makes it only at its end."""
        version = run.model or run.prompt
        if version is None:
            return str(run.case_type)
        address = reverse(f"admin:feedback_{version._meta.model_name}_change", args=[version.pk])
        return format_html('<a href="{}">{}</a> <span class="cs-quiet">{}</span>', address, version, _kind(version))

    @admin.display(description=gettext_lazy("status"))
    def state(self, run: Run) -> SafeString:
        told = badge(run.get_status_display(), RUN_KINDS[run.status])
        if run.status != Run.Status.RUNNING:
            return told
        bar = '{} <meter min="0" max="1" value="{}" aria-label="{}"></meter> {}'
        return format_html(bar, told, f"{run.progress:.2f}", _("Progress"), f"{run.progress:.0%}")

    @admin.display(description=gettext_lazy("started"))
    def started(self, run: Run) -> str:
        return date_format(timezone.localtime(run.created_at), "SHORT_DATETIME_FORMAT")


def _kind(version: ModelVersion | PromptVersion) -> str:
    return _("model") if isinstance(version, ModelVersion) else _("prompt")
