"""E-mails in payloads, in whichever of the usual shapes they come.

* fields: ``{"subject", "from", "to", "cc", "date", "text"}``, of which a subject or a sender is enough. Also ``body`` or ``plain``
  for ``text``, ``html`` beside it or alone, ``sender``, ``reply_to``, ``sent`` …; in any case of letters.
* ``{"headers": {"Subject": "…"} | [["Subject", "…"]] | [{"name", "value"}], "body": "…"}``
* the message as it travelled (RFC 822): a text under ``raw``, ``rfc822``, ``eml``, ``email``, ``message`` or ``text`` that
  begins with its headers.

Addresses are texts, ``{"name", "address"}``, or lists of these. Evidence points at ``payload.text``, ``payload.subject`` and so on;
at ``payload.raw`` it is shown in the text where that stands in the message as it is, else in the message's source.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal, NamedTuple

from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import is_aware, localtime
from django.utils.translation import gettext as _
from django.utils.translation import pgettext_lazy

from review.desk.blocks import Aside, Email, Pair, Passage, nothing, titled
from review.desk.letters import Letter, is_letter, letter_of
from review.desk.markup import is_markup, words_of
from review.desk.passages import passage_of
from review.desk.sheet import Sheet
from review.desk.text import Mark, plainly, seen
from review.desk.values import scalar_at

RAW = ("raw", "rfc822", "eml", "mime", "email", "message", "text", "body")
TEXTS = ("text", "body", "plain", "body_text", "text_plain", "body_plain", "content", "message")
MARKUPS = ("html", "body_html", "text_html")
SENDERS = ("from", "sender", "from_address")
HEADERS = (*SENDERS, "to", "recipient", "cc", "bcc", "reply_to", "date", "sent", "received", "subject")
NAMES = {
    "from": pgettext_lazy("e-mail", "From"),
    "sender": pgettext_lazy("e-mail", "Sender"),
    "to": pgettext_lazy("e-mail", "To"),
    "cc": pgettext_lazy("e-mail", "Cc"),
    "bcc": pgettext_lazy("e-mail", "Bcc"),
    "reply_to": pgettext_lazy("e-mail", "Reply to"),
    "date": pgettext_lazy("e-mail", "Date"),
    "sent": pgettext_lazy("e-mail", "Sent"),
    "received": pgettext_lazy("e-mail", "Received"),
    "subject": pgettext_lazy("e-mail", "Subject"),
}
DATES = frozenset({"date", "sent", "received"})
MOST_HEADERS = 30
LONGEST_HEADER = 600
LONGEST_DATE = 80
EARLIEST, LATEST = 1900, 9999
SHARE = 4  # of the room, for what stands aside of the text


class Found(NamedTuple):
    """An e-mail and the keys of the payload that it has used up."""

    email: Email
    used: frozenset[str]


def email_in(value: Mapping[str, Any], path: str, sheet: Sheet) -> Found | None:
    """The e-mail that an object holds, or None where it holds none."""
    keys = {str(key).lower().replace("-", "_"): str(key) for key in value}
    for name in RAW:
        source = value.get(keys.get(name, ""))
        if isinstance(source, str) and is_letter(source) and (letter := letter_of(source)):
            return Found(_from_letter(letter, source, f"{path}.{keys[name]}", sheet), frozenset({keys[name]}))
    return _from_fields(value, keys, path, sheet)


def _from_fields(value: Mapping[str, Any], keys: Mapping[str, str], path: str, sheet: Sheet) -> Found | None:
    text, markup = _first(value, keys, TEXTS), _first(value, keys, MARKUPS)
    sender = value.get(_first_key(keys, SENDERS), "")
    told = _headers_key(value, keys)
    if not (text or markup) or not (told or _first(value, keys, ("subject",)) or "@" in _plain(sender)):
        return None
    used = {keys[name] for name in HEADERS if name in keys} | {key for key in (text, markup, told) if key}
    rows = [(titled(name), value[keys[name]], f"{path}.{keys[name]}") for name in HEADERS if name in keys]
    rows += _listed(value.get(told), f"{path}.{told}")
    pairs = [_header(name, one, place, sheet) for name, one, place in rows[:MOST_HEADERS]]
    body, aside = _bodies(value, text, markup, path, sheet)
    return Found(Email(headers=pairs, text=body, aside=aside), frozenset(used))


def _bodies(value: Mapping[str, Any], text: str, markup: str, path: str, sheet: Sheet) -> tuple[Passage, list[Aside]]:
    """What was written, with the HTML beside it as words; HTML alone is the text, and its source stands aside."""
    if text and not is_markup(value[text]):
        aside = [_aside(_("The HTML version, as text"), words_of(value[markup]), (), sheet)] if markup else []
        return passage_of("", value[text], sheet.at(f"{path}.{text}"), sheet, folded=True), aside
    key = markup or text
    own = sheet.at(f"{path}.{key}")
    aside = [_aside(_("The HTML source"), value[key], own, sheet)]
    return passage_of("", words_of(value[key]), (), sheet, folded=True), aside


def _from_letter(letter: Letter, source: str, path: str, sheet: Sheet) -> Email:
    own = sheet.at(path)
    inside = [_moved(mark, -letter.shift) for mark in own if 0 <= letter.shift <= mark.start]
    aside = [_aside(_("The source of the message"), source, () if len(inside) == len(own) else own, sheet)]
    if letter.html and letter.text:
        aside.insert(0, _aside(_("The HTML version, as text"), words_of(letter.html), (), sheet))
    text = letter.text or words_of(letter.html)
    if len(inside) < len(own):  # all in one place, so that no span is marked twice
        inside = []
    return Email(
        headers=[
            Pair(_named(name), _dated(name, value) or seen(value[:LONGEST_HEADER])) for name, value in letter.headers
        ],
        text=passage_of("", text, inside, sheet, folded=True),
        aside=aside,
        files=[seen(name[:LONGEST_HEADER]) for name in letter.files],
    )


def _aside(title: str, text: str, marks: Sequence[Mark], sheet: Sheet) -> Aside:
    with sheet.part(among=SHARE) as part:
        return Aside(title, passage_of("", text, marks, part), open=bool(marks))


def _moved(mark: Mark, by: int) -> Mark:
    return replace(mark, start=mark.start + by, end=mark.end + by)


def _header(name: str, value: Any, path: str, sheet: Sheet) -> Pair:
    if isinstance(value, str):
        dated = "" if sheet.at(path) else _dated(name, value)
        return Pair(_named(name), dated or scalar_at(value, path, sheet, most=LONGEST_HEADER))
    return Pair(_named(name), seen(_plain(value)[:LONGEST_HEADER]) or nothing())


def _named(name: str) -> str:
    """A header's name in the reader's language; one of the sender's own as it is."""
    return str(NAMES.get(_plain_name(name), name))


def _plain_name(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")


def _dated(name: str, value: str) -> SafeString | Literal[""]:
    """A moment in the reader's zone, what was written as its title; nothing where it is none or tells no zone."""
    found = _moment(value.strip()) if _plain_name(name) in DATES else None
    if found is None:
        return ""
    here = localtime(found)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        here.isoformat(),
        plainly(value),
        date_format(here, "DATETIME_FORMAT"),
    )


def _moment(text: str) -> datetime | None:
    """The moment of a date as ISO 8601 or RFC 822 has it."""
    for read in (parse_datetime, parsedate_to_datetime):
        try:
            found = read(text[:LONGEST_DATE])
            if found and is_aware(found) and EARLIEST < found.year < LATEST:
                return found
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
    return None


def _listed(headers: Any, path: str) -> Iterator[tuple[str, Any, str]]:
    """The headers of ``headers``, however they are written down: name, value, and the path to it."""
    if isinstance(headers, Mapping):
        yield from ((str(name)[:60], value, f"{path}.{name}") for name, value in headers.items())
    for at, row in enumerate(headers if isinstance(headers, list) else []):
        if isinstance(row, list | tuple) and len(row) == 2:  # noqa: PLR2004 - a name and a value
            yield str(row[0])[:60], row[1], f"{path}[{at}][1]"
        elif isinstance(row, Mapping) and "name" in row:
            yield str(row["name"])[:60], row.get("value"), f"{path}[{at}].value"


def _headers_key(value: Mapping[str, Any], keys: Mapping[str, str]) -> str:
    key = keys.get("headers", "")
    return key if isinstance(value.get(key), list | dict) and any(_listed(value[key], "")) else ""


def _first(value: Mapping[str, Any], keys: Mapping[str, str], names: tuple[str, ...]) -> str:
    """The first key of those names that holds a text with something in it."""
    found = (keys[name] for name in names if name in keys)
    return next((key for key in found if isinstance(value[key], str) and value[key].strip()), "")


def _first_key(keys: Mapping[str, str], names: tuple[str, ...]) -> str:
    return next((keys[name] for name in names if name in keys), "")


def _plain(value: Any) -> str:
    """An address, or several, on one line."""
    if isinstance(value, Mapping):
        name, address = value.get("name") or "", value.get("address") or value.get("email") or ""
        return f"{name} <{address}>" if name and address else str(name or address)
    if isinstance(value, list):
        return ", ".join(_plain(one) for one in value[:20])
    return "" if value is None else str(value)
