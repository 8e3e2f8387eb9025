"""Tasks and decisions: the queue view, from which a task is opened on the desk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.db import models
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.access import can
from cases.admin.base import BackOfficeAdmin, VisibleFilter, account, badge
from review import saved_filters
from review.admin.words import due, priority, reason_badge
from review.desk import several
from review.models import Decision, ReviewTask

SAVED_PAGE = "admin-tasks"


class Stage(admin.SimpleListFilter):
    """How far a task is. Without a choice the open ones are listed."""

    title = gettext_lazy("stage")
    parameter_name = "stage"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [
            ("free", gettext_lazy("free")),
            ("claimed", gettext_lazy("in somebody’s hands")),
            ("mine", gettext_lazy("in my hands")),
            ("overdue", gettext_lazy("overdue")),
            ("done", gettext_lazy("done")),
        ]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """Theirs, but for the name of the first: no choice means the open ones."""
        for position, choice in enumerate(super().choices(changelist)):
            yield choice if position else {**choice, "display": _("open")}

    def queryset(self, request: HttpRequest, queryset: Any) -> models.QuerySet[ReviewTask]:
        rows: Any = queryset
        stages = {
            "free": rows.free,
            "claimed": rows.claimed,
            "mine": lambda: rows.claimed().filter(assignee=request.user.pk),
            "overdue": rows.overdue,
            "done": lambda: rows.filter(closed_at__isnull=False),
        }
        found: models.QuerySet[ReviewTask] = stages.get(self.value() or "", rows.open)()
        return found


@admin.register(ReviewTask)
class ReviewTaskAdmin(BackOfficeAdmin):
    list_display = ("case_link", "case_type", "why", "queue", "urgency", "due", "holder", "desk")
    list_display_links = None
    list_filter = (Stage, ("queue", VisibleFilter), "priority")
    list_select_related = ("case", "case_type", "queue", "assignee")
    ordering = ("due_at", "id")
    sortable_by = ("due",)
    search_help_text = gettext_lazy("Number of a case, or its requester")
    number = "case_id"
    prefix = ("case__requester",)
    change_list_template = "admin/review/reviewtask/change_list.html"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[ReviewTask]:
        rows: models.QuerySet[ReviewTask] = super().get_queryset(request)
        return rows.annotate(read_at=models.ExpressionWrapper(Now(), output_field=models.DateTimeField())).defer(
            "case__payload", "case__context", "case__metadata", "trace"
        )

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """With the filters that people have kept, as tabs."""
        asked = request.GET.copy()
        for name in ("p", "e", "q"):
            asked.pop(name, None)
        kept = {
            "saved": saved_filters.listed(account(request), SAVED_PAGE),
            "saved_page": SAVED_PAGE,
            "query": asked.urlencode(),
            "here": request.path,
            "may_lead": can(account(request), saved_filters.LEAD),
        }
        return super().changelist_view(request, {**kept, **(extra_context or {})})

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """What this account may do with several tasks; each task is checked again when it is done."""
        ask = type(self).ask_why
        return {act.verb: (ask, act.verb, act.name) for act in several.offered(account(request))}

    def ask_why(self, request: HttpRequest, chosen: models.QuerySet[ReviewTask]) -> HttpResponse | None:
        """Ask why, and to whom; the answer goes to the same place as from the desk's own lists."""
        ids = list(chosen.order_by("pk").values_list("pk", flat=True)[: several.MOST + 1])
        if len(ids) > several.MOST:
            messages.error(request, _("Choose 1 to %(most)d tasks.") % {"most": several.MOST})
            return None
        act = several.act_of(account(request), request.POST["action"])
        asked = {"act": act, "ids": ids, "targets": several.targets(act), "back": request.get_full_path()}
        context = {**admin.site.each_context(request), "title": act.name, **asked}
        return TemplateResponse(request, "review/several_to.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        task = self.get_object(request, object_id)
        if task is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        return HttpResponseRedirect(reverse("desk:review", args=[task.pk]))

    @admin.display(description=gettext_lazy("case"))
    def case_link(self, task: ReviewTask) -> SafeString:
        return format_html('<a href="{}">#{}</a>', reverse("desk:review", args=[task.pk]), task.case_id)

    @admin.display(description=gettext_lazy("why"))
    def why(self, task: ReviewTask) -> SafeString:
        return reason_badge(task)

    @admin.display(description=gettext_lazy("priority"))
    def urgency(self, task: ReviewTask) -> SafeString:
        return priority(task.priority)

    @admin.display(description=gettext_lazy("due"), ordering="due_at")
    def due(self, task: ReviewTask) -> SafeString:
        return due(task)

    @admin.display(description=gettext_lazy("in hands of"))
    def holder(self, task: ReviewTask) -> str:
        held = task.closed_at is None and task.lease_until > task.read_at  # type: ignore[attr-defined]  # annotated
        return task.assignee.get_username() if held and task.assignee else ""

    @admin.display(description=gettext_lazy("desk"))
    def desk(self, task: ReviewTask) -> SafeString:
        text = _("Open") if task.closed_at is None else _("Look")
        return format_html(
            '<a class="cs-button cs-small" href="{}">{}</a>', reverse("desk:review", args=[task.pk]), text
        )


@admin.register(Decision)
class DecisionAdmin(BackOfficeAdmin):
    list_display = ("case_link", "case_type", "outcome_badge", "label", "by", "override", "held", "decided_at")
    list_display_links = None
    list_filter = ("outcome", "override", ("case__case_type", VisibleFilter))
    list_select_related = ("case__case_type", "decided_by", "policy")
    ordering = ("-id",)
    sortable_by = ()

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Decision]:
        """Without those of cases that somebody still reads blind."""
        blind = ReviewTask.objects.open().filter(case=models.OuterRef("case"), blind=True, first_answer__isnull=True)
        rows: models.QuerySet[Decision] = super().get_queryset(request)
        return rows.filter(~models.Exists(blind)).defer("case__payload", "case__context", "case__metadata")

    @admin.display(description=gettext_lazy("case"))
    def case_link(self, decision: Decision) -> SafeString:
        address = reverse("admin:cases_case_change", args=[decision.case_id])
        return format_html('<a href="{}">#{}</a>', address, decision.case_id)

    @admin.display(description=gettext_lazy("case type"))
    def case_type(self, decision: Decision) -> str:
        return decision.case.case_type.name

    @admin.display(description=gettext_lazy("outcome"))
    def outcome_badge(self, decision: Decision) -> SafeString:
        kinds = {"approve": "ok", "amend": "warning", "reject": "danger"}
        return badge(decision.get_outcome_display(), kinds[decision.outcome])

    @admin.display(description=gettext_lazy("by"))
    def by(self, decision: Decision) -> str:
        return decision.decided_by.get_username() if decision.decided_by else f"{_('policy')} {decision.policy.number}"
