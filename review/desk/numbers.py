"""Numbers and amounts as people type them. What could be read in two ways is asked about, never guessed."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from review.desk.unreadable import Unreadable

LONGEST = 40
GROUP_MARKS = (" ", "\u00a0", "\u2009", "\u202f", "'", "\u2019", ",", ".")
SIGNED = re.compile(r"([+-]?)(.*)", re.DOTALL)
DECIMAL = re.compile(r"([0-9]*)[.,]([0-9]*)")
POWERED = re.compile(r"[+-]?([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20})[eE][+-]?[0-9]{1,3}")
WITHOUT_CENTS = frozenset({"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"})


def number(text: str) -> int | float:
    """A number. A point is always its decimal mark, for so the form writes numbers; a comma may be.

    Raises: Unreadable, also where digits would be lost.
    """
    typed = _typed(text)
    if POWERED.fullmatch(typed):
        return float(typed)
    found = _decimal(typed, point_is_decimal=True)
    if found is None:
        raise Unreadable(_("Give a number, such as 12.50."))
    return _exact(found)


def integer(text: str) -> int:
    """A whole number, its thousands parted or not. Raises: Unreadable."""
    typed = _typed(text)
    found = None if "." in typed else _decimal(typed, whole=True)
    if found is None or found != found.to_integral_value():
        raise Unreadable(_("Give a whole number, such as 12."))
    return int(found)


def amount(text: str) -> int | float:
    """An amount of money as a JSON number. Raises: Unreadable, also where digits would be lost."""
    return _exact(amount_decimal(text))


def amount_text(text: str) -> str:
    """An amount of money as a text, with the decimals that were typed. Raises: Unreadable."""
    return f"{amount_decimal(text):f}"


def amount_decimal(text: str) -> Decimal:
    """Raises: Unreadable, where ``1.234`` could be a thousand or little more than one as well."""
    found = _decimal(_typed(text))
    if found is None:
        raise Unreadable(_("Give an amount, such as 1234.50, without its currency."))
    return found


def shown(value: Any, currency: str = "") -> str:
    """An amount as the form writes it: with cents, and with as many decimals as it has."""
    if isinstance(value, str):
        return value
    try:
        exact = Decimal(repr(value))
    except InvalidOperation:
        return str(value)
    places = int(exact.as_tuple().exponent) if exact.is_finite() else 0
    cents = 0 if currency.upper() in WITHOUT_CENTS else 2
    return f"{exact:.{max(cents, -places)}f}"


def _typed(text: str) -> str:
    return text.strip().replace("\u2212", "-")


def _decimal(typed: str, *, point_is_decimal: bool = False, whole: bool = False) -> Decimal | None:
    sign, body = SIGNED.fullmatch(typed).groups()  # type: ignore[union-attr]  # it matches every text
    if not body or len(body) > LONGEST:
        return None
    if body.isascii() and body.isdecimal():
        return Decimal(sign + body)
    digits = _grouped(body, point_is_decimal=point_is_decimal, whole=whole)
    found = None if digits else DECIMAL.fullmatch(body)
    if found and any(found.groups()):
        digits = f"{found[1] or 0}.{found[2] or 0}"
    return Decimal(sign + digits) if digits else None


def _grouped(body: str, *, point_is_decimal: bool, whole: bool) -> str:
    """The digits of a number whose thousands are parted, or an empty text where they are not."""
    for mark in GROUP_MARKS:
        found = re.fullmatch(rf"[1-9][0-9]{{0,2}}((?:{re.escape(mark)}[0-9]{{3}})+)(?:([.,])([0-9]+))?", body)
        if found is None or found[2] == mark:
            continue
        alone = len(found[1]) == len(",000") and not found[2] and mark in ",."
        if alone and mark == "." and point_is_decimal:
            return ""
        if alone and not whole:
            raise Unreadable(_ambiguous(body, mark))
        head = body[: found.end(1)].replace(mark, "")
        return f"{head}.{found[3]}" if found[3] else head
    return ""


def _ambiguous(body: str, mark: str) -> str:
    told = {"typed": body, "whole": body.replace(mark, ""), "decimal": body.replace(mark, ".") + "0"}
    return _("“%(typed)s” can be read in two ways: write %(whole)s or %(decimal)s.") % told


def _exact(found: Decimal) -> int | float:
    if not found.as_tuple().exponent:  # no decimals were typed
        return int(found)
    near = float(found)
    if Decimal(repr(near)) != found:
        raise Unreadable(_("These are more digits than can be kept exactly."))
    return near
