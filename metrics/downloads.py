"""Files of the reports: tables, whole pages."""

from __future__ import annotations

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cases.errors import Invalid
from metrics import looking
from metrics.charts.base import Table
from metrics.exports import offline, spreadsheets
from metrics.looking import Seen
from metrics.paper import document

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@never_cache
@require_safe
def table(request: HttpRequest, key: str, name: str, form: str) -> HttpResponse:
    """One table of a page, as CSV or XLSX."""
    if form not in {"csv", "xlsx"}:
        raise Http404
    seen = _looked(request, key)
    if isinstance(seen, HttpResponse):
        return seen
    found = next((one for one in seen.page.every_table() if one.key == name), None)
    if found is None:
        raise Http404
    if form == "csv":
        return _file(spreadsheets.as_csv(found), f"{name}.csv", "text/csv; charset=utf-8")
    return _file(spreadsheets.as_xlsx([found]), f"{name}.xlsx", XLSX)


@never_cache
@require_safe
def whole(request: HttpRequest, key: str, form: str) -> HttpResponse:
    """A whole page: its tables as CSV in a ZIP or as XLSX, all of it as HTML or PDF."""
    if form not in FORMS:
        raise Http404
    seen = _looked(request, key)
    return seen if isinstance(seen, HttpResponse) else FORMS[form](seen)


def _looked(request: HttpRequest, key: str) -> Seen | HttpResponse:
    """The page, which leads nowhere from a file, or the refusal in plain text."""
    try:
        return looking.look(request, key, on_paper=True)
    except Invalid as refusal:
        lines = [f"{field}: {text}" for field, texts in refusal.errors.items() for text in texts]
        return HttpResponse("\n".join(lines), status=400, content_type="text/plain; charset=utf-8")


def _zip(seen: Seen) -> HttpResponse:
    return _file(spreadsheets.as_zip(seen.page.every_table()), f"{_name(seen)}.zip", "application/zip")


def _xlsx(seen: Seen) -> HttpResponse:
    tables = list(seen.page.every_table()) or [Table("empty", _("Reports"), [_("Nothing happened in this time")], [])]
    return _file(spreadsheets.as_xlsx(tables), f"{_name(seen)}.xlsx", XLSX)


def _html(seen: Seen) -> HttpResponse:
    made = offline.as_html({"kind": seen.kind, "page": seen.page, "report": seen.ask.report, "look": seen.ask.look})
    return _file(made, f"{_name(seen)}.html", "text/html; charset=utf-8")


def _pdf(seen: Seen) -> HttpResponse:
    return _file(document.as_pdf(seen), f"{_name(seen)}.pdf", "application/pdf")


FORMS: dict[str, Callable[[Seen], HttpResponse]] = {"zip": _zip, "xlsx": _xlsx, "html": _html, "pdf": _pdf}


def _name(seen: Seen) -> str:
    period = seen.ask.report.period
    kind = f"-{period.case_type.key}" if period.case_type else ""
    return f"{seen.kind.key}{kind}-{period.start:%Y%m%d}"


def _file(content: str | bytes, name: str, content_type: str) -> HttpResponse:
    answer = HttpResponse(content, content_type=content_type)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer
