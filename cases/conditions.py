"""Conditions as rows, ``{field, op, value}``: checked when they are configured, and evaluated without ever raising.

The meaning at the edges:
- A field that is missing or null answers False to every operator but ``ne`` and ``exists: false``.
- ``ne`` is exactly "not ``eq``": a missing field, or a value of another kind, is unequal. Rules ask a person with it.
- Values of unlike kinds are unequal and in no order; ``true`` is no number, and a number written as text is a text.
- Numbers are compared as decimals, so 0.1 + 0.2 is more than 0.3 only where the sender said so.
- ``in``: the value equals one of a list. ``contains``: a text holds a text (whatever its case), or a list holds a value.
- ``matches``: a regular expression (RE2) occurs anywhere in a text.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypedDict

from django.utils.translation import gettext as _

from cases.patterns import found, pattern_problem
from cases.schemas import Problem

ROOTS = ("output", "payload", "context", "metadata", "confidence", "label", "priority", "requester")
OPS = ("eq", "ne", "gt", "ge", "lt", "le", "in", "contains", "matches", "exists")
KEYS = frozenset({"field", "op", "value"})
MAX_ROWS, MAX_FIELD, MAX_LIST, MAX_SHOWN, MAX_INT_BITS = 50, 200, 1_000, 200, 1_024
MISSING = object()


class Trace(TypedDict):
    """One row, what it met, and whether it held. ``actual`` is shortened and always fit for JSON."""

    field: str
    op: str
    value: Any
    actual: Any
    result: bool


def check(rows: Any) -> list[Problem]:
    """What is wrong with configured rows; each problem names the row and its key, as in ``[0].op``."""
    if not isinstance(rows, list) or len(rows) > MAX_ROWS:
        return [Problem("", _("Conditions are a list of at most %(limit)d rows.") % {"limit": MAX_ROWS})]
    return [Problem(f"[{index}]{path}", message) for index, row in enumerate(rows) for path, message in _check_row(row)]


def evaluate(rows: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]) -> list[Trace]:
    """Every row against the facts, in order, true or false. Never raises."""
    return [_traced(row, facts) for row in rows]


def holds(traces: Sequence[Trace]) -> bool:
    """Whether every row held; no rows at all always hold."""
    return all(trace["result"] for trace in traces)


def lookup(facts: Mapping[str, Any], field: str) -> Any:
    """The value at a dotted path (``output.amount``, ``context.0.title``), or MISSING."""
    value: Any = facts
    for part in field.split("."):
        if isinstance(value, Mapping):
            value = value.get(part, MISSING)
        elif isinstance(value, Sequence) and not isinstance(value, str | bytes) and _is_index(part):
            value = value[int(part)] if int(part) < len(value) else MISSING
        else:
            return MISSING
    return value


def _traced(row: Mapping[str, Any], facts: Mapping[str, Any]) -> Trace:
    field, op, value = str(row.get("field", "")), str(row.get("op", "")), row.get("value")
    actual = lookup(facts, field)
    result = TESTS[op](actual, value) if op in TESTS else False
    return {"field": field, "op": op, "value": value, "actual": _shown(actual), "result": result}


def _check_row(row: Any) -> list[Problem]:
    if not isinstance(row, dict):
        return [Problem("", _("A condition is an object with field, op and value."))]
    unknown = [Problem(f".{key}", _("Unknown key; use field, op and value.")) for key in row if key not in KEYS]
    return [*unknown, *_check_field(row.get("field")), *_check_op(row)]


def _check_field(field: Any) -> list[Problem]:
    if not isinstance(field, str) or not field or len(field) > MAX_FIELD or "" in field.split("."):
        return [Problem(".field", _("A field is a dotted path such as output.amount."))]
    if field.split(".")[0] not in ROOTS:
        return [Problem(".field", _("A field starts with one of: %(roots)s") % {"roots": ", ".join(ROOTS)})]
    return []


def _check_op(row: Mapping[str, Any]) -> list[Problem]:
    op = row.get("op")
    if not isinstance(op, str) or op not in OPS:
        return [Problem(".op", _("Choose one of: %(choices)s") % {"choices": ", ".join(OPS)})]
    if op != "exists" and "value" not in row:
        return [Problem(".value", _("A value is needed."))]
    message = _value_problem(op, row.get("value"))
    return [Problem(".value", message)] if message else []


def _value_problem(op: str, value: Any) -> str:
    if op == "matches":
        return pattern_problem(value)
    if op == "in":
        good = isinstance(value, list) and 0 < len(value) <= MAX_LIST and all(_is_plain(item) for item in value)
        return "" if good else _("A list of 1 to %(limit)d values is needed.") % {"limit": MAX_LIST}
    if op == "exists":
        return "" if value is None or isinstance(value, bool) else _("true or false is needed.")
    if op in ("gt", "ge", "lt", "le"):
        return "" if _number(value) is not None or isinstance(value, str) else _("A number or a text is needed.")
    return "" if _is_plain(value) else _("A text, a number, true or false is needed.")


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | bool) or _number(value) is not None


def _is_index(part: str) -> bool:
    return part.isascii() and part.isdecimal() and len(part) <= len("9999")


def _number(value: Any) -> Decimal | None:
    """The value as an exact decimal, if it is a finite number; booleans are none."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    if isinstance(value, int):
        return Decimal(value) if value.bit_length() <= MAX_INT_BITS else None
    if isinstance(value, Decimal):
        return value if value.is_finite() else None
    return Decimal(str(value)) if math.isfinite(value) else None


def _equal(actual: Any, value: Any) -> bool:
    left, right = _number(actual), _number(value)
    if left is not None and right is not None:
        return left == right
    return type(actual) is type(value) and isinstance(actual, str | bool) and bool(actual == value)


def _ordered(test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(actual: Any, value: Any) -> bool:
        left, right = _number(actual), _number(value)
        if left is not None and right is not None:
            return test(left, right)
        return isinstance(actual, str) and isinstance(value, str) and test(actual, value)

    return compare


def _in(actual: Any, value: Any) -> bool:
    return isinstance(value, list) and any(_equal(actual, item) for item in value)


def _contains(actual: Any, value: Any) -> bool:
    if isinstance(actual, str):
        return isinstance(value, str) and value.casefold() in actual.casefold()
    return isinstance(actual, list | tuple) and any(_equal(item, value) for item in actual)


def _matches(actual: Any, value: Any) -> bool:
    return isinstance(actual, str) and isinstance(value, str) and found(value, actual)


def _exists(actual: Any, value: Any) -> bool:
    return (actual is not MISSING and actual is not None) is (value is not False)


TESTS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": _equal,
    "ne": lambda actual, value: not _equal(actual, value),
    "gt": _ordered(lambda left, right: bool(left > right)),
    "ge": _ordered(lambda left, right: bool(left >= right)),
    "lt": _ordered(lambda left, right: bool(left < right)),
    "le": _ordered(lambda left, right: bool(left <= right)),
    "in": _in,
    "contains": _contains,
    "matches": _matches,
    "exists": _exists,
}


def _shown(actual: Any) -> Any:
    """The value as a trace keeps it: short, and without anything a JSON column refuses."""
    if actual is MISSING or actual is None or isinstance(actual, bool):
        return None if actual is MISSING else actual
    number = _number(actual)
    if number is not None:
        return actual if isinstance(actual, int | float) else str(actual)
    text = actual if isinstance(actual, str) else f"({type(actual).__name__})"
    clean = text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
    return clean if len(clean) <= MAX_SHOWN else clean[: MAX_SHOWN - 1] + "…"
