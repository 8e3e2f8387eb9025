"""Between a value of JSON and the text of a form control, for each kind of field."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final

from django.utils.translation import gettext as _

from cases.outputs import MAX_DEPTH
from review.desk import numbers
from review.desk.unreadable import Unreadable

MAX_JSON = 200_000


class Absent:
    """No value at all, which is something else than null."""

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT: Final = Absent()


def text_of(kind: str, value: Any) -> str:
    """What a control shows for a value."""
    if value is ABSENT or value is None:
        return ""
    if kind in ("radio", "select"):
        return text_of_choice(value)
    if kind == "boolean":
        return {True: "true", False: "false"}.get(value, "") if isinstance(value, bool) else ""
    if kind == "lines" and isinstance(value, list):
        return "\n".join(str(item) for item in value)
    if kind == "json" or not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False, indent=2)
    return value


def text_of_choice(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def chosen(values: Sequence[Any], text: str) -> Any:
    """The value of a closed list that a control sent."""
    for value in values:
        if text_of_choice(value) == text:
            return value
    raise Unreadable(_("Choose one of the answers offered."))


def emptiness(kind: str, *, required: bool, nullable: bool) -> Any:
    """What an empty control stands for."""
    if not required:
        return ABSENT
    if nullable:
        return None
    if kind == "lines":
        return []
    raise Unreadable(_("Choose an answer.") if kind in ("radio", "select", "boolean") else _("Fill this in."))


def boolean(text: str) -> bool:
    if text not in ("true", "false"):
        raise Unreadable(_("Choose yes or no."))
    return text == "true"


def day(text: str) -> str:
    try:
        return date.fromisoformat(text.strip()).isoformat()
    except ValueError:
        raise Unreadable(_("Give a date, such as 2026-03-31.")) from None


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


def parsed(text: str) -> Any:
    """JSON, with the place of the fault for a person."""
    if len(text) > MAX_JSON or _depth(text) > MAX_DEPTH:
        raise Unreadable(_("This is too large or nested too deeply."))
    try:
        return json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as fault:
        told = {"line": fault.lineno, "column": fault.colno, "problem": fault.msg}
        raise Unreadable(_("This is no JSON (line %(line)d, column %(column)d): %(problem)s") % told) from None
    except ValueError:
        raise Unreadable(_("This is no JSON.")) from None


def _no_number(name: str) -> Any:
    raise ValueError(name)


def _depth(text: str) -> int:
    """At least the nesting of a JSON text; brackets inside strings count too, which errs on the safe side."""
    depth = deepest = 0
    for character in text:
        depth += (character in "[{") - (character in "]}")
        deepest = max(deepest, depth)
    return deepest


READERS: dict[str, Callable[[str], Any]] = {
    "text": str,
    "longtext": str,
    "date": day,
    "number": numbers.number,
    "integer": numbers.integer,
    "money": numbers.amount,
    "moneytext": numbers.amount_text,
    "boolean": boolean,
    "lines": lines,
    "json": parsed,
}
