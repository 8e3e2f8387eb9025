"""The reports page and its tables as CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib import admin
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from cases.access import can
from cases.errors import Invalid
from cases.models import CaseType
from metrics import cards, charts, periods
from metrics import report as reports

PERMISSION = "metrics.view_report"
TEMPLATE = "metrics/report.html"
# What a spreadsheet would run as a formula, in the forms it recognises.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


@dataclass(frozen=True, slots=True)
class Preset:
    """A link to one of the usual periods."""

    name: object
    address: str
    chosen: bool


@never_cache
@require_safe
def report(request: HttpRequest) -> HttpResponse:
    """The measures as cards and charts. A wrong parameter is said beside its field, with status 400."""
    if not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path(), reverse("admin:login"))
    _demand(request)
    now = datetime.now(UTC)
    try:
        made = reports.build(periods.read(request.GET, now=now), now=now)
    except Invalid as refusal:
        return render(request, TEMPLATE, {**_frame(request), "errors": refusal.errors}, status=400)
    return render(request, TEMPLATE, {**_frame(request), **_content(made)})


@never_cache
@require_safe
def table(request: HttpRequest, name: str) -> HttpResponse:
    """One table of the page as CSV."""
    _demand(request)
    now = datetime.now(UTC)
    try:
        made = reports.build(periods.read(request.GET, now=now), now=now)
    except Invalid as refusal:
        lines = [f"{field}: {text}" for field, texts in refusal.errors.items() for text in texts]
        return HttpResponse("\n".join(lines), status=400, content_type="text/plain; charset=utf-8")
    return _csv(name, _table(made, name))


def _demand(request: HttpRequest) -> None:
    if not (request.user.is_staff and can(request.user, PERMISSION)):
        raise PermissionDenied


def _frame(request: HttpRequest) -> dict[str, Any]:
    """What the page shows whatever it is asked for."""
    query = request.GET
    own = bool(query.get("from") or query.get("to"))
    preset = "" if own else query.get("period") or periods.USUAL
    return {
        **admin.site.each_context(request),
        "title": _("Reports"),
        "case_types": CaseType.objects.order_by("name").only("key", "name"),
        "asked": {name: query.get(name, "") for name in ("case_type", "from", "to")},
        "preset": preset,
        "presets": [_preset(request, key, chosen=key == preset) for key in periods.PRESETS],
        "query": query.urlencode(),
        "errors": {},
    }


def _preset(request: HttpRequest, key: str, *, chosen: bool) -> Preset:
    query = request.GET.copy()
    for name in ("from", "to", "interval"):
        query.pop(name, None)
    query["period"] = key
    return Preset(periods.PRESETS[key][0], f"?{query.urlencode()}", chosen)


def _content(made: reports.Report) -> dict[str, Any]:
    return {
        "report": made,
        "cards": [cards.card(reading, made) for reading in made.readings],
        "charts": charts.all_charts(made),
        "queues": cards.queue_rows(made),
    }


def _table(made: reports.Report, name: str) -> tuple[Sequence[object], Iterator[Sequence[object]]]:
    if name == "measures":
        return cards.COLUMNS, cards.rows(made)
    if name == "queues":
        return cards.QUEUE_COLUMNS, (row.values for row in cards.queue_rows(made))
    if name not in charts.DRAWN:
        raise Http404
    chart = charts.DRAWN[name](made)
    return chart.columns, iter(chart.rows)


def _csv(name: str, content: tuple[Sequence[object], Iterator[Sequence[object]]]) -> HttpResponse:
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    columns, rows = content
    writer = csv.writer(answer)
    writer.writerow([_safe(cell) for cell in columns])
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return answer


def _safe(cell: object) -> str:
    """A cell that no spreadsheet takes for a formula; numbers stay numbers."""
    text = "" if cell is None else str(cell)
    risky = isinstance(cell, str) and text.lstrip().startswith(FORMULA)
    return f"'{text}" if risky else text
