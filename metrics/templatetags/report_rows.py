"""The rows of a table as HTML. A page holds thousands of cells, and the template language takes longest over those."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from django import template
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from metrics.charts.base import Cell, Table

register = template.Library()


@register.simple_tag
def report_rows(table: Table, offline: object = None) -> SafeString:
    """Every cell escaped; in a saved page none leads anywhere."""
    rows = (_row(row, alarming=number in table.alarming, linked=not offline) for number, row in enumerate(table.rows))
    return mark_safe("\n".join(rows))  # noqa: S308 - each part is escaped below


def _row(row: Sequence[str], *, alarming: bool, linked: bool) -> str:
    head, *rest = row
    marked = ' class="reports-breached"' if alarming else ""
    return f'<tr{marked}><th scope="row">{escape(head)}</th>{"".join(_cells(rest, linked=linked))}</tr>'


def _cells(row: Iterable[str], *, linked: bool) -> Iterable[str]:
    for cell in row:
        href = cell.href if linked and isinstance(cell, Cell) else ""
        yield f'<td><a href="{escape(href)}">{escape(cell)}</a></td>' if href else f"<td>{escape(cell)}</td>"
