"""JSON from outside, read so that what is stored is exactly what was sent, or refused with the place that is wrong.

Python's own reader lets through what a database, a browser or another reader would change or choke on: names given
twice, NaN, numbers that round, NUL, halves of surrogate pairs, nesting without end.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.translation import gettext as _

LARGEST = 2**53  # beyond it JSON readers round
TOO_DEEP = "…"  # a path that ends so is told by its first name alone
LONGEST_NUMBER = 40  # characters that are looked at; every such integer is beyond the largest


class Fault(NamedTuple):
    """What is wrong and where, as a JSON path such as ``payload.items[2].sku`` (empty: the whole)."""

    path: str
    message: str


class NotJsonError(ValueError):
    """The text cannot be read as JSON at all."""


class _Twice(dict[str, Any]):
    """An object that gave a name twice; kept until its place is known."""

    name = ""


def read(raw: bytes) -> Any:
    """The value of a JSON text, not yet checked by `fault`.

    Raises: NotJsonError with a message for the sender.
    """
    try:
        return json.loads(raw.decode(), object_pairs_hook=_object, parse_int=_whole)
    except UnicodeDecodeError as error:
        raise NotJsonError(_("The text is not valid UTF-8 (byte %(position)d).") % {"position": error.start}) from error
    except RecursionError as error:
        raise NotJsonError(_too_deep()) from error
    except json.JSONDecodeError as error:
        if not raw.strip():
            raise NotJsonError(_("Nothing was sent; send a JSON object.")) from error
        place = {"reason": error.msg, "line": error.lineno, "column": error.colno}
        raise NotJsonError(
            _("This is not valid JSON: %(reason)s (line %(line)d, column %(column)d).") % place
        ) from error


def fault(value: Any, *, depth: int = 1) -> Fault | None:
    """The first thing in a value that cannot be kept as it is, or None. ``depth`` is that of the value itself."""
    check = _CHECKS.get(type(value))
    found = check(value, depth) if check else None
    if not found:
        return None
    path = found[0].removeprefix(".")
    return Fault(path.partition(".")[0].partition("[")[0] if path.endswith(TOO_DEEP) else path, found[1])


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) == len(pairs):
        return made
    names = [name for name, _value in pairs]
    twice = _Twice(made)
    twice.name = next(name for position, name in enumerate(names) if name in names[:position])
    return twice


def _whole(text: str) -> int:
    return int(text[:LONGEST_NUMBER])


Found = tuple[str, str] | None


def _of_object(value: dict[str, Any], depth: int) -> Found:
    if depth > settings.PAYLOAD_MAX_DEPTH:
        return TOO_DEEP, _too_deep()
    for name, item in value.items():
        if wrong := _of_text(name, depth):
            return "", _("The name of a field is not usable: %(reason)s") % {"reason": wrong[1]}
        check = _CHECKS.get(type(item))
        if check and (found := check(item, depth + 1)):
            return f".{name[:80]}{found[0]}", found[1]
    return None


def _of_twice(value: _Twice, depth: int) -> Found:
    wrong = _of_text(value.name, depth)
    return ("" if wrong else f".{value.name[:80]}"), _("This name is given twice; send it once.")


def _of_array(value: list[Any], depth: int) -> Found:
    if depth > settings.PAYLOAD_MAX_DEPTH:
        return TOO_DEEP, _too_deep()
    for position, item in enumerate(value):
        check = _CHECKS.get(type(item))
        if check and (found := check(item, depth + 1)):
            return f"[{position}]{found[0]}", found[1]
    return None


def _of_text(value: str, depth: int) -> Found:
    if "\x00" in value:
        return "", _("The text contains a NUL character; leave it out.")
    if value.isascii():
        return None
    try:
        value.encode()
    except UnicodeEncodeError:
        return "", _("The text contains half of a surrogate pair; send valid Unicode.")
    return None


def _of_whole(value: int, depth: int) -> Found:
    if -LARGEST <= value <= LARGEST:
        return None
    return "", _("Integers beyond 2^53 lose digits on the way; send it as text.")


def _of_number(value: float, depth: int) -> Found:
    if math.isfinite(value):
        return None
    return "", _("NaN, infinity and numbers beyond 1.8e308 cannot be kept; send a finite number or null.")


def _too_deep() -> str:
    return _("Nested too deeply: at most %(limit)d levels.") % {"limit": settings.PAYLOAD_MAX_DEPTH}


_CHECKS: dict[type, Callable[[Any, int], Found]] = {
    dict: _of_object,
    _Twice: _of_twice,
    list: _of_array,
    str: _of_text,
    int: _of_whole,
    float: _of_number,
}
