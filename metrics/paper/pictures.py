"""Charts as PNG, for mails: drawn as a PDF page and painted by pdfium, which needs no browser."""

from __future__ import annotations

import io
from typing import Any

import pypdfium2
from reportlab.graphics import renderPDF

from metrics.paper import inks, plot

SHARPNESS = 2.0  # pixels per point
QUICK = 3  # a fifth larger than the smallest, in a third of the time


def as_png(figure: dict[str, Any]) -> bytes:
    """The figure on white. It is ours from beginning to end, so it may be painted in this process."""
    inks.letters()
    page = pypdfium2.PdfDocument(renderPDF.drawToString(plot.drawing(figure)))
    made = io.BytesIO()
    try:
        page[0].render(scale=SHARPNESS).to_pil().save(made, "PNG", compress_level=QUICK)
    finally:
        page.close()
    return made.getvalue()
