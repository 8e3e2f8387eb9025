"""The whole content of a policy as a form: what is in force laid out to be changed, and what was typed read back.

What is wrong with it is for `review.policy_rules.guard` to say; here its messages find the field they belong to.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext_lazy as _

from cases.models import CaseType
from cases.models.choices import Priority
from cases.schemas import labels_of
from review.admin.condition_rows import Row, numbers, rows_of, typed_rows
from review.policy_rules import Content, Errors

SHARES = {
    "threshold": _("Threshold (0 to 1)"),
    "sample_rate": _("Share of all cases read blind"),
    "gold_rate": _("Share of gold cases and drills"),
    "second_read_rate": _("Share of decisions read a second time"),
    "reason_rate": _("Share of approvals asked for a reason"),
}
SECONDS = {
    "grace_seconds": _("Grace in which a decision may be undone (seconds)"),
    "reading_floor_seconds": _("Reading floor on risky answers (seconds)"),
}
PROMISE = {"error": _("Promised error of automatic decisions"), "risk": _("Risk that the promise fails")}
LONGEST_NUMBER = 40


@dataclass(slots=True)
class Line:
    """A field of one line: its name in the form, what it is called, what stands in it, and what is wrong with it."""

    name: str
    label: Any
    text: str = ""
    problems: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Rule:
    """One routing rule. ``reason`` may be empty where conditions stand for it."""

    reason: str = ""
    queue: str = ""
    when: list[Row] = field(default_factory=list)
    problems: dict[str, list[str]] = field(default_factory=dict)

    @property
    def blank(self) -> bool:
        return not (self.reason or self.when)

    def content(self) -> dict[str, Any]:
        rows = [row.content() for row in self.when]
        return {
            **({"reason": self.reason} if self.reason else {}),
            **({"when": rows} if rows else {}),
            "queue": self.queue,
        }


@dataclass(slots=True)
class PolicyForm:
    mode: str
    calendar: str
    on_flag: str
    shares: list[Line]
    seconds: list[Line]
    promise: list[Line]
    thresholds: list[Line]
    sla: list[Line]
    second: list[Row]
    rules: list[Rule]
    otherwise: str
    kept: Content = field(default_factory=dict)
    problems: Errors = field(default_factory=dict)

    def content(self) -> dict[str, Any]:
        """The policy that this form describes. What cannot be read is handed on as it was typed, to be refused."""
        return {
            **self.kept,  # what a policy may say beyond this form stays as it is
            "mode": self.mode,
            "calendar": self.calendar,
            "on_flag": self.on_flag,
            **{line.name: _number(line.text) for line in self.shares + self.seconds},
            "promise": _filled(self.promise),
            "thresholds": _filled(self.thresholds),
            "sla_minutes": _filled(self.sla),
            "second_approval": [row.content() for row in self.second],
            "routing": [*(rule.content() for rule in self.rules), {"default": True, "queue": self.otherwise}],
        }

    def tell(self, errors: Errors) -> None:
        """Put each message beside the field it is about; what belongs to none stays in ``problems``."""
        left = dict(errors)
        for line in self.shares + self.seconds:
            line.problems = left.pop(line.name, [])
        for group, lines in (("promise", self.promise), ("thresholds", self.thresholds), ("sla_minutes", self.sla)):
            for line in lines:
                line.problems = left.pop(f"{group}.{line.name}", [])
        _tell_rows(self.second, "second_approval", left)
        for n, rule in enumerate(self.rules):
            _tell_rows(rule.when, f"routing[{n}].when", left)
            rule.problems = {
                part: left.pop(f"routing[{n}]{part and '.'}{part}", []) for part in ("", "reason", "queue", "when")
            }
        self.problems = left


def shown(content: Content, case_type: CaseType) -> PolicyForm:
    """The form of a policy's content."""
    routing = [rule for rule in content["routing"] if not rule.get("default")]
    default = next((rule["queue"] for rule in content["routing"] if rule.get("default")), "")
    return PolicyForm(
        mode=content["mode"],
        calendar=content["calendar"],
        on_flag=content["on_flag"],
        shares=[Line(name, label, _text(content[name])) for name, label in SHARES.items()],
        seconds=[Line(name, label, _text(content[name])) for name, label in SECONDS.items()],
        promise=_lines(PROMISE, content["promise"]),
        thresholds=_lines(_labels(case_type, content["thresholds"]), content["thresholds"]),
        sla=_lines({level.name.lower(): level.label for level in Priority}, content["sla_minutes"]),
        second=rows_of(content["second_approval"]),
        rules=[Rule(rule.get("reason", ""), rule["queue"], rows_of(rule.get("when", []))) for rule in routing],
        otherwise=default,
        kept=content,
    )


def typed(data: QueryDict, case_type: CaseType, *, kept: Content) -> PolicyForm:
    """The form as it was sent. ``kept`` is the content that it was made of."""
    return PolicyForm(
        mode=data.get("mode", ""),
        calendar=data.get("calendar", ""),
        on_flag=data.get("on_flag", ""),
        shares=[Line(name, label, _sent(data, name)) for name, label in SHARES.items()],
        seconds=[Line(name, label, _sent(data, name)) for name, label in SECONDS.items()],
        promise=[Line(name, label, _sent(data, f"promise-{name}")) for name, label in PROMISE.items()],
        thresholds=[
            Line(name, label, _sent(data, f"threshold-{name}"))
            for name, label in _labels(case_type, kept["thresholds"]).items()
        ],
        sla=[Line(level.name.lower(), level.label, _sent(data, f"sla-{level.name.lower()}")) for level in Priority],
        second=typed_rows(data, "second"),
        rules=_rules(data),
        otherwise=data.get("otherwise", ""),
        kept=kept,
    )


def _rules(data: QueryDict) -> list[Rule]:
    """By the position that stands beside each; those ticked for removal and blank ones are left out."""
    found = []
    for n in numbers(data, "rule", "queue"):
        rule = Rule(data.get(f"rule-{n}-reason", ""), data.get(f"rule-{n}-queue", ""), typed_rows(data, f"rule-{n}"))
        if not rule.blank and f"rule-{n}-remove" not in data:
            found.append((_position(data.get(f"rule-{n}-position", "")), n, rule))
    return [rule for _position_, _n, rule in sorted(found, key=lambda each: each[:2])]


def _position(text: str) -> float:
    found = _number(text)
    return found if isinstance(found, int | float) and abs(found) < float("inf") else float("inf")


def _labels(case_type: CaseType, kept: Mapping[str, Any]) -> dict[str, str]:
    known = labels_of(case_type.output_schema) or []
    return {str(label): str(label) for label in [*known, *(name for name in kept if name not in known)]}


def _lines(labels: Mapping[str, Any], values: Mapping[str, Any]) -> list[Line]:
    return [Line(name, label, _text(values.get(name, ""))) for name, label in labels.items()]


def _filled(lines: list[Line]) -> dict[str, Any]:
    return {line.name: _number(line.text) for line in lines if line.text}


def _tell_rows(rows: list[Row], group: str, errors: Errors) -> None:
    for n, row in enumerate(rows):
        row.problems = {part: errors.pop(f"{group}[{n}].{part}", []) for part in ("field", "op", "value")}


def _sent(data: QueryDict, name: str) -> str:
    return data.get(name, "").strip()[:LONGEST_NUMBER]


def _text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) and value == float(f"{value:g}") else str(value)


def _number(text: str) -> Any:
    """A number as it was meant, with a comma or a point; what is none stays a text."""
    plain = text.replace(",", ".")
    try:
        return int(plain) if plain.isascii() and plain.isdecimal() else float(plain)
    except ValueError:
        return text
