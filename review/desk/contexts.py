"""The context that came with a case: fragments with their sources.

A fragment is ``{"title", "text", "url"}``; evidence points at ``context[0].text`` or ``context[0].title``. Whatever else stands in it is
listed as names and values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.utils.safestring import SafeString

from review.desk.blocks import Pair, Passage, titled
from review.desk.passages import passage_of
from review.desk.sheet import Sheet, sheet_of
from review.desk.text import Mark, seen
from review.desk.values import scalar_at

ROOM = 20_000
MOST = 50
LONG = 600  # characters of a fragment that stand there unfolded
PREVIEW = 160
KNOWN = frozenset({"title", "text", "url"})


@dataclass(frozen=True, slots=True)
class Source:
    """Where a fragment comes from. ``host`` is what a reader goes by before following a link: it cannot be dressed up."""

    url: str
    host: str


@dataclass(frozen=True, slots=True)
class Fragment:
    """A piece of context. Long ones are folded behind a preview, unless evidence stands in them."""

    title: SafeString
    passage: Passage
    source: Source | None = None
    pairs: tuple[Pair, ...] = ()
    folded: bool = False
    open: bool = False
    preview: SafeString = SafeString()  # noqa: RUF009 - immutable
    length: int = 0


def context_of(context: Any, marks: Sequence[Mark]) -> list[Fragment]:
    """The context fragments that came with the case."""
    sheet = sheet_of(ROOM, marks)
    items = context[:MOST] if isinstance(context, list) else []
    found = []
    for position, item in enumerate(items):
        parts = item if isinstance(item, Mapping) else {"text": item}
        with sheet.part(among=len(items) - position) as part:
            found.append(_fragment(parts, f"context[{position}]", part))
    return found


def _fragment(parts: Mapping[str, Any], path: str, sheet: Sheet) -> Fragment:
    title = parts.get("title") or ""
    text = parts.get("text") if isinstance(parts.get("text"), str) else str(parts.get("text") or "")
    text = text or ""
    own = sheet.at(f"{path}.text")
    return Fragment(
        title=scalar_at(title, f"{path}.title", sheet, most=200) if title else SafeString(),
        passage=passage_of("", text, own, sheet),
        source=source_of(parts.get("url")),
        pairs=_rest(parts, path, sheet),
        folded=len(text) > LONG,
        open=bool(own),
        preview=seen(" ".join(text[:PREVIEW].split())),
        length=len(text),
    )


def source_of(url: Any) -> Source | None:
    """A link that a person may safely follow, with its host as the network knows it, or None."""
    if not isinstance(url, str) or not url.startswith(("https://", "http://")) or not url.isprintable() or "\\" in url:
        return None
    try:
        host = urlsplit(url).hostname or ""
        shown = host if host.isascii() else host.encode("idna").decode()
    except ValueError:  # no address after all, or a name that the network does not know
        return None
    return Source(url, shown) if shown else None


def _rest(parts: Mapping[str, Any], path: str, sheet: Sheet) -> tuple[Pair, ...]:
    others = [(str(key), value) for key, value in parts.items() if key not in KNOWN][:20]
    return tuple(Pair(titled(key[:80]), scalar_at(value, f"{path}.{key}", sheet)) for key, value in others)
