"""Figures as people read them."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from django.utils.formats import get_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from metrics.estimates import Estimate
from metrics.intervals import Interval
from metrics.measures import Unit

MINUTE, HOUR, DAY = 60, 3600, 86_400
SHORT_OF_TEN = 10


def figure(value: float | None, unit: Unit) -> str:
    """A value with its unit; a dash where there is none."""
    if value is None:
        return "–"
    if unit is Unit.SHARE:
        return f"{rounded(100 * value, 1)} %"
    if unit is Unit.SECONDS:
        return duration(value)
    if unit is Unit.HOURS:
        return duration(value * HOUR)
    if unit is Unit.PER_HOUR:
        return _("%(number)s per hour") % {"number": plain(value)}
    return rounded(value, 0)


def rounded(number: float, digits: int) -> str:
    """A number in the reader's way of writing. Django's own cuts the digits off instead of rounding, and a page that
    holds thousands of numbers waits for it."""
    written = f"{round(number, digits) + 0.0:,.{digits}f}"
    other = _separators(get_language() or settings.LANGUAGE_CODE)
    return written.translate(other) if other else written


@cache
def _separators(language: str) -> dict[int, str]:
    """How a language writes what Python writes as commas between thousands and a point before the decimals; nothing
    where it writes the same."""
    thousands, point = (get_format(name, language) for name in ("THOUSAND_SEPARATOR", "DECIMAL_SEPARATOR"))
    return {} if (thousands, point) == (",", ".") else {ord(","): thousands, ord("."): point}


def interval(found: Interval | None, unit: Unit) -> str:
    """The two ends, the unit named once where it can be."""
    if found is None:
        return ""
    if unit is Unit.PER_HOUR:
        return f"{plain(found.low)} – {plain(found.high)}"
    if unit is Unit.SHARE:
        return f"{rounded(100 * found.low, 1)} – {figure(found.high, unit)}"
    return f"{figure(found.low, unit)} – {figure(found.high, unit)}"


def basis(estimate: Estimate, unit: Unit) -> str:
    """What the figure was computed from."""
    if unit is Unit.SHARE:
        numbers = {"part": count(estimate.numerator), "whole": count(estimate.denominator)}
        return _("%(part)s of %(whole)s") % numbers
    if unit is Unit.PER_HOUR:
        numbers = {"part": count(estimate.numerator), "hours": plain(estimate.denominator)}
        return _("%(part)s in %(hours)s h") % numbers
    return "" if unit is Unit.TASKS else f"n = {count(estimate.observations)}"


def count(number: float) -> str:
    return rounded(number, 0)


def plain(number: float) -> str:
    """One decimal where it matters."""
    return rounded(number, 1 if abs(number) < 100 else 0)  # noqa: PLR2004


def duration(seconds: float) -> str:
    """The two largest units at most: 4.2 s, 1 min 20 s, 3 h 5 min, 2 d 4 h."""
    if seconds < SHORT_OF_TEN:
        return f"{rounded(seconds, 1)} s"
    for size, smaller, words in ((DAY, HOUR, ("d", "h")), (HOUR, MINUTE, ("h", "min")), (MINUTE, 1, ("min", "s"))):
        if seconds >= size:
            whole, rest = divmod(round(seconds / smaller), size // smaller)
            return f"{whole} {words[0]} {rest} {words[1]}" if rest else f"{whole} {words[0]}"
    return f"{round(seconds)} s"


def money(amount: float | None) -> str:
    """US dollars, with as many digits as a small amount needs."""
    if amount is None:
        return "–"
    digits = 2 if abs(amount) >= 1 or not amount else 4
    return f"${rounded(amount, digits)}"


def signed(value: float, unit: Unit) -> str:
    """A change with its sign; shares in points."""
    sign = "+" if value > 0 else "−" if value < 0 else "±"
    if unit is Unit.SHARE:
        return _("%(number)s points") % {"number": f"{sign}{rounded(abs(100 * value), 1)}"}
    return f"{sign}{figure(abs(value), unit)}"
