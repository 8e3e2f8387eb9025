"""Cases: a list that stays quick at ten million rows, and one page with everything that happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.admin.base import LARGEST_ID, BackOfficeAdmin, VisibleFilter, account, badge, tell
from cases.concealment import concealed_ids, listed
from cases.errors import Forbidden, Missing, Refused
from cases.models import Case
from cases.viewing import open_case
from review.admin.history import history_as_new, history_of
from review.admin.words import priority, state_badge
from review.approve import undo_newest
from review.desk.answers import clean
from review.desk.words import percent
from review.planted import copied
from review.reopen import reopen_case, request_reopening


@admin.register(Case)
class CaseAdmin(BackOfficeAdmin):
    list_display = (
        "case_number",
        "case_type",
        "requester",
        "state_badge",
        "answer",
        "sureness",
        "urgency",
        "created_at",
    )
    list_filter = ("state", ("case_type", VisibleFilter), "priority")
    list_select_related = ("case_type",)
    ordering = ("-id",)
    sortable_by = ("case_number",)
    exact = ("external_id",)
    prefix = ("requester",)
    view_verbs = ("cases.view_case", "cases.view_case_with_reason")
    search_help_text = gettext_lazy("Number, external id, or the beginning of a requester")

    def get_list_display(self, request: HttpRequest) -> tuple[str, ...]:
        """Who has to give a reason for each case is told no more here than it takes to find one."""
        if account(request).has_perm("cases.view_case"):
            return self.list_display
        return ("case_number", "case_type", "external_id", "state_badge", "urgency", "created_at")

    def get_search_fields(self, request: HttpRequest) -> tuple[str, ...]:
        return ("external_id", "requester") if account(request).has_perm("cases.view_case") else ("external_id",)

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Case]:
        rows: Any = self.seen(request, Case.everything.order_by(*self.ordering))
        found: models.QuerySet[Case] = rows.light()
        return found

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """With a note on each row whether its label may be shown."""
        changelist = super().get_changelist_instance(request)
        page: list[Any] = list(changelist.result_list)
        hidden = concealed_ids(account(request), [case.pk for case in page])
        page[:] = listed(account(request), page, hidden=hidden)
        for case in page:
            case.hidden = case.pk in hidden
        changelist.result_list = page
        return changelist

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The whole story of a case. Who needs a reason to see it gives one first."""
        user = account(request)
        known = self.get_object(request, object_id)
        if known is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        frame = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "title": _("Case #%(id)s") % {"id": known.pk},
        }
        try:
            case = open_case(user, known.pk, reason=request.POST.get("reason", ""), origin="admin")
        except Forbidden:
            asked = request.method == "POST"
            return TemplateResponse(request, "admin/cases/case/reason.html", {**frame, "case": known, "asked": asked})
        except Missing:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined,no-any-return]
        task = copied([case]).get(case.pk)
        hidden = task is None and bool(concealed_ids(user, [case.pk]))
        history = history_as_new(user, task) if task else history_of(user, case, hidden=hidden)
        context = {**frame, "case": case, "hidden": hidden, **history}
        return TemplateResponse(request, "admin/cases/case/page.html", context)

    def get_urls(self) -> list[Any]:
        acts = {"reopen": self.reopen_view, "request-reopening": self.request_view, "undo": self.undo_view}
        return [
            *(
                path(f"<int:case_id>/{name}/", self.admin_site.admin_view(view), name=f"cases_case_{name}")
                for name, view in acts.items()
            ),
            *super().get_urls(),
        ]

    def reopen_view(self, request: HttpRequest, case_id: int) -> HttpResponse:
        """Put a decided case up for decision again; the verb asks for the note and the permission."""
        return self._act(request, case_id, reopen_case, _("The case is open again."))

    def request_view(self, request: HttpRequest, case_id: int) -> HttpResponse:
        """Ask those who may reopen to look at the case again."""
        return self._act(request, case_id, request_reopening, _("Your request is with those who may reopen the case."))

    def undo_view(self, request: HttpRequest, case_id: int) -> HttpResponse:
        """Take the newest decision back while nothing of it has left."""
        return self._act(request, case_id, undo_newest, _("The decision was taken back; the case is open again."))

    def _act(self, request: HttpRequest, case_id: int, verb: Callable[..., Any], done: str) -> HttpResponse:
        """Call a verb with the note that was typed, and return to the page."""
        address = reverse("admin:cases_case_change", args=[case_id])
        try:
            if request.method == "POST" and case_id <= LARGEST_ID:
                verb(case_id, by=account(request), note=clean(request.POST.get("note", "")), origin="admin")
                messages.success(request, done)
        except Missing as refusal:
            raise Http404(refusal.message) from None
        except Refused as refusal:
            tell(request, refusal)
        return HttpResponseRedirect(address)

    @admin.display(description=gettext_lazy("case"), ordering="id")
    def case_number(self, case: Case) -> str:
        return f"#{case.pk}"

    @admin.display(description=gettext_lazy("state"))
    def state_badge(self, case: Case) -> SafeString:
        return state_badge(case.state)

    @admin.display(description=gettext_lazy("label"))
    def answer(self, case: Any) -> str | SafeString:
        return badge(_("read blind"), "info") if case.hidden else case.label

    @admin.display(description=gettext_lazy("confidence"))
    def sureness(self, case: Any) -> str:
        return "" if case.hidden or case.confidence is None else percent(case.confidence)

    @admin.display(description=gettext_lazy("priority"))
    def urgency(self, case: Case) -> SafeString:
        return priority(case.priority)
