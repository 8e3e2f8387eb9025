"""A page of the reports as a PDF: figures, charts, tables."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any
from xml.sax.saxutils import escape

from django.utils.translation import gettext as _
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import KeepTogether, Paragraph, SimpleDocTemplate, Spacer, TableStyle
from reportlab.platypus import Table as Grid

from metrics.charts.base import Chart, Table
from metrics.looking import Seen
from metrics.paper import inks, plot

MARGIN = 16 * mm
WIDE = A4[0] - 2 * MARGIN
MOST_ROWS, MOST_COLUMNS = 40, 9
SIZES = {"title": 16.0, "head": 11.0, "text": 8.0, "fine": 6.5}


def as_pdf(seen: Seen) -> bytes:
    """The page on A4."""
    inks.letters()
    made = io.BytesIO()
    title = f"{seen.kind.title} – {seen.ask.report.period.words}"
    book = SimpleDocTemplate(
        made, pagesize=A4, leftMargin=MARGIN, rightMargin=MARGIN, topMargin=MARGIN, bottomMargin=MARGIN,
        title=inks.drawable(title), author="Countersign",
    )  # fmt: skip
    book.build(list(_story(seen)), onFirstPage=_foot, onLaterPages=_foot)
    return made.getvalue()


def _story(seen: Seen) -> Iterator[Any]:
    report, page = seen.ask.report, seen.page
    yield _words(seen.kind.title, "title", bold=True)
    case_type = report.period.case_type.name if report.period.case_type else _("All case types")
    yield _words(" · ".join([case_type, f"{report.period.words} UTC", *report.period.only.words()]), "text", quiet=True)
    yield Spacer(1, 6)
    for note in page.notes:
        yield _words(note, "text")
    if page.empty:
        yield _words(_("Nothing happened in this time"), "head", bold=True)
        return
    if page.cards or page.tiles:
        yield _figures(seen)
    for chart in page.charts:
        yield from _chart(chart)
    for table in page.tables:
        yield from _table(table)


def _figures(seen: Seen) -> Grid:
    """The cards as a table: measure, figure, interval, basis, state and what to do."""
    head = [_("measure"), _("value"), _("interval, 95 %"), _("from"), _("state")]
    lines: list[list[Any]] = [[_words(cell, "fine", bold=True) for cell in head]]
    colours = []
    for number, card in enumerate(seen.page.cards, start=1):
        remarks = " ".join(str(text) for text in (card.remark, card.advice, card.change) if text)
        named = f"{card.measure.name}. {remarks}" if remarks else str(card.measure.name)
        lines.append([_words(cell, "fine") for cell in (named, card.value, card.interval, card.basis, card.word)])
        if card.state in inks.STATES:
            colours.append(("LINEBEFORE", (0, number), (0, number), 2, inks.STATES[card.state]))
    lines += [[_words(cell, "fine") for cell in (tile.name, tile.value, "", tile.sure, "")] for tile in seen.page.tiles]
    made = Grid(lines, colWidths=[WIDE * share for share in (0.46, 0.13, 0.17, 0.14, 0.10)], repeatRows=1)
    made.setStyle(TableStyle([*_rules(), *colours]))
    return made


def _chart(chart: Chart) -> Iterator[Any]:
    drawn = plot.drawing(chart.figure, width=WIDE)
    yield KeepTogether(
        [Spacer(1, 10), _words(chart.title, "head", bold=True), _words(chart.caption, "text", quiet=True), drawn]
    )


def _table(table: Table) -> Iterator[Any]:
    if not table.rows:
        return
    columns = len(table.columns[:MOST_COLUMNS])
    rows = [table.columns, *table.rows[:MOST_ROWS]]
    cells = [[_words(cell, "fine", bold=not number) for cell in row[:MOST_COLUMNS]] for number, row in enumerate(rows)]
    made = Grid(cells, colWidths=[WIDE / columns] * columns, repeatRows=1)
    made.setStyle(TableStyle(_rules()))
    yield Spacer(1, 10)
    yield _words(table.title, "head", bold=True)
    yield made
    if len(table.rows) > MOST_ROWS or len(table.columns) > MOST_COLUMNS:
        yield _words(_("More in the spreadsheet: this page holds the first rows and columns."), "fine", quiet=True)


def _rules() -> list[Any]:
    return [
        ("LINEBELOW", (0, 0), (-1, -1), 0.4, inks.GRID),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]


def _words(text: object, size: str, *, bold: bool = False, quiet: bool = False) -> Paragraph:
    points = SIZES[size]
    style = ParagraphStyle(
        size,
        fontName=inks.BOLD if bold else inks.BODY,
        fontSize=points,
        leading=points * 1.3,
        textColor=inks.QUIET if quiet else inks.INK,
        splitLongWords=1,
    )
    return Paragraph(escape(inks.drawable(text)), style)


def _foot(canvas: Any, book: Any) -> None:
    canvas.setFont(inks.BODY, SIZES["fine"])
    canvas.setFillColor(inks.QUIET)
    canvas.drawRightString(A4[0] - MARGIN, MARGIN / 2, str(book.page))
