"""What a change of policy comes to, in words: what it says before and after, field by field and rule by rule."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models.choices import Priority, Reason
from review.desk.why import OPERATORS
from review.models import Policy
from review.policy_rules import FIELDS, Content

NAMES = {
    "mode": gettext_lazy("Mode"),
    "threshold": gettext_lazy("Threshold"),
    "sample_rate": gettext_lazy("Read blind"),
    "gold_rate": gettext_lazy("Gold cases and drills"),
    "second_read_rate": gettext_lazy("Read a second time"),
    "reason_rate": gettext_lazy("Approvals asked for a reason"),
    "thresholds": gettext_lazy("Threshold of a label"),
    "promise": gettext_lazy("Promise"),
    "second_approval": gettext_lazy("Second approval when"),
    "grace_seconds": gettext_lazy("Grace (seconds)"),
    "reading_floor_seconds": gettext_lazy("Reading floor (seconds)"),
    "sla_minutes": gettext_lazy("Due after (minutes)"),
    "on_flag": gettext_lazy("When a reader lets errors pass"),
    "calendar": gettext_lazy("Calendar"),
    "routing": gettext_lazy("Routing rule"),
}
Names = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """``before`` or ``after`` is empty where something is new, or gone."""

    what: str
    before: str
    after: str


def differences(old: Content, new: Content, *, queues: Names) -> list[Difference]:
    """In the order of the form; empty when both say the same. ``queues`` are the queues' names by their keys."""
    return [
        found
        for name in FIELDS
        if old.get(name) != new.get(name)
        for found in _of_field(name, old.get(name), new.get(name), queues)
    ]


def lines(content: Content, *, queues: Names) -> list[tuple[str, list[str]]]:
    """The whole policy in words: each field with what it says."""
    told = [(name, _said(name, content.get(name), queues)) for name in FIELDS]
    one_line = [(name, said if name == "routing" else [", ".join(said)]) for name, said in told if said]
    return [(str(NAMES.get(name, name)), said) for name, said in one_line]


def rule_words(rule: Content, queues: Names) -> str:
    """One routing rule in a sentence."""
    queue = queues.get(rule["queue"], rule["queue"])
    if rule.get("default"):
        return _("everything else → %(queue)s") % {"queue": queue}
    reason = str(Reason(rule["reason"]).label) if rule.get("reason") in Reason.values else ""
    when = conditions_words(rule.get("when", []))
    told = _("%(reason)s, when %(when)s") % {"reason": reason, "when": when} if reason and when else reason or when
    return _("%(what)s → %(queue)s") % {"what": told, "queue": queue}


def conditions_words(rows: Sequence[Content]) -> str:
    return _(" and ").join(_condition(row) for row in rows)


def _condition(row: Content) -> str:
    op, value = str(row.get("op", "")), row.get("value")
    if op == "exists":
        words = _("%(field)s is missing") if value is False else _("%(field)s is there")
        return words % {"field": row.get("field")}
    listed = ", ".join(map(_plain, value)) if isinstance(value, list) else _plain(value)
    return f"{row.get('field')} {OPERATORS.get(op, op)} {listed}"


def _of_field(name: str, old: Any, new: Any, queues: Names) -> Iterator[Difference]:
    what = str(NAMES.get(name, name))
    if name == "routing":
        yield from _of_rules([rule_words(rule, queues) for rule in old], [rule_words(rule, queues) for rule in new])
    elif isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in [*old, *(key for key in new if key not in old)]:
            if old.get(key) != new.get(key):
                yield Difference(f"{what}: {_key(name, key)}", _plain(old.get(key)), _plain(new.get(key)))
    else:
        before, after = (", ".join(_said(name, value, queues)) for value in (old, new))
        yield Difference(what, before, after)


def _of_rules(old: list[str], new: list[str]) -> Iterator[Difference]:
    matcher = difflib.SequenceMatcher(a=old, b=new, autojunk=False)
    for kind, low, high, start, end in matcher.get_opcodes():
        if kind == "equal":
            continue
        for n in range(max(high - low, end - start)):
            before = old[low + n] if low + n < high else ""
            after = new[start + n] if start + n < end else ""
            number = start + n + 1 if after else low + n + 1
            yield Difference(_("Routing rule %(number)d") % {"number": number}, before, after)


def _said(name: str, value: Any, queues: Names) -> list[str]:
    if name == "routing":
        return [rule_words(rule, queues) for rule in value]
    if name == "second_approval":
        return [conditions_words(value)] if value else []
    if name == "mode":
        return [str(Policy.Mode(value).label) if value in Policy.Mode.values else str(value)]
    if name == "on_flag":
        return [str(Policy.OnFlag(value).label) if value in Policy.OnFlag.values else str(value)]
    if isinstance(value, Mapping):
        return [f"{_key(name, key)}: {_plain(found)}" for key, found in value.items()]
    return [_plain(value)] if value not in ("", None) else []


def _key(name: str, key: str) -> str:
    if name == "sla_minutes" and key.upper() in Priority.names:
        return str(Priority[key.upper()].label)
    return {"error": _("error"), "risk": _("risk")}.get(key, key) if name == "promise" else key


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return f"{value:g}" if isinstance(value, float) else str(value)
