"""Why a case came to a person, in words: the stored trace of conditions, each with what it met."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models.choices import Reason
from review.desk.words import percent, plain

OPERATORS = {
    "eq": gettext_lazy("is"),
    "ne": gettext_lazy("is not"),
    "gt": gettext_lazy("is more than"),
    "ge": gettext_lazy("is at least"),
    "lt": gettext_lazy("is less than"),
    "le": gettext_lazy("is at most"),
    "in": gettext_lazy("is one of"),
    "contains": gettext_lazy("contains"),
    "matches": gettext_lazy("matches"),
    "exists": gettext_lazy("is there"),
}
LONGEST = 120


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was checked, and whether it held; ``parts`` are the conditions it was made of."""

    text: str
    holds: bool
    parts: tuple[Line, ...] = ()


def lines_of(trace: Any) -> list[Line]:
    """The whole trace, in the order in which it was read; what was asked in two ways and answered alike is told once."""
    rows = [row for row in trace if isinstance(row, Mapping)] if isinstance(trace, list) else []
    return list(dict.fromkeys(_need(row) if "need" in row else _rule(row) for row in rows))


def _need(row: Mapping[str, Any]) -> Line:
    holds = bool(row.get("result"))
    text = _need_text(str(row["need"]), row, holds=holds)
    return Line(text, holds, _conditions(row.get("conditions")))


def _need_text(need: str, row: Mapping[str, Any], *, holds: bool) -> str:
    if need == Reason.LOW_CONFIDENCE and "threshold" in row:
        told = {"confidence": percent(row.get("confidence")), "threshold": percent(row["threshold"])}
        if holds:
            return _("The confidence of %(confidence)s is below the threshold of %(threshold)s.") % told
        return _("The confidence of %(confidence)s was compared with the threshold of %(threshold)s.") % told
    if row.get("because") and holds:
        return _("The text reads like instructions to the model.")
    held = {
        Reason.CLASSIFIER_ERROR: _("The model could not answer."),
        Reason.OUT_OF_SCOPE: _("The input is unlike anything the model knows."),
        Reason.HIGH_RISK: _("The answer is one that needs a second approval."),
        Reason.VALIDATION: _("A person validates every answer of this case type."),
    }
    failed = {
        Reason.CLASSIFIER_ERROR: _("The model answered."),
        Reason.OUT_OF_SCOPE: _("The input is of a kind the model knows."),
        Reason.HIGH_RISK: _("Nothing marks the text or the answer as risky."),
        Reason.VALIDATION: _("The mode does not ask a person every time."),
    }
    names: dict[Any, str] = dict(held if holds else failed)
    return names.get(need, reason_name(need))


def _rule(row: Mapping[str, Any]) -> Line:
    holds, told = bool(row.get("result")), {"number": row.get("rule", "?"), "queue": row.get("queue", "?")}
    if holds and row.get("urgent"):
        text = _("It is urgent, so routing rule %(number)s sends it on the fast track “%(queue)s”: %(reason)s.")
        text %= {**told, "reason": reason_name(str(row.get("reason", "")))}
    elif holds:
        text = _("Routing rule %(number)s sends it to “%(queue)s”: %(reason)s.")
        text %= {**told, "reason": reason_name(str(row.get("reason", "")))}
    else:
        text = _("Routing rule %(number)s (to “%(queue)s”) does not apply.") % told
    return Line(text, holds, _conditions(row.get("conditions")))


def _conditions(rows: Any) -> tuple[Line, ...]:
    return tuple(_condition(row) for row in rows or () if isinstance(row, Mapping))


def _condition(row: Mapping[str, Any]) -> Line:
    operator = str(row.get("op", ""))
    told = {
        "field": row.get("field", "?"),
        "operator": OPERATORS.get(operator, operator),
        "value": "" if operator == "exists" else _short(row.get("value")),
        "actual": _("missing") if row.get("actual") is None else _short(row.get("actual")),
    }
    return Line(_("%(field)s %(operator)s %(value)s (it is: %(actual)s)") % told, bool(row.get("result")))


def reason_name(reason: str) -> str:
    """A reason in words; one that is no longer known stays as it was written."""
    return str(Reason(reason).label) if reason in Reason.values else reason


def _short(value: Any) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = ", ".join(plain(item) for item in value)
    text = plain(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
