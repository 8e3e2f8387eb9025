"""Single values of a payload as safe HTML, with the evidence that stands in them."""

from __future__ import annotations

import json
from typing import Any

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from review.desk.blocks import nothing
from review.desk.sheet import Sheet
from review.desk.text import marked, seen

LONGEST = 2000


def is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)


def scalar(value: Any) -> SafeString:
    """One value in words."""
    if value is None or value in ("", [], {}):
        return nothing()
    if isinstance(value, bool):
        return seen(_("yes") if value else _("no"))
    return seen(str(value)[:LONGEST])


def scalar_at(value: Any, path: str, sheet: Sheet, *, most: int = LONGEST) -> SafeString:
    """The same with the evidence in it, cut to ``most`` characters and to the room there is."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) if _nested(value) else ""
    if not text:
        sheet.spend(len(str(value)[:most]))
        return scalar(value)
    own = sheet.at(path)
    sheet.spend_marks(own)
    shown = sheet.fitting(text[:most])
    html = marked(text, own, 0, shown)
    return format_html('{}<span class="cs-none">…</span>', html) if shown < len(text) else html


def _nested(value: Any) -> bool:
    return isinstance(value, list | dict) and bool(value)
