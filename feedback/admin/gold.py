"""Known cases in the back office: made from a closed case, looked after, retired. Who reads among the others sees none of it."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases import strict_json
from cases.access import can
from cases.admin.base import LARGEST_ID, BackOfficeAdmin, VisibleFilter, account, badge, tell
from cases.errors import Conflict, Invalid, Refused
from feedback import gold, people
from feedback.models import Correction, GoldCase, Planting
from feedback.shares import Share
from review.models import ReviewTask

ORIGIN = "admin"
LONGEST_OUTPUT = 20_000
LONGEST_WHY, LONGEST_REASON = 2_000, 200
SUGGESTED = 12


class MakeForm(forms.Form):
    """What is planted: the case as it was, or with a wrong answer in place of the machine's."""

    kind = forms.ChoiceField(
        choices=[
            (GoldCase.Kind.GOLD, gettext_lazy("As it was: with what the machine said then")),
            (GoldCase.Kind.DRILL, gettext_lazy("As a drill: with the wrong answer below")),
        ],
        widget=forms.RadioSelect,
        label=gettext_lazy("How it is shown"),
    )
    shown = forms.CharField(
        required=False,
        max_length=LONGEST_OUTPUT,
        label=gettext_lazy("The wrong answer, as JSON"),
        help_text=gettext_lazy("One that a hurried reader would believe. It has to fit the case type’s schema."),
        widget=forms.Textarea(attrs={"rows": 8, "spellcheck": "false", "class": "cs-input cs-code"}),
    )
    why = forms.CharField(
        required=False,
        max_length=LONGEST_WHY,
        label=gettext_lazy("Why, told afterwards"),
        help_text=gettext_lazy("What gives the right answer away. The reader is told it once they have answered."),
        widget=forms.Textarea(attrs={"rows": 3, "class": "cs-input"}),
    )

    def output(self) -> dict[str, Any]:
        """The wrong answer. Raises: Invalid when it is no JSON object."""
        try:
            found = strict_json.read(self.cleaned_data["shown"].encode("utf-8", "surrogatepass"))
        except strict_json.NotJsonError as error:
            raise Invalid(_("The drill was not made."), errors={"shown": [str(error)]}) from None
        fault = strict_json.fault(found)
        if fault is not None or not isinstance(found, dict):
            told = f"{fault.path}: {fault.message}" if fault else _("Give a JSON object.")
            raise Invalid(_("The drill was not made."), errors={"shown": [told]})
        return found


class Standing(admin.SimpleListFilter):
    title = gettext_lazy("standing")
    parameter_name = "standing"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("used", gettext_lazy("in use")), ("retired", gettext_lazy("retired"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> models.QuerySet[GoldCase]:
        found: models.QuerySet[GoldCase] = queryset
        return found.filter(retired_at__isnull=self.value() == "used") if self.value() else found


@admin.register(GoldCase)
class GoldCaseAdmin(BackOfficeAdmin):
    list_display = ("name", "case_type", "kind", "met", "caught", "made", "standing")
    list_display_links = ("name",)
    list_filter = (Standing, "kind", ("case_type", VisibleFilter))
    list_select_related = ("case_type", "made_by")
    ordering = ("-id",)
    sortable_by = ()
    number = "case_id"
    search_help_text = gettext_lazy("Number of a case")
    change_list_template = "admin/feedback/goldcase/list.html"
    change_form_template = "admin/feedback/goldcase/page.html"
    add_form_template = "admin/feedback/goldcase/make.html"

    def get_urls(self) -> list[URLPattern]:
        acts = (("<int:pk>/retire/", self.retire, "retire"), ("retire/", self.retire_many, "retire_many"))
        own = [path(at, self.admin_site.admin_view(view), name=f"feedback_goldcase_{name}") for at, view, name in acts]
        return [*own, *super().get_urls()]

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ("case_id",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        answered = models.Count("plantings", filter=models.Q(plantings__answered_at__isnull=False))
        caught = models.Count("plantings", filter=models.Q(plantings__caught=True))
        counted: models.QuerySet[Any] = rows.annotate(count_met=answered, count_caught=caught)
        return counted

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        ask = type(self).ask_why
        return {"retire": (ask, "retire", _("Retire the selected"))} if can(account(request), gold.CHANGE) else {}

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return can(account(request), gold.ADD)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Make one of a closed case; without a case, choose it first."""
        if not self.has_add_permission(request):
            raise Http404
        case_id = _number(request.GET.get("case", ""))
        own: dict[str, Any] = {"title": _("A new known case"), "suggested": _suggested()}
        if case_id is not None:
            try:
                known = gold.known_of(case_id, by=account(request))
            except Refused as refusal:
                own["refused"] = refusal.message
                return self._page(request, self.add_form_template, own, status=refusal.status)
            return self._make(request, known)
        own["unreadable"] = bool(request.GET.get("case"))
        return self._page(request, self.add_form_template, own)

    def _make(self, request: HttpRequest, known: gold.Known) -> HttpResponse:
        proposed = gold.believable(known)
        kind = GoldCase.Kind.GOLD if known.prediction.output != known.decision.output else GoldCase.Kind.DRILL
        shown = json.dumps(proposed or known.decision.output, ensure_ascii=False, indent=2)
        asked = request.GET.get("kind", "")
        initial = {"kind": asked if asked in GoldCase.Kind.values else kind, "shown": shown}
        form = MakeForm(request.POST or None, initial=initial)
        made = _made(request, form, known) if request.method == "POST" and form.is_valid() else None
        if made is not None:
            messages.success(request, _("It is in use now: it is planted as its policy’s rate says."))
            return HttpResponseRedirect(self._address(made.pk))
        active = GoldCase.objects.filter(case=known.case, retired_at__isnull=True)
        own = {
            "form": form,
            "known": known,
            "proposed": proposed,
            "active": list(active),
            "title": _("A new known case"),
        }
        return self._page(request, self.add_form_template, own, status=422 if form.errors else 200)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        found = self.get_object(request, object_id or "")
        if found is None:
            raise Http404
        own = {"title": _("Known case #%(id)s") % {"id": found.case_id}, "gold": found, **_met(request, found)}
        return self._page(request, self.change_form_template, own)

    def retire(self, request: HttpRequest, pk: int) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if self.get_object(request, str(pk)) is None:
            raise Http404
        try:
            gold.retire(pk, by=account(request), reason=_reason(request), origin=ORIGIN)
            messages.success(request, _("It is retired; what waited of it unread is taken back."))
        except Refused as refusal:
            tell(request, refusal)
        return HttpResponseRedirect(self._address(pk))

    def ask_why(self, request: HttpRequest, chosen: models.QuerySet[Any]) -> HttpResponse:
        own = {"chosen": list(chosen.filter(retired_at__isnull=True)), "title": _("Retire known cases")}
        return self._page(request, "admin/feedback/goldcase/retire.html", own)

    def retire_many(self, request: HttpRequest) -> HttpResponse:
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        ids = [number for text in request.POST.getlist(ACTION_CHECKBOX_NAME) if (number := _number(text)) is not None]
        try:
            count = gold.retire_many(ids[:500], by=account(request), reason=_reason(request), origin=ORIGIN)
            messages.success(request, _("Retired: %(count)d.") % {"count": count})
        except Refused as refusal:
            tell(request, refusal)
        return HttpResponseRedirect(reverse("admin:feedback_goldcase_changelist"))

    def _page(self, request: HttpRequest, template: Any, own: dict[str, Any], *, status: int = 200) -> TemplateResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, **own}
        return TemplateResponse(request, template, context, status=status)

    def _address(self, pk: int) -> str:
        return reverse("admin:feedback_goldcase_change", args=[pk])

    @admin.display(description=gettext_lazy("case"))
    def name(self, found: Any) -> str:
        return f"#{found.case_id}"

    @admin.display(description=gettext_lazy("made"))
    def made(self, found: Any) -> str:
        return f"{date_format(localtime(found.created_at), 'SHORT_DATE_FORMAT')}, {found.made_by}"

    @admin.display(description=gettext_lazy("met by"))
    def met(self, found: Any) -> SafeString:
        told = _("%(met)s of %(most)s readers have met it") % {"met": found.count_met, "most": gold.MOST_PLANTINGS}
        bar = '<meter min="0" max="{}" value="{}" aria-label="{}"></meter> {}'
        return format_html(bar, gold.MOST_PLANTINGS, found.count_met, told, found.count_met)

    @admin.display(description=gettext_lazy("answered rightly"))
    def caught(self, found: Any) -> int:
        return int(found.count_caught)

    @admin.display(description=gettext_lazy("standing"))
    def standing(self, found: Any) -> SafeString:
        return badge(found.retired_because, "warning") if found.retired_at else badge(_("in use"), "ok")


def _made(request: HttpRequest, form: MakeForm, known: gold.Known) -> GoldCase | None:
    """Made by the verb; what it refuses stands beside the field."""
    asked = {"by": account(request), "origin": ORIGIN, "why": form.cleaned_data["why"]}
    try:
        if form.cleaned_data["kind"] == GoldCase.Kind.GOLD:
            return gold.make_gold(known.case.pk, **asked)
        return gold.make_drill(known.case.pk, shown=form.output(), **asked)
    except Conflict as refusal:
        form.add_error(None, refusal.message)
    except Invalid as refusal:
        form.add_error("shown", [f"{at.removeprefix('output.')}: {text}" if at.startswith("output.") else text
                                 for at, texts in refusal.errors.items() for text in texts] or [refusal.message])  # fmt: skip
    return None


def _met(request: HttpRequest, found: GoldCase) -> dict[str, Any]:
    """How often it was met, and by whom for those who may be told."""
    answered = Planting.objects.filter(gold=found, answered_at__isnull=False).select_related("user", "refresher")
    rows = list(answered.order_by("-answered_at"))
    judged = [row for row in rows if row.caught is not None]
    user = account(request)
    return {
        "plantings": rows if user.has_perm(people.SEES_PEOPLE) else [],
        "count": len(rows),
        "most": gold.MOST_PLANTINGS,
        "caught": Share(sum(bool(row.caught) for row in judged), len(judged)),
        "waiting": ReviewTask.objects.open().filter(case__planting__gold=found).select_related("queue").first(),
        "may_retire": found.retired_at is None and can(user, gold.CHANGE),
        "longest_reason": LONGEST_REASON,
        "wrong": found.shown != found.output,
    }


def _suggested() -> list[Correction]:
    """Errors of the machine that people corrected lately and that are not in use: what makes the best known cases."""
    used = GoldCase.objects.filter(case=models.OuterRef("case"), retired_at__isnull=True)
    rows = Correction.objects.filter(~models.Exists(used), case__state="closed", after__isnull=False).select_related(
        "case__case_type"
    )
    rows = rows.defer("case__payload", "case__context", "case__metadata", "before", "after")
    return list(rows.order_by("-pk")[:SUGGESTED])


def _reason(request: HttpRequest) -> str:
    return request.POST.get("reason", "").replace("\x00", "")[:LONGEST_REASON]


def _number(text: str) -> int | None:
    plain = text.strip().lstrip("#")
    return int(plain) if plain.isascii() and plain.isdecimal() and int(plain[:20]) <= LARGEST_ID else None
