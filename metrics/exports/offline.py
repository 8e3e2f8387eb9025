"""A page as one HTML file that opens from a disk: script, styles and data are inside, and its own policy lets nothing out."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

TEMPLATE = "metrics/offline.html"
SCRIPTS = ("metrics/plotly/plotly-cartesian.min.js", "metrics/charts.js")
STYLES = ("metrics/offline.css", "metrics/reports.css")
PLOTLY_STYLE = "metrics/plotly/plotly.css"
CLOSING = re.compile(r"</(script|style)|<!--", re.IGNORECASE)


def as_html(context: dict[str, Any]) -> str:
    """The file. `context` holds what the page is made from."""
    inside = {
        "language": get_language(),
        "scripts": [_inline(name) for name in SCRIPTS],
        "styles": [_inline(name) for name in STYLES],
        "plotly_style": _inline(PLOTLY_STYLE),
    }
    return render_to_string(TEMPLATE, {**context, **inside})


@cache
def _inline(name: str) -> SafeString:
    """A file of ours as the content of an element, which nothing in it may close."""
    found = finders.find(name)
    text = Path(str(found)).read_text(encoding="utf-8")
    return mark_safe(CLOSING.sub(lambda match: "<\\" + match[0][1:], text))  # noqa: S308 - our own files
