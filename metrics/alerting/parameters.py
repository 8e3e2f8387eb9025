"""What a rule may be set to: fields with their bounds, checked alike for the admin, the API and the file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

POINTS, RELATIVE = "points", "relative"


@dataclass(frozen=True, slots=True)
class Field:
    """A number (or one of `choices`) within bounds. `only` names the trigger it belongs to; `optional` may be null."""

    name: str
    label: object
    default: Any
    low: float = 0.0
    high: float = 1.0
    whole: bool = False
    choices: tuple[tuple[str, object], ...] = ()
    optional: bool = False
    only: str = ""
    help: object = ""

    def fault(self, value: Any) -> str:
        """Why the value will not do; empty when it does."""
        if self.choices:
            names = [name for name, _label in self.choices]
            return "" if value in names else _("Choose one of: %(choices)s") % {"choices": ", ".join(names)}
        if value is None and self.optional:
            return ""
        fits = isinstance(value, int if self.whole else int | float) and not isinstance(value, bool)
        if fits and math.isfinite(value) and self.low <= value <= self.high:
            return ""
        words = _("A whole number from %(low)g to %(high)g is needed.") if self.whole else ""
        return (words or _("A number from %(low)g to %(high)g is needed.")) % {"low": self.low, "high": self.high}


def complete(fields: Iterable[Field], given: Mapping[str, Any]) -> dict[str, Any]:
    """What a rule is set to, defaults filled in."""
    return {each.name: given.get(each.name, each.default) for each in fields}


def check(fields: Iterable[Field], given: Any) -> Iterator[tuple[str, str]]:
    """What is wrong, by name of the parameter; under no name where the whole is."""
    known = {each.name: each for each in fields}
    if not isinstance(given, Mapping):
        yield "", _("An object with parameters is needed.")
        return
    for name, value in given.items():
        if name not in known:
            yield str(name), _("Unknown key; use: %(names)s") % {"names": ", ".join(known)}
        elif fault := known[name].fault(value):
            yield name, fault


# The fields that several kinds share.
def least(default: int) -> Field:
    words = gettext_lazy("Below so many observations nothing is said.")
    return Field("least", gettext_lazy("least observations"), default, 1, 100_000, whole=True, help=words)


def window(default: int, unit: object, *, high: int) -> Field:
    return Field("window", unit, default, 1, high, whole=True, only="plain")


def change(default: float, measured: str = RELATIVE) -> tuple[Field, Field, Field]:
    """A rise or fall, whether it is meant in points or relative, and the exact test beside it."""
    how = ((POINTS, gettext_lazy("percentage points")), (RELATIVE, gettext_lazy("relative to the usual")))
    words = gettext_lazy("0.2 is 20 points or 20 % of the usual, as the next field says.")
    test = gettext_lazy("Besides, a change so large must be this unlikely by chance (exact binomial). Empty: no test.")
    return (
        Field("change", gettext_lazy("change"), default, 0.001, 10, only="plain", help=words),
        Field("measured", gettext_lazy("change is meant"), measured, choices=how, only="plain"),
        Field("chance", gettext_lazy("largest chance"), 0.001, 1e-9, 0.5, optional=True, only="plain", help=test),
    )


def spacing(default: int = 90) -> Field:
    words = gettext_lazy("On unchanged traffic at least so many days lie between two false alarms, on average.")
    label = gettext_lazy("days between false alarms")
    return Field("false_alarm_days", label, default, 1, 3650, whole=True, only="sequential", help=words)
