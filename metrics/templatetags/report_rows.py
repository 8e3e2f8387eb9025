"""The rows of a table as HTML, and a figure as data for the script that draws it. A page holds thousands of cells and
points, and over those the template language and its filters take longest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from html import escape  # what Django's own does, without asking of each text whether it is lazy

from django import template
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from metrics.charts.base import Chart, Table, href_of

register = template.Library()


@register.simple_tag
def report_rows(table: Table, offline: object = None) -> SafeString:
    """Every cell escaped; in a saved page none leads anywhere."""
    rows = (_row(row, alarming=number in table.alarming, linked=not offline) for number, row in enumerate(table.rows))
    return mark_safe("\n".join(rows))  # noqa: S308 - each part is escaped below


@register.simple_tag
def figure_data(chart: Chart) -> SafeString:
    """As the filter ``json_script``, for texts so long that it takes longer over them than everything else."""
    data = json.dumps(chart.figure, cls=DjangoJSONEncoder)
    for sign in "<>&":
        data = data.replace(sign, f"\\u{ord(sign):04X}")
    return format_html('<script id="{}" type="application/json">{}</script>', chart.place, mark_safe(data))  # noqa: S308 - escaped above


def _row(row: Sequence[str], *, alarming: bool, linked: bool) -> str:
    head, *rest = row
    marked = ' class="reports-breached"' if alarming else ""
    return f'<tr{marked}><th scope="row">{escape(head)}</th>{"".join(_cells(rest, linked=linked))}</tr>'


def _cells(row: Iterable[str], *, linked: bool) -> Iterable[str]:
    for cell in row:
        href = href_of(cell) if linked else ""
        yield f'<td><a href="{escape(href)}">{escape(cell)}</a></td>' if href else f"<td>{escape(cell)}</td>"
