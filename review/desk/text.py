"""Text of cases made safe to show: escaped, evidence marked, and characters that are not what they seem made visible."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from markdown_it import MarkdownIt

from cases.passages import text_at

QUOTED = 80
MOST_SPANS = 60  # of evidence, the weightiest
MOST_FIELDS = 3  # named by one word
LONGEST_FIELD = 80
# Controls, direction overrides, zero-width and tag characters, and lone surrogates: nothing a reader could see.
UNSEEN = re.compile(
    "(\r(?!\n)|[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff\ufeff"
    "\U000e0000-\U000e007f])\\1*"
)
ODD_IN_IDS = re.compile(r"[^\w-]+")

_markdown = (
    MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"]).disable("image")
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A span of evidence, in characters of the text at a path such as ``payload.items[0].name``.

    ``supports`` is the path of the field of the output that it speaks for, or empty; ``quoted`` is how it begins.
    """

    path: str
    start: int
    end: int
    number: int
    supports: str = ""
    quoted: str = ""

    @property
    def anchor(self) -> str:
        return f"evidence-{self.number}"

    @property
    def field_id(self) -> str:
        """The id of the field in the form, as `review.desk.fields.Field` has it."""
        return "field-" + ODD_IN_IDS.sub("-", self.supports).strip("-") if self.supports else ""


def marks_of(evidence: Any, facts: Mapping[str, Any]) -> list[Mark]:
    """The spans of a prediction's evidence that lie inside a text of the case, in reading order, each under its true path.

    ``facts`` are ``{"payload": …, "context": […]}``. Of very many spans the weightiest count. What leads nowhere is left out, and what runs beyond its text ends
    with it, so that nothing is ever marked which the machine did not mean.
    """
    spans = sorted(evidence, key=_weight, reverse=True) if isinstance(evidence, list) else []
    known = list({mark for span in spans[:MOST_SPANS] if (mark := _mark(span, facts))})
    known.sort(key=lambda one: (one.path, one.start, one.end, one.supports))
    return [replace(one, number=number) for number, one in enumerate(known, start=1)]


def _weight(span: Any) -> float:
    weight = span.get("weight", 1.0) if isinstance(span, dict) else 0.0
    return float(weight) if isinstance(weight, int | float) else 1.0


def _mark(span: Any, facts: Mapping[str, Any]) -> Mark | None:
    if not isinstance(span, dict) or not isinstance(span.get("field"), str):
        return None
    start, end, place = span.get("start"), span.get("end"), text_at(facts, span["field"])
    if place is None or type(start) is not int or type(end) is not int:
        return None
    end = min(end, len(place.text))
    supports = span.get("supports")
    named = supports if isinstance(supports, str) and len(supports) <= LONGEST_FIELD else ""
    return Mark(place.path, start, end, 0, named, place.text[start:end][:QUOTED]) if 0 <= start < end else None


def marked(text: str, marks: Sequence[Mark], start: int = 0, end: int | None = None) -> SafeString:
    """A stretch of the text as HTML, its evidence in ``<mark>``; where spans overlap, the words stand there once."""
    end = len(text) if end is None else end
    near = [mark for mark in marks if mark.start < end and mark.end > start]
    cuts = sorted({start, end, *(cut for mark in near for cut in (mark.start, mark.end) if start < cut < end)})
    return mark_safe("".join(_piece(text, near, low, high) for low, high in pairwise(cuts)))  # noqa: S308 - all escaped


def _piece(text: str, marks: Sequence[Mark], start: int, end: int) -> SafeString:
    over = [mark for mark in marks if mark.start <= start and end <= mark.end]
    words = seen(text[start:end])
    if not over:
        return words
    here = [mark.anchor for mark in over if mark.start == start]
    more = mark_safe("".join(format_html('<span id="{}"></span>', anchor) for anchor in here[1:]))  # noqa: S308 - ids of ours
    fields = dict([(mark.field_id, mark.supports) for mark in over if mark.supports][:MOST_FIELDS])
    if fields:
        words = _linked(words, fields)
    known = format_html(' id="{}"', here[0]) if here else ""
    told = format_html(' data-supports="{}"', " ".join(fields)) if fields else ""
    return format_html('{}<mark class="cs-mark"{}{}>{}</mark>', more, known, told, words)


def _linked(words: SafeString, fields: Mapping[str, str]) -> SafeString:
    """The words as the way to the field that they speak for."""
    target, told = next(iter(fields)), _("Evidence for: %(fields)s") % {"fields": ", ".join(fields.values())}
    return format_html('<a href="#{}" title="{}">{}</a>', target, told, words)


def seen(text: str) -> SafeString:
    """Escaped, with unseen characters by their number; a run of the same one is told once."""
    return mark_safe(UNSEEN.sub(_named, escape(text)))  # noqa: S308 - escaped, and the replacement has no markup of the text


def _named(found: re.Match[str]) -> str:
    code, times = ord(found[1]), len(found.group())
    name = unicodedata.name(found[1], "control character").lower()
    often = f" ×{times}" if times > 1 else ""
    return f'<span class="cs-unseen" title="{name}">U+{code:04X}{often}</span>'


def plainly(text: str) -> str:
    """The same for a plain text, which knows no markup: unseen characters in square brackets."""
    return UNSEEN.sub(lambda found: f"[U+{ord(found[1]):04X}]", text)


def rendered(markdown: str) -> SafeString:
    """Guidelines as HTML. Raw HTML in them stays text, images are not fetched."""
    return SafeString(_markdown.render(markdown))
