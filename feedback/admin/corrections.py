"""Corrections in the back office: what was wrong, what is right, who said so, and what was learnt from it."""

from __future__ import annotations

import json
from typing import Any

from django.contrib import admin
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from cases.access import can
from cases.admin.base import VisibleFilter, account, badge
from cases.concealment import concealed_ids
from feedback.admin.learning import OfACase
from feedback.admin.lists import Nothing
from feedback.admin.weeks import drawn
from feedback.corrections import MOST_FIELDS, FieldChange, changed_fields, compared_fields
from feedback.lineage import STATES, lineage_of
from feedback.models import Correction
from feedback.recurrence import Period, Recurrence, recurrence

SOURCE_KINDS = {"override": "info", "sample": "warning", "outcome": "danger", "adjudication": "reason"}
STATE_KINDS = {"stands": "ok", "serving": "info", "open": "warning"}
STATE_NAMES = {
    "stands": gettext_lazy("stands"),
    "no_answer": gettext_lazy("no right answer"),
    "serving": gettext_lazy("judges"),
    "open": gettext_lazy("open again"),
    "overtaken": gettext_lazy("overtaken"),
}
KIND_NAMES = {
    "same": "",
    "changed": gettext_lazy("changed"),
    "added": gettext_lazy("was missing"),
    "removed": gettext_lazy("should not be there"),
}
VERDICTS = {
    "fewer": (gettext_lazy("fewer than before"), "ok"),
    "more": (gettext_lazy("more than before"), "danger"),
    "same": (gettext_lazy("no difference shown"), ""),
    "unknown": (gettext_lazy("not enough data"), ""),
}
LONGEST_VALUE, MOST_NAMED = 2_000, 3


@admin.register(Correction)
class CorrectionAdmin(OfACase):
    nothing = Nothing(
        gettext_lazy("Nothing had to be corrected yet"),
        gettext_lazy(
            "Every changed output, wrong sample, settled disagreement and report from downstream becomes a correction to learn from."
        ),
    )
    list_display = ("change", "fields_changed", "case_link", "case_type", "source_badge", "given_by", "created_at")
    list_display_links: Any = ("change",)
    list_filter = ("source", ("case_type", VisibleFilter))
    list_select_related = ("case_type", "given_by")
    change_form_template = "admin/feedback/correction/page.html"

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Correction]:
        rows: models.QuerySet[Correction] = super().get_queryset(request).defer("why", "case_type__output_schema")
        return rows

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        correction = self._shown(request, object_id or "")
        told, history = lineage_of(correction), _history(correction)
        own = {
            "correction": correction,
            "rows": [_row(field) for field in compared_fields(correction.before, correction.after)[:MOST_FIELDS]],
            "said": _("The machine") if correction.source in ("override", "sample") else _("The decision"),
            "policy": correction.decision.policy if correction.decision else None,
            "source": badge(correction.get_source_display(), SOURCE_KINDS[correction.source]),
            "state": badge(STATE_NAMES[told.state], STATE_KINDS.get(told.state, "")),
            "state_told": STATES[told.state],
            "lineage": told,
            "may_see_datasets": can(account(request), "feedback.view_dataset"),
            "history": history,
            "error": _error_told(correction) if history else "",
            "chart": drawn(history) if history else None,
            "periods": [_period(period) for period in history.periods] if history else [],
        }
        title = _("Correction of case #%(number)s") % {"number": correction.case_id}
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, **own}
        return TemplateResponse(request, self.change_form_template, context)

    def _shown(self, request: HttpRequest, object_id: str) -> Correction:
        found: Correction | None = self.get_object(request, object_id)
        if found is None or concealed_ids(account(request), [found.case_id]):
            raise Http404
        whole = Correction.objects.select_related("case__case_type", "decision__policy", "prediction", "given_by")
        return whole.defer("case__payload", "case__context", "case__metadata").get(pk=found.pk)

    @admin.display(description=gettext_lazy("correction"))
    def change(self, correction: Correction) -> SafeString:
        before, after = correction.label_before or "–", correction.label_after or "–"
        return format_html("{} → <strong>{}</strong>", before, after)

    @admin.display(description=gettext_lazy("fields"))
    def fields_changed(self, correction: Correction) -> str:
        """The first few by name, the rest by their number."""
        names = [field.path for field in changed_fields(correction.before, correction.after)]
        more = len(names) - MOST_NAMED
        told = ", ".join(name[:60] for name in names[:MOST_NAMED])
        return (
            told + ngettext(" and %(count)s more", " and %(count)s more", more) % {"count": more} if more > 0 else told
        )

    @admin.display(description=gettext_lazy("source"))
    def source_badge(self, correction: Correction) -> SafeString:
        return badge(correction.get_source_display(), SOURCE_KINDS[correction.source])


def _history(correction: Correction) -> Recurrence | None:
    """Of an error that has a name on both sides, or of the fields that were wrong under the same label."""
    before, after = correction.label_before, correction.label_after
    fields = () if before != after else tuple(_wrong_fields(correction))
    if not (before and after) and not fields:
        return None
    return recurrence(correction.case.case_type, label_before=before, label_after=after, fields=fields)


def _wrong_fields(correction: Correction) -> list[str]:
    return [field.path for field in changed_fields(correction.before, correction.after)]


def _error_told(correction: Correction) -> str:
    """The error as a heading."""
    before, after = correction.label_before, correction.label_after
    if before != after:
        return _("How often “%(before)s” had to be corrected to “%(after)s”") % {"before": before, "after": after}
    named = _wrong_fields(correction)[:MOST_NAMED]
    return _("How often %(fields)s had to be corrected") % {"fields": ", ".join(named)}


def _row(field: FieldChange) -> dict[str, Any]:
    present = {"before": field.kind != "added", "after": field.kind != "removed"}
    told = {side: _told(getattr(field, side)) if there else None for side, there in present.items()}
    return {"path": field.path, "kind": field.kind, "kind_name": KIND_NAMES[field.kind], **told}


def _period(period: Period) -> dict[str, Any]:
    words, kind = VERDICTS.get(period.verdict, ("", ""))
    name = str(period.version._meta.verbose_name) if period.version else ""
    return {"period": period, "kind": name, "verdict": badge(words, kind) if period.verdict else "–"}


def _told(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST_VALUE else f"{text[:LONGEST_VALUE]} …"
