"""Prompt versions in the back office: composed from one another, on trial in the background, put to work and rolled back."""

from __future__ import annotations

from datetime import date
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.access import can, visible
from cases.admin.base import VisibleFilter, account, badge, tell
from cases.classifiers.prompts import STARTING_TEMPLATE
from cases.errors import Missing, Refused
from cases.models import CaseType
from feedback import prompts, shadow
from feedback.admin.cards import card, figure, labels_side_by_side, percent, side_by_side
from feedback.admin.lists import LearningList, Nothing, Step
from feedback.admin.prompt_acts import ACTS
from feedback.admin.runs import RUN_KINDS
from feedback.few_shot import FIXED, NEWEST, SIMILAR, USUAL
from feedback.models import Dataset, PromptVersion, Run
from feedback.prompt_rules import RULE, WAITING
from feedback.prompts import BOUNDS, COMPOSE, LONGEST_TEMPLATE, MOST_SHOTS, PROMOTE

ORIGIN = "admin"
KINDS = {"candidate": "info", "shadow": "info", "active": "ok", "retired": "", "refused": "warning"}
MOST_RUNS, MOST_VERSIONS, MOST_DATASETS = 10, 50, 50
CHOICE_NAMES = [
    (SIMILAR, gettext_lazy("the most alike, corrections first")),
    (NEWEST, gettext_lazy("the newest corrections")),
    (FIXED, gettext_lazy("always the same, from a dataset")),
]


def _number(name: str, label: Any, *, step: str = "1") -> forms.FloatField | forms.IntegerField:
    low, high = BOUNDS[name]
    widget, help_text = forms.NumberInput(attrs={"step": step}), gettext_lazy("Empty: as the installation sets it.")
    if name == "temperature":
        return forms.FloatField(
            required=False, label=label, min_value=low, max_value=high, widget=widget, help_text=help_text
        )
    return forms.IntegerField(
        required=False, label=label, min_value=int(low), max_value=int(high), widget=widget, help_text=help_text
    )


class ComposeForm(forms.Form):
    """What the next version tells."""

    case_type = forms.ModelChoiceField(CaseType.objects.order_by("name"), label=gettext_lazy("Case type"))
    template = forms.CharField(
        max_length=LONGEST_TEMPLATE,
        label=gettext_lazy("Template"),
        widget=forms.Textarea(attrs={"rows": 14, "spellcheck": "false", "class": "cs-input cs-template"}),
        strip=False,
        help_text=gettext_lazy("With {guidelines}, {schema}, then {examples}, then {case}, each once."),
    )
    count = forms.IntegerField(
        min_value=0, max_value=MOST_SHOTS, initial=USUAL, label=gettext_lazy("Examples shown with a case")
    )
    choice = forms.ChoiceField(choices=CHOICE_NAMES, label=gettext_lazy("Which examples"))
    dataset = forms.ModelChoiceField(
        Dataset.objects.none(), required=False, label=gettext_lazy("Dataset of the fixed examples")
    )
    temperature = _number("temperature", gettext_lazy("Temperature"), step="0.1")
    samples = _number("samples", gettext_lazy("Answers drawn where the endpoint tells no probabilities"))
    max_tokens = _number("max_tokens", gettext_lazy("Tokens of an answer at most"))

    @property
    def told(self) -> dict[str, Any]:
        """As `compose` wants it."""
        clean = self.cleaned_data
        settings = {name: clean[name] for name in BOUNDS if clean[name] is not None}
        few_shot = {"count": clean["count"], "choice": clean["choice"]}
        return {"few_shot": few_shot, "settings": settings, "template": clean["template"].replace("\r\n", "\n")}


@admin.register(PromptVersion)
class PromptVersionAdmin(LearningList):
    list_display = ("name", "status_badge", "accuracy", "calibration", "made_by", "promoted")
    list_filter = ("status", ("case_type", VisibleFilter))
    list_select_related = ("case_type", "made_by")
    ordering = ("-id",)
    sortable_by = ()
    change_form_template = "admin/feedback/promptversion/page.html"
    add_form_template = "admin/feedback/promptversion/compose.html"
    steps = (Step(gettext_lazy("Compose a prompt"), "admin:feedback_promptversion_add", COMPOSE),)
    nothing = Nothing(
        gettext_lazy("No prompt has been composed yet"),
        gettext_lazy(
            "Language models are told the product’s own wording, with the examples that are most like the case. A prompt of your own is tried before it goes to work."
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        compare = self.admin_site.admin_view(self.compare_view)
        return [path("compare/", compare, name="feedback_promptversion_compare"), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can(account(request), COMPOSE)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Compose the next version, from the one named by ``from`` or from the product's own wording."""
        if not self.has_add_permission(request):
            raise Http404
        form = ComposeForm(request.POST or None, initial=self._starting(request))
        form.fields["dataset"].queryset = self._datasets(request)  # type: ignore[attr-defined]  # a ModelChoiceField
        if request.method == "POST" and form.is_valid() and (version := self._compose(request, form)):
            return HttpResponseRedirect(reverse("admin:feedback_promptversion_change", args=[version.pk]))
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": _("Compose a prompt")}
        return TemplateResponse(request, self.add_form_template, {**context, "form": form})

    def _starting(self, request: HttpRequest) -> dict[str, Any]:
        start = self.get_object(request, request.GET.get("from", ""))
        if start is None:
            return {"template": STARTING_TEMPLATE, "choice": SIMILAR}
        kept = {"case_type": start.case_type_id, "template": start.template, "dataset": start.dataset_id}
        return {**kept, **start.few_shot, **start.settings}

    def _datasets(self, request: HttpRequest) -> Any:
        return visible(account(request), Dataset.objects.all(), "feedback.view_dataset")

    def _compose(self, request: HttpRequest, form: ComposeForm) -> PromptVersion | None:
        asked = form.cleaned_data
        try:
            return prompts.compose(
                asked["case_type"], **form.told, dataset=asked["dataset"], by=account(request), origin=ORIGIN
            )
        except Refused as refusal:
            tell(request, refusal)
            return None

    def compare_view(self, request: HttpRequest) -> HttpResponse:
        """Two versions of a case type side by side."""
        rows = [self.get_object(request, request.GET.get(name, "")) for name in ("a", "b")]
        if None in rows or rows[0].case_type_id != rows[1].case_type_id:
            raise Http404
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": _("Side by side")}
        own = {"versions": rows, "lines": side_by_side(*rows), "labels": labels_side_by_side(*rows)}
        return TemplateResponse(request, "admin/feedback/promptversion/compare.html", {**context, **own})

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        version = self.get_object(request, object_id or "")
        if version is None:
            raise Http404
        if request.method == "POST":
            self._act(request, version)
            return HttpResponseRedirect(request.path)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": str(version)}
        return TemplateResponse(request, self.change_form_template, {**context, **self._card(request, version)})

    def _card(self, request: HttpRequest, version: PromptVersion) -> dict[str, Any]:
        user, active = account(request), prompts.at_work(version.case_type)
        others = PromptVersion.objects.filter(case_type=version.case_type).exclude(pk=version.pk).order_by("-number")
        return {
            "version": version,
            "status": self.status_badge(version),
            "card": card(version),
            "choice": dict(CHOICE_NAMES).get(version.few_shot.get("choice", ""), ""),
            "active": active,
            "others": others.only("pk", "number", "status", "case_type_id")[:MOST_VERSIONS],
            "objection": prompts.why_not(version, active),
            "may_promote": can(user, PROMOTE),
            "own": version.made_by_id == user.pk,
            "may_compose": can(user, COMPOSE),
            "may_run": can(user, "feedback.add_run"),
            "datasets": self._datasets(request).filter(case_type=version.case_type)[:MOST_DATASETS],
            "runs": self._runs(request, version),
            "shadow": shadow.agreement(version) if "shadow" in version.metrics else None,
            "stay": version.metrics.get("shadow", {}),
            "rule": version.metrics.get(RULE),
            "may_wait": version.status in WAITING,
            "rule_datasets": Dataset.objects.filter(case_type=version.case_type)[:MOST_DATASETS],
        }

    def _runs(self, request: HttpRequest, version: PromptVersion) -> list[dict[str, Any]]:
        rows = visible(account(request), Run.objects.filter(prompt=version), "feedback.view_run")
        newest = rows.select_related("case_type", "model").order_by("-pk")[:MOST_RUNS]
        return [{"run": run, "badge": badge(run.get_status_display(), RUN_KINDS[run.status])} for run in newest]

    def _act(self, request: HttpRequest, version: PromptVersion) -> None:
        """Do what was asked and tell what came of it, or why it was refused."""
        act = ACTS.get(request.POST.get("verb", ""))
        try:
            if act is None:
                raise Missing(_("There is no such thing to do."))
            messages.success(request, act(request, version))
        except Refused as refusal:
            tell(request, refusal)

    @admin.display(description=gettext_lazy("version"))
    def name(self, version: PromptVersion) -> str:
        return str(version)

    @admin.display(description=gettext_lazy("status"))
    def status_badge(self, version: PromptVersion) -> SafeString:
        return badge(version.get_status_display(), KINDS[version.status])

    @admin.display(description=gettext_lazy("promoted"), empty_value="–")
    def promoted(self, version: PromptVersion) -> date | None:
        return version.promoted_at and timezone.localdate(version.promoted_at)

    @admin.display(description=gettext_lazy("accuracy"))
    def accuracy(self, version: PromptVersion) -> str:
        return percent(version.metrics.get("accuracy"))

    @admin.display(description=gettext_lazy("calibration error"))
    def calibration(self, version: PromptVersion) -> str:
        return figure(version.metrics.get("calibration_error"))
