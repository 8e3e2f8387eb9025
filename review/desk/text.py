"""Text of cases made safe to show: escaped, evidence marked, and characters that are not what they seem made visible."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt

SHOWN_CHARACTERS = 40_000
# Controls, direction overrides, zero-width and tag characters, and lone surrogates: nothing a reader could see.
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ud800-\udfff\ufeff\U000e0000-\U000e007f]"
)

_markdown = (
    MarkdownIt("commonmark", {"html": False, "linkify": False}).enable(["table", "strikethrough"]).disable("image")
)


@dataclass(frozen=True, slots=True)
class Mark:
    """A span of evidence, in characters of the text at a path such as ``payload.text``."""

    path: str
    start: int
    end: int
    number: int

    @property
    def anchor(self) -> str:
        return f"evidence-{self.number}"


def marks_of(evidence: Any) -> list[Mark]:
    """The well-formed spans of a prediction's evidence, numbered in reading order."""
    spans = [span for span in evidence if _is_span(span)] if isinstance(evidence, list) else []
    spans.sort(key=lambda span: (span["field"], span["start"], span["end"]))
    return [Mark(span["field"], span["start"], span["end"], number) for number, span in enumerate(spans, start=1)]


def _is_span(span: Any) -> bool:
    if not isinstance(span, dict) or not isinstance(span.get("field"), str):
        return False
    start, end = span.get("start"), span.get("end")
    return type(start) is int and type(end) is int and 0 <= start < end


def marked(text: str, marks: Sequence[Mark]) -> SafeString:
    """The text as HTML, its evidence in ``<mark>``; what overlaps is marked once."""
    return mark_safe("".join(_pieces(text, marks)))  # noqa: S308 - every piece is escaped


def _pieces(text: str, marks: Sequence[Mark]) -> Iterator[str]:
    position = 0
    for mark in marks:
        start, end = max(mark.start, position), min(mark.end, len(text))
        if start < end:
            yield seen(text[position:start])
            yield format_html('<mark class="cs-mark" id="{}">{}</mark>', mark.anchor, seen(text[start:end]))
            position = end
    yield seen(text[position:])


def seen(text: str) -> SafeString:
    """Escaped, with unseen characters by their number."""
    return mark_safe(UNSEEN.sub(_named, escape(text)))  # noqa: S308 - escaped, and the replacement has no markup of the text


def _named(found: re.Match[str]) -> str:
    code = ord(found.group())
    name = unicodedata.name(found.group(), "control character").lower()
    return f'<span class="cs-unseen" title="{name}">U+{code:04X}</span>'


def rendered(markdown: str) -> SafeString:
    """Guidelines as HTML. Raw HTML in them stays text, images are not fetched."""
    return SafeString(_markdown.render(markdown))
