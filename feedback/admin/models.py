"""Model versions in the back office: trained in the background, each with its card, side by side, put to work and rolled back."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.access import can, visible
from cases.admin.base import VisibleFilter, account, badge, tell
from cases.errors import Missing, Refused
from cases.models import CaseType
from feedback import runs, schedule, shadow
from feedback.admin.cards import card, figure, labels_side_by_side, percent, side_by_side
from feedback.admin.lists import LearningList, Nothing, Step
from feedback.admin.runs import RUN_KINDS
from feedback.models import Dataset, ModelVersion, Run
from feedback.promoting import PROMOTE, promote_by_hand, roll_back_by_hand, why_not
from feedback.registry import at_work

ORIGIN = "admin"
MODEL_KINDS = {"candidate": "info", "shadow": "info", "active": "ok", "retired": "", "refused": "warning"}
MOST_RUNS, MOST_TOLD, MOST_VERSIONS, MOST_DATASETS = 10, 3, 50, 50
LONGEST_NUMBER = 19
Act = Callable[[HttpRequest, ModelVersion], str]


@admin.register(ModelVersion)
class ModelVersionAdmin(LearningList):
    list_display = ("name", "status_badge", "accuracy", "calibration", "created", "promoted")
    list_filter = ("status", ("case_type", VisibleFilter))
    list_select_related = ("case_type",)
    ordering = ("-id",)
    sortable_by = ()
    change_list_template = "admin/feedback/modelversion/list.html"
    change_form_template = "admin/feedback/modelversion/page.html"
    steps = (
        Step(gettext_lazy("Train a model"), "admin:feedback_modelversion_train", "feedback.add_run"),
        Step(gettext_lazy("All runs"), "admin:feedback_run_changelist", "feedback.view_run"),
    )
    nothing = Nothing(
        gettext_lazy("No model has been trained yet"),
        gettext_lazy(
            "A model learns from what people decide and from examples that came with their truth. Until the first is at work, every case of its type goes to a person."
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        own: dict[str, Callable[..., HttpResponse]] = {
            "train/": self.train_view,
            "compare/": self.compare_view,
            "runs/<int:pk>/": self.run_view,
        }
        named = [
            path(address, self.admin_site.admin_view(view), name=f"feedback_modelversion_{address.split('/')[0]}")
            for address, view in own.items()
        ]
        return [*named, *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        user, clock = account(request), {"daily_from": schedule.DAILY_FROM, "weekly_from": schedule.WEEKLY_FROM}
        own = {"runs": self._runs(request, MOST_TOLD), "may_train": can(user, "feedback.add_run")}
        if can(user, "feedback.view_run"):
            own |= {"clock": schedule.outlooks(), **clock}
        return super().changelist_view(request, {**own, **(extra_context or {})})

    def _runs(self, request: HttpRequest, most: int = MOST_RUNS, **about: Any) -> list[dict[str, Any]]:
        """The newest runs, where the account may see them."""
        rows = visible(account(request), Run.objects.all(), "feedback.view_run").filter(prompt=None, **about)
        newest = rows.select_related("case_type", "model").order_by("-pk")[:most]
        return [{"run": run, "badge": badge(run.get_status_display(), RUN_KINDS[run.status])} for run in newest]

    def train_view(self, request: HttpRequest) -> HttpResponse:
        """Choose a case type, and a frozen dataset where not everything is to be learnt from."""
        if not can(account(request), "feedback.add_run"):
            raise Http404
        if request.method == "POST" and self._told(request, self._start_training):
            return HttpResponseRedirect(reverse("admin:feedback_modelversion_changelist"))
        context = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Train a model"),
            "case_types": CaseType.objects.order_by("name"),
            "datasets": Dataset.objects.select_related("case_type")[:MOST_DATASETS],
        }
        return TemplateResponse(request, "admin/feedback/modelversion/train.html", context)

    def _start_training(self, request: HttpRequest) -> str:
        case_type = CaseType.objects.filter(key=request.POST.get("case_type", "")[:64]).first()
        chosen = request.POST.get("dataset", "")
        datasets = Dataset.objects.filter(case_type=case_type, pk=int(chosen) if _is_number(chosen) else 0)
        dataset = datasets.first() if chosen else None
        if case_type is None or (chosen and dataset is None):
            raise Missing(_("Choose a case type, and a dataset of that case type or none."))
        runs.start(Run.Kind.TRAIN, case_type, by=account(request), origin=ORIGIN, dataset=dataset)
        return _("The training has started; this page tells how far it is.")

    def run_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """How far a run is, for the page that shows it; POST runs a failed one again."""
        run = visible(account(request), Run.objects.filter(pk=pk), "feedback.view_run").first()
        if run is None:
            raise Http404
        if request.method == "POST":
            self._told(request, lambda asked: self._again(asked, run))
            return HttpResponseRedirect(reverse("admin:feedback_modelversion_changelist"))
        told = {"status": run.status, "progress": round(run.progress * 100), "message": run.message}
        return JsonResponse(told)

    def _again(self, request: HttpRequest, run: Run) -> str:
        runs.again(run, by=account(request), origin=ORIGIN)
        return _("It runs again.")

    def compare_view(self, request: HttpRequest) -> HttpResponse:
        """Two versions of a case type side by side."""
        rows = [self.get_object(request, request.GET.get(name, "")) for name in ("a", "b")]
        if None in rows or rows[0].case_type_id != rows[1].case_type_id:
            raise Http404
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": _("Side by side")}
        own = {"versions": rows, "lines": side_by_side(*rows), "labels": labels_side_by_side(*rows)}
        return TemplateResponse(request, "admin/feedback/modelversion/compare.html", {**context, **own})

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        version = self.get_object(request, object_id or "")
        if version is None:
            raise Http404
        if request.method == "POST":
            self._told(request, lambda asked: self._act(asked, version))
            return HttpResponseRedirect(request.path)
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": str(version)}
        return TemplateResponse(request, self.change_form_template, {**context, **self._card(request, version)})

    def _card(self, request: HttpRequest, version: ModelVersion) -> dict[str, Any]:
        user, active = account(request), at_work(version.case_type)
        others = ModelVersion.objects.filter(case_type=version.case_type).exclude(pk=version.pk).order_by("-number")
        return {
            "version": version,
            "status": self.status_badge(version),
            "card": card(version),
            "active": active,
            "others": others.only("pk", "number", "status", "case_type_id")[:MOST_VERSIONS],
            "objection": why_not(version, active),
            "may_promote": can(user, PROMOTE),
            "may_run": can(user, "feedback.add_run"),
            "datasets": self._datasets(request).filter(case_type=version.case_type)[:MOST_DATASETS],
            "shadow": shadow.agreement(version) if "shadow" in version.metrics else None,
            "runs": self._runs(request, model=version),
        }

    def _datasets(self, request: HttpRequest) -> QuerySet[Dataset]:
        return visible(account(request), Dataset.objects.all(), "feedback.view_dataset")

    def _told(self, request: HttpRequest, act: Callable[[HttpRequest], str]) -> bool:
        """Do it and tell what came of it, or why it was refused."""
        try:
            messages.success(request, act(request))
        except Refused as refusal:
            tell(request, refusal)
            return False
        return True

    def _act(self, request: HttpRequest, version: ModelVersion) -> str:
        act = ACTS.get(request.POST.get("verb", ""))
        if act is None:
            raise Missing(_("There is no such thing to do."))
        return act(request, version)

    @admin.display(description=gettext_lazy("version"))
    def name(self, version: ModelVersion) -> str:
        return str(version)

    @admin.display(description=gettext_lazy("status"))
    def status_badge(self, version: ModelVersion) -> SafeString:
        return badge(version.get_status_display(), MODEL_KINDS[version.status])

    @admin.display(description=gettext_lazy("created"))
    def created(self, version: ModelVersion) -> date:
        return timezone.localdate(version.created_at)

    @admin.display(description=gettext_lazy("promoted"), empty_value="–")
    def promoted(self, version: ModelVersion) -> date | None:
        return version.promoted_at and timezone.localdate(version.promoted_at)

    @admin.display(description=gettext_lazy("accuracy"))
    def accuracy(self, version: ModelVersion) -> str:
        return percent(version.metrics.get("accuracy"))

    @admin.display(description=gettext_lazy("calibration error"))
    def calibration(self, version: ModelVersion) -> str:
        return figure(version.metrics.get("calibration_error"))


def _promote(request: HttpRequest, version: ModelVersion) -> str:
    promote_by_hand(version, by=account(request), reason=request.POST.get("reason", ""), origin=ORIGIN)
    return _("Version %(number)s is at work.") % {"number": version.number}


def _roll_back(request: HttpRequest, version: ModelVersion) -> str:
    earlier = roll_back_by_hand(version.case_type, by=account(request), origin=ORIGIN)
    return _("Version %(number)s is at work again.") % {"number": earlier.number}


def _shadow(request: HttpRequest, version: ModelVersion) -> str:
    shadow.to_shadow(version, by=account(request), origin=ORIGIN)
    return _("From the next case on it answers beside the version at work.")


def _unshadow(request: HttpRequest, version: ModelVersion) -> str:
    shadow.out_of_shadow(version, by=account(request), origin=ORIGIN)
    return _("It answers no more.")


def _replay(request: HttpRequest, version: ModelVersion) -> str:
    return _start(request, version, Run.Kind.REPLAY, None)


def _evaluate(request: HttpRequest, version: ModelVersion) -> str:
    """On what is held out now, or on a frozen dataset."""
    chosen = request.POST.get("dataset", "")
    rows = visible(account(request), Dataset.objects.filter(case_type=version.case_type), "feedback.view_dataset")
    dataset = rows.filter(pk=int(chosen) if _is_number(chosen) else 0).first()
    if chosen and dataset is None:
        raise Missing(_("Name the dataset to judge it by."))
    return _start(request, version, Run.Kind.EVALUATE, dataset)


def _start(request: HttpRequest, version: ModelVersion, kind: str, dataset: Dataset | None) -> str:
    runs.start(kind, version.case_type, by=account(request), origin=ORIGIN, model=version, dataset=dataset)
    return _("It has started; this page tells how far it is.")


ACTS: dict[str, Act] = {
    "promote": _promote,
    "roll_back": _roll_back,
    "shadow": _shadow,
    "unshadow": _unshadow,
    "replay": _replay,
    "evaluate": _evaluate,
}


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < LONGEST_NUMBER
