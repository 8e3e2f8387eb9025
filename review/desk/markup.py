"""The text of an HTML e-mail. Nothing of it is ever rendered: what came as markup is shown as words.

A parser of our own, in one pass and linear time, since the input is hostile: it knows line breaks, lists and where a link
leads (which is the first thing to look at in a fraud), and leaves out what a browser would not show.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

TAG = re.compile(r"<([/!]?)([a-zA-Z][a-zA-Z0-9]{0,20})([^<>]*)>")
LOOKS_LIKE = re.compile(r"<(!doctype html|html|body|div|p|br|table|span|a|td)[\s/>]", re.IGNORECASE)
HREF = re.compile(r"""\bhref\s*=\s*["']?([^"'\s<>]{1,500})""", re.IGNORECASE)
SPACES = re.compile(r"[ \t\r\f\v\n]+")
MANY_BREAKS = re.compile(r"\n[ \n]{2,}")
BREAKS = frozenset({"br", "hr", "li", "tr", "ul", "ol", "table", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6"})
PARAGRAPHS = frozenset({"p", "div", "section", "article", "header", "footer"})
UNSHOWN = frozenset({"script", "style", "head", "title", "template", "noscript"})


def is_markup(text: str) -> bool:
    """Whether a text is meant as HTML."""
    return bool(LOOKS_LIKE.search(text[:2000]))


def words_of(source: str) -> str:
    """The words of an HTML text, with its line breaks and the targets of its links."""
    text = html.unescape("".join(_pieces(_without_comments(source))))
    return MANY_BREAKS.sub("\n\n", text).strip()


def _without_comments(source: str) -> str:
    kept, at = [], 0
    while (start := source.find("<!--", at)) >= 0:
        kept.append(source[at:start])
        end = source.find("-->", start)
        at = len(source) if end < 0 else end + 3
    return "".join([*kept, source[at:]])


def _pieces(source: str) -> Iterator[str]:
    at, unshown, target = 0, "", ""
    for tag in TAG.finditer(source):
        name, closing = tag[2].lower(), tag[1] == "/"
        if not unshown:
            yield SPACES.sub(" ", source[at : tag.start()])
            yield _break(name)
        at = tag.end()
        if name in UNSHOWN:
            unshown = _unshown(unshown, name, closing=closing)
        elif name == "a" and not unshown:
            if closing and target:
                yield f" ({target})"
            target = "" if closing else _target(tag[3])
    if not unshown:
        yield SPACES.sub(" ", source[at:])


def _break(name: str) -> str:
    return "\n" if name in BREAKS else "\n\n" if name in PARAGRAPHS else " " if name in ("td", "th") else ""


def _unshown(inside: str, name: str, *, closing: bool) -> str:
    if closing:
        return "" if name == inside else inside
    return inside or name


def _target(attributes: str) -> str:
    found = HREF.search(attributes)
    return found[1] if found else ""
