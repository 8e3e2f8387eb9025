"""Datasets in the back office: freeze a selection, see what is in it, take it away as a file."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.access import can, visible
from cases.admin.base import VisibleFilter, account, badge, tell
from cases.concealment import concealed_ids
from cases.errors import Refused
from cases.models import Case, CaseType
from cases.outputs import label_of
from feedback.admin.lists import LearningList, Nothing, Step
from feedback.api.dataset_views import as_file
from feedback.datasets import ORIGINS, Selection, freeze
from feedback.exports import FORMATS
from feedback.models import Dataset, DatasetItem

ORIGIN = "admin"
MOST_PREVIEWED = 20
ORIGIN_NAMES = {
    "decision": gettext_lazy("decisions of people"),
    "outcome": gettext_lazy("reports from downstream"),
    "adjudication": gettext_lazy("disagreements that were settled"),
    "labelled": gettext_lazy("examples that came with their truth"),
    "sample": gettext_lazy("samples read blind (to judge by only)"),
}
FORMAT_HELP = {
    "sft": gettext_lazy("Chats to learn from"),
    "dpo": gettext_lazy("Preferred and not preferred answers"),
    "few-shot": gettext_lazy("A few examples of each label"),
    "eval": gettext_lazy("Examples to judge by"),
    "csv": gettext_lazy("Everything, with its lineage"),
}


class FreezeForm(forms.Form):
    """What goes into the dataset."""

    case_type = forms.ModelChoiceField(CaseType.objects.order_by("name"), label=gettext_lazy("Case type"))
    name = forms.SlugField(
        max_length=64, label=gettext_lazy("Name"), help_text=gettext_lazy("The same name again makes its next version.")
    )
    since = forms.DateField(
        required=False, label=gettext_lazy("From day (UTC)"), widget=forms.DateInput(attrs={"type": "date"})
    )
    until = forms.DateField(
        required=False, label=gettext_lazy("Before day (UTC)"), widget=forms.DateInput(attrs={"type": "date"})
    )
    origins = forms.MultipleChoiceField(
        choices=list(ORIGIN_NAMES.items()),
        initial=list(ORIGINS),
        label=gettext_lazy("From"),
        widget=forms.CheckboxSelectMultiple,
    )
    minimum_agreement = forms.FloatField(
        min_value=0,
        max_value=1,
        initial=0,
        label=gettext_lazy("Least agreement of the readers"),
        help_text=gettext_lazy("A share from 0 to 1. Above 0, only cases that two people and more have read."),
        widget=forms.NumberInput(attrs={"step": "0.05"}),
    )
    mask = forms.BooleanField(
        required=False, initial=True, label=gettext_lazy("Mask addresses, telephone, card and account numbers")
    )

    @property
    def selection(self) -> Selection:
        clean = self.cleaned_data
        days = [datetime.combine(day, time(), UTC) if day else None for day in (clean["since"], clean["until"])]
        plain = {name: clean[name] for name in ("mask", "minimum_agreement")}
        return Selection(since=days[0], until=days[1], origins=tuple(clean["origins"]), **plain)


@admin.register(Dataset)
class DatasetAdmin(LearningList):
    list_display = ("__str__", "case_type", "examples", "state", "made_by", "created_at")
    list_filter = (("case_type", VisibleFilter),)
    list_select_related = ("case_type", "made_by")
    ordering = ("-id",)
    sortable_by = ()
    prefix = ("name",)
    search_help_text = gettext_lazy("Beginning of a name")
    change_form_template = "admin/feedback/dataset/page.html"
    steps = (Step(gettext_lazy("Freeze a dataset"), "admin:feedback_dataset_add", "feedback.add_dataset"),)
    nothing = Nothing(
        gettext_lazy("No dataset has been frozen yet"),
        gettext_lazy(
            "A dataset is a selection of what people decided and reported that never changes again: to train from, to judge by, and to take away."
        ),
    )
    add_form_template = "admin/feedback/dataset/freeze.html"

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.download)
        return [path("<int:pk>/download/<slug:kind>/", view, name="feedback_dataset_download"), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can(account(request), "feedback.add_dataset")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Freeze a selection as the next version of a name."""
        form = FreezeForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            dataset = self._freeze(request, form)
            if dataset is not None:
                return HttpResponseRedirect(reverse("admin:feedback_dataset_change", args=[dataset.pk]))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "form": form,
            "title": _("Freeze a dataset"),
        }
        return TemplateResponse(request, self.add_form_template, context)

    def _freeze(self, request: HttpRequest, form: FreezeForm) -> Dataset | None:
        asked, by = form.cleaned_data, account(request)
        try:
            dataset, new = freeze(
                asked["case_type"], name=asked["name"], selection=form.selection, by=by, origin=ORIGIN
            )
        except Refused as refusal:
            tell(request, refusal)
            return None
        if not new:
            messages.info(request, _("Nothing has changed since this version, so no new one was made."))
        return dataset

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        dataset = self.get_object(request, object_id or "")
        if dataset is None:
            raise Http404
        own = {
            "dataset": dataset,
            "formats": [(kind, FORMAT_HELP[kind]) for kind in FORMATS],
            "origins": [(ORIGIN_NAMES[name], dataset.counts.get(name, 0)) for name in ORIGINS],
            "sides": [(side.label, dataset.counts.get(side.value, 0)) for side in DatasetItem.Side],
            "may_export": can(account(request), "feedback.export_dataset", dataset),
            "preview": _preview(dataset, user=account(request)),
        }
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": str(dataset), **own}
        return TemplateResponse(request, self.change_form_template, context)

    def download(self, request: HttpRequest, pk: int, kind: str) -> HttpResponseBase:
        dataset = self.get_object(request, str(pk))
        if dataset is None or not can(account(request), "feedback.export_dataset", dataset) or kind not in FORMATS:
            raise Http404
        return as_file(dataset, kind, user=account(request), origin=ORIGIN)

    @admin.display(description=gettext_lazy("examples"))
    def examples(self, dataset: Dataset) -> int:
        return int(dataset.counts.get("examples", 0))

    @admin.display(description=gettext_lazy("state"))
    def state(self, dataset: Dataset) -> SafeString:
        return badge(_("examples erased"), "warning") if dataset.erased else badge(_("whole"), "ok")


def _preview(dataset: Dataset, *, user: User) -> list[dict[str, Any]]:
    """The first few examples whose case the account may see now, and those that came without a case."""
    items = list(dataset.items.order_by("position")[:MOST_PREVIEWED])
    known = {item.case_id for item in items if item.case_id is not None}
    seen = set(visible(user, Case.objects.filter(pk__in=known), "cases.view_case").values_list("pk", flat=True))
    seen -= concealed_ids(user, seen)
    shown = [item for item in items if item.case_id is None or item.case_id in seen]
    return [{"item": item, "label": label_of(item.output), "origin": ORIGIN_NAMES[item.origin]} for item in shown]
