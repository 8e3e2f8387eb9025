"""Rounds of samples in the back office: open one, see how far it is and what it has shown, stop it, release its samples."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.access import can, demand
from cases.admin.base import VisibleFilter, account, badge, tell
from cases.errors import Refused
from cases.models import CaseType
from feedback import reliance, round_results
from feedback.admin.lists import LearningList, Nothing, Step
from feedback.models import Round, Sample
from feedback.rounds import LARGEST, MOST_PER_LABEL, Asked, open_round, stop_round
from feedback.sampling import LONGEST_REASON, release_round

ORIGIN = "admin"
DAY = forms.DateInput(attrs={"type": "date"})


class OpenForm(forms.Form):
    """What the round is to be; days are of UTC."""

    case_type = forms.ModelChoiceField(CaseType.objects.order_by("name"), label=gettext_lazy("Case type"))
    kind = forms.ChoiceField(
        choices=Round.Kind.choices,
        initial=Round.Kind.ONCE,
        label=gettext_lazy("How often"),
        help_text=gettext_lazy("A daily or weekly round goes on by itself until it is stopped."),
    )
    since = forms.DateField(label=gettext_lazy("From day (UTC)"), widget=DAY)
    until = forms.DateField(
        label=gettext_lazy("Before day (UTC)"), widget=DAY, help_text=gettext_lazy("The period must be over.")
    )
    size = forms.IntegerField(min_value=1, max_value=LARGEST, initial=50, label=gettext_lazy("Cases to read"))
    per_label = forms.IntegerField(
        min_value=0,
        max_value=MOST_PER_LABEL,
        initial=0,
        label=gettext_lazy("At least of each label"),
        help_text=gettext_lazy("Rare labels are topped up by extra draws. They do not enter the error share."),
    )
    days = forms.IntegerField(min_value=1, max_value=90, initial=7, label=gettext_lazy("Days to read them in"))

    @property
    def asked(self) -> Asked:
        clean = self.cleaned_data
        since, until = (datetime.combine(clean[name], time(), UTC) for name in ("since", "until"))
        named = {name: clean[name] for name in ("case_type", "kind", "size", "per_label")}
        return Asked(since=since, until=until, due_at=timezone.now() + timedelta(days=clean["days"]), **named)


def last_week() -> dict[str, Any]:
    """The seven days before today."""
    today = timezone.now().astimezone(UTC).date()
    return {"since": today - timedelta(days=7), "until": today}


@admin.register(Round)
class RoundAdmin(LearningList):
    list_display = ("name", "kind", "period", "how_far", "errors_found", "due_at", "state")
    list_display_links = ("name",)
    list_filter = ("kind", ("case_type", VisibleFilter))
    list_select_related = ("case_type",)
    ordering = ("-id",)
    sortable_by = ()
    change_form_template = "admin/feedback/round/page.html"
    add_form_template = "admin/feedback/round/open.html"
    steps = (Step(gettext_lazy("Open a round"), "admin:feedback_round_add", "feedback.add_round"),)
    nothing = Nothing(
        gettext_lazy("No round has been opened yet"),
        gettext_lazy(
            "A round draws automated cases at random and has them read blind before a due date. It tells how often the machine is wrong."
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        acts: tuple[tuple[str, Callable[..., HttpResponse]], ...] = (("stop", self.stop), ("release", self.release))
        own = [
            path(f"<int:pk>/{name}/", self.admin_site.admin_view(act), name=f"feedback_round_{name}")
            for name, act in acts
        ]
        return [*own, *super().get_urls()]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Round]:
        rows: QuerySet[Round] = super().get_queryset(request)
        return rows.annotate(
            drawn=Count("draws", filter=Q(draws__dropped="")),
            read=Count("draws__sample"),
            wrong=Count("draws__sample", filter=Q(draws__sample__correct=False)),
        )

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can(account(request), "feedback.add_round")

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Open a round."""
        demand(account(request), "feedback.add_round")
        form = OpenForm(request.POST or None, initial=last_week())
        round_ = self._open(request, form) if request.method == "POST" and form.is_valid() else None
        if round_ is not None:
            return HttpResponseRedirect(self._address(round_.pk))
        own = {"opts": self.opts, "form": form, "title": _("Open a round of samples")}
        return TemplateResponse(request, self.add_form_template, {**self.admin_site.each_context(request), **own})

    def _open(self, request: HttpRequest, form: OpenForm) -> Round | None:
        try:
            return open_round(form.asked, by=account(request), origin=ORIGIN)
        except Refused as refusal:
            for name, texts in refusal.errors.items():
                form.add_error("days" if name == "due_at" else name, texts)
            if not refusal.errors:
                tell(request, refusal)
            return None

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        round_ = self.get_object(request, object_id or "")
        if round_ is None:
            raise Http404
        own = {"opts": self.opts, "title": str(round_), "round": round_}
        context = {**self.admin_site.each_context(request), **own, **_acts(request, round_), **_shown(request, round_)}
        return TemplateResponse(request, self.change_form_template, context)

    def stop(self, request: HttpRequest, pk: int) -> HttpResponse:
        def act(round_: Round) -> str:
            count = stop_round(round_, by=account(request), origin=ORIGIN)
            return _("The round is stopped; %(count)s unread cases left the queue.") % {"count": count}

        return self._act(request, pk, act)

    def release(self, request: HttpRequest, pk: int) -> HttpResponse:
        def act(round_: Round) -> str:
            reason = request.POST.get("reason", "")
            count = release_round(round_, by=account(request), reason=reason, origin=ORIGIN)
            return _("%(count)s samples may be learnt from now.") % {"count": count}

        return self._act(request, pk, act)

    def _act(self, request: HttpRequest, pk: int, act: Callable[[Round], str]) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        round_ = self.get_object(request, str(pk))
        if round_ is None:
            raise Http404
        try:
            messages.success(request, act(round_))
        except Refused as refusal:
            tell(request, refusal)
        return HttpResponseRedirect(self._address(pk))

    def _address(self, pk: int) -> str:
        return reverse("admin:feedback_round_change", args=[pk])

    @admin.display(description=gettext_lazy("round"))
    def name(self, round_: Round) -> str:
        return str(round_)

    @admin.display(description=gettext_lazy("period"))
    def period(self, round_: Round) -> str:
        return f"{round_.since:%Y-%m-%d} – {round_.until:%Y-%m-%d}"

    @admin.display(description=gettext_lazy("read"))
    def how_far(self, round_: Any) -> SafeString:
        told = _("%(read)s of %(drawn)s read") % {"read": round_.read, "drawn": round_.drawn}
        bar = '<meter min="0" max="{}" value="{}" aria-label="{}"></meter> {}'
        return format_html(bar, max(round_.drawn, 1), round_.read, told, f"{round_.read} / {round_.drawn}")

    @admin.display(description=gettext_lazy("errors found"))
    def errors_found(self, round_: Any) -> int:
        return int(round_.wrong)

    @admin.display(description=gettext_lazy("state"))
    def state(self, round_: Any) -> SafeString:
        return state_of(round_, complete=round_.read >= round_.drawn)


def state_of(round_: Round, *, complete: bool) -> SafeString:
    if round_.closed_at:
        return badge(_("stopped"))
    if complete:
        return badge(_("all read"), "ok")
    return badge(_("overdue"), "warning") if round_.due_at < timezone.now() else badge(_("being read"), "info")


def _acts(request: HttpRequest, round_: Round) -> dict[str, Any]:
    """What this account may do with the round."""
    user, serving = account(request), round_results.still_serving(round_)
    return {
        "may_stop": round_.closed_at is None and can(user, "feedback.change_round"),
        "may_release": bool(serving) and can(user, "feedback.change_sample"),
        "serving": serving,
        "longest_reason": LONGEST_REASON,
    }


def _shown(request: HttpRequest, round_: Round) -> dict[str, Any]:
    user, done = account(request), round_results.progress(round_)
    mine = Sample.objects.filter(draw__round=round_, read_by=user).exists()
    return {
        "progress": done,
        "state": state_of(round_, complete=done.complete),
        "error": round_results.error_share(round_),
        "labels": round_results.by_label(round_),
        "errors": round_results.errors(round_) if user.has_perm("feedback.view_sample") else [],
        "reliance": reliance.reliance(round_.case_type, round_=round_),
        "mine": reliance.reliance(round_.case_type, reader=user) if mine else None,
        "blind": reliance.pace_blind(round_.case_type, round_=round_),
        "helped": reliance.pace_with_machine(round_.case_type),
    }
