"""What a policy may say, and when a change makes oversight looser. Nothing here writes anything."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from cases import conditions
from cases.models import CaseType
from cases.models.choices import Priority, Reason
from cases.schemas import labels_of
from review.models import Calendar, Policy, Queue

Content = Mapping[str, Any]
Errors = dict[str, list[str]]
Found = Iterator[tuple[str, str]]

RATES = ("sample_rate", "gold_rate", "second_read_rate", "reason_rate")
SHARES = ("threshold", *RATES)
COLUMNS = (
    *("mode", *SHARES, "thresholds", "promise", "second_approval", "grace_seconds", "reading_floor_seconds"),
    *("sla_minutes", "on_flag"),
)
FIELDS = (*COLUMNS, "calendar", "routing")  # the last two are rows of their own
RULE_KEYS = frozenset({"reason", "when", "default", "queue"})
MODES = (Policy.Mode.VALIDATOR, Policy.Mode.EXCEPTION_HANDLER, Policy.Mode.TEACHER, Policy.Mode.AUTONOMOUS)
ON_FLAG = (Policy.OnFlag.WORD, Policy.OnFlag.REFRESHER, Policy.OnFlag.PAUSE)  # each asks more than the one before
RISKS = frozenset({Reason.HIGH_RISK, Reason.SECOND_APPROVAL})
LONGEST_GRACE = 30 * 24 * 3600
LONGEST_FLOOR = 3600
LONGEST_SLA = 366 * 24 * 60
MAX_RULES = 100


def content_of(policy: Policy) -> dict[str, Any]:
    """What a policy says, in the words of the configuration file."""
    content = {name: getattr(policy, name) for name in COLUMNS}
    calendar = policy.calendar.key if policy.calendar else ""
    rules = [_rule_content(rule) for rule in policy.rules.select_related("queue")]
    return {**content, "calendar": calendar, "routing": rules}


def starting_content(queue: str) -> dict[str, Any]:
    """What a new case type starts with: a person approves everything, at one queue."""
    fresh = Policy()
    content = {name: getattr(fresh, name) for name in COLUMNS}
    return {**content, "calendar": "", "routing": [{"default": True, "queue": queue}]}


def canonical(content: Content) -> dict[str, Any]:
    """The same content with nothing left to spelling, so that equal policies compare equal."""
    whole = {**content, **{name: float(content[name]) for name in SHARES}}
    whole["thresholds"] = {label: float(value) for label, value in content["thresholds"].items()}
    for name in ("grace_seconds", "reading_floor_seconds"):
        whole[name] = int(content[name])
    whole["routing"] = [_plain_rule(rule) for rule in content["routing"]]
    return whole


def _rule_content(rule: Any) -> dict[str, Any]:
    return _plain_rule({"reason": rule.reason, "when": rule.when, "default": rule.default, "queue": rule.queue.key})


def _plain_rule(rule: Content) -> dict[str, Any]:
    """Only what is said: an empty reason, no conditions and "not the default" are left out."""
    return {key: rule[key] for key in ("reason", "when", "default", "queue") if rule.get(key)}


def guard(
    case_type: CaseType,
    content: Content,
    *,
    queues: Collection[str] | None = None,
    calendars: Collection[str] | None = None,
) -> Errors:
    """What forbids this content for this case type, by field; empty when it may be put in force.

    ``queues`` and ``calendars`` are the keys that it may name; by default those that exist.
    """
    keys = set(Queue.objects.values_list("key", flat=True)) if queues is None else queues
    errors: Errors = {}
    found = [*_fields(content), *_labels(case_type, content), *_routing(content.get("routing"), keys)]
    for field, message in [*found, *_calendar(content.get("calendar"), calendars)]:
        errors.setdefault(field, []).append(message)
    for field, message in [] if errors else _unattended(case_type, content):
        errors.setdefault(field, []).append(message)
    return errors


def _fields(content: Content) -> Found:
    for name in content:
        if name not in FIELDS:
            yield name, _("Unknown field; use: %(names)s") % {"names": ", ".join(FIELDS)}
    if content.get("mode") not in MODES:
        yield "mode", _("Choose one of: %(choices)s") % {"choices": ", ".join(MODES)}
    if content.get("on_flag") not in ON_FLAG:
        yield "on_flag", _("Choose one of: %(choices)s") % {"choices": ", ".join(ON_FLAG)}
    for name in SHARES:
        if not _is_number(content.get(name), high=1):
            yield name, _("A number from 0 to 1 is needed.")
    yield from _seconds(content)
    for path, message in conditions.check(content.get("second_approval")):
        yield f"second_approval{path}", message
    yield from _promise(content.get("promise"))
    yield from _sla(content.get("sla_minutes"))


def _seconds(content: Content) -> Found:
    for name, high in (("grace_seconds", LONGEST_GRACE), ("reading_floor_seconds", LONGEST_FLOOR)):
        if not _is_number(content.get(name), high=high) or content[name] % 1:
            yield name, _("Whole seconds from 0 to %(high)d are needed.") % {"high": high}


def _promise(promise: Any) -> Found:
    if not isinstance(promise, Mapping) or (promise and set(promise) != {"error", "risk"}):
        yield "promise", _("Give both error and risk, or nothing.")
        return
    for name, value in promise.items():
        if not _is_number(value, high=1) or not 0 < value < 1:
            yield f"promise.{name}", _("A number between 0 and 1 is needed.")


def _sla(minutes: Any) -> Found:
    names = [priority.name.lower() for priority in Priority]
    if not isinstance(minutes, Mapping):
        yield "sla_minutes", _("Minutes by priority are needed: %(names)s") % {"names": ", ".join(names)}
        return
    for name, value in minutes.items():
        if name not in names:
            yield f"sla_minutes.{name}", _("Unknown priority; use: %(names)s") % {"names": ", ".join(names)}
        elif not _is_number(value, high=LONGEST_SLA) or not value:
            yield f"sla_minutes.{name}", _("Minutes above 0 and up to %(high)d are needed.") % {"high": LONGEST_SLA}


def _calendar(key: Any, known: Collection[str] | None) -> Found:
    if not isinstance(key, str):
        yield "calendar", _("The key of a calendar is needed, or nothing.")
    # Compared here and not by the database: there are few, and PostgreSQL takes no text with a NUL in it.
    elif key and key not in (set(Calendar.objects.values_list("key", flat=True)) if known is None else known):
        yield "calendar", _("There is no such calendar.")


def _labels(case_type: CaseType, content: Content) -> Found:
    thresholds = content.get("thresholds")
    if not isinstance(thresholds, Mapping):
        yield "thresholds", _("Numbers from 0 to 1 by label are needed.")
        return
    known = labels_of(case_type.output_schema)
    for label, value in thresholds.items():
        if known and label not in known:
            yield f"thresholds.{label}", _("The output schema has no such label.")
        elif not _is_number(value, high=1):
            yield f"thresholds.{label}", _("A number from 0 to 1 is needed.")


def _routing(rules: Any, queues: Collection[str]) -> Found:
    if not isinstance(rules, Sequence) or isinstance(rules, str) or not 0 < len(rules) <= MAX_RULES:
        yield "routing", _("A list of 1 to %(limit)d rules is needed.") % {"limit": MAX_RULES}
        return
    for index, rule in enumerate(rules):
        for path, message in _rule(rule, queues):
            yield f"routing[{index}]{path}", message
    defaults = [isinstance(rule, Mapping) and rule.get("default") is True for rule in rules]
    if defaults.count(True) != 1 or not defaults[-1]:
        yield "routing", _("The last rule, and only that, must be the default: default: true, queue: …")


def _rule(rule: Any, queues: Collection[str]) -> Found:
    if not isinstance(rule, Mapping):
        yield "", _("A rule is an object with a queue and a reason, conditions or default: true.")
        return
    for key in set(rule) - RULE_KEYS:
        yield f".{key}", _("Unknown key; use reason, when, default and queue.")
    if rule.get("reason", "") not in ["", *Reason.values]:
        yield ".reason", _("Choose one of: %(choices)s") % {"choices": ", ".join(Reason.values)}
    for path, message in conditions.check(rule.get("when", [])):
        yield f".when{path}", message
    if rule.get("default", False) not in (True, False) or (
        rule.get("default") and (rule.get("reason") or rule.get("when"))
    ):
        yield ".default", _("The default is true without a reason or conditions, or left out.")
    elif not (rule.get("default") or rule.get("reason") or rule.get("when")):
        yield "", _("Give a reason, conditions or default: true.")
    if not isinstance(rule.get("queue"), str) or rule["queue"] not in queues:
        yield ".queue", _("There is no such queue.")


def _unattended(case_type: CaseType, content: Content) -> Found:
    """No person at all only where the design allows it, whatever the mode is called."""
    if case_type.may_run_unattended():
        return
    if content["mode"] == Policy.Mode.AUTONOMOUS:
        yield (
            "mode",
            _("Autonomous is refused: an error must stay internal, and the action be reversible or idempotent."),
        )
    if content["mode"] == Policy.Mode.TEACHER and not content["sample_rate"]:
        yield "sample_rate", _("A teacher that reads no samples is autonomous, which this case type may not be.")
    if content["mode"] == Policy.Mode.EXCEPTION_HANDLER and not min(
        [content["threshold"], *content["thresholds"].values()]
    ):
        yield "threshold", _("With a threshold of 0 no person is ever asked, which this case type does not allow.")


def is_looser(old: Content, new: Content) -> list[str]:
    """In words, each way in which the new content oversees less than the old; empty when it is as tight or tighter."""
    return [
        *_looser_numbers(old, new),
        *_looser_thresholds(old, new),
        *_looser_promise(old, new),
        *_looser_rules(old, new),
    ]


def _looser_numbers(old: Content, new: Content) -> Iterator[str]:
    if MODES.index(new["mode"]) > MODES.index(old["mode"]):
        yield _("mode: %(old)s → %(new)s") % {"old": old["mode"], "new": new["mode"]}
    for name in (*RATES, "reading_floor_seconds"):
        if new[name] < old[name]:
            yield f"{name}: {old[name]} → {new[name]}"
    if ON_FLAG.index(new["on_flag"]) < ON_FLAG.index(old["on_flag"]):
        yield f"on_flag: {old['on_flag']} → {new['on_flag']}"


def _looser_thresholds(old: Content, new: Content) -> Iterator[str]:
    if new["threshold"] < old["threshold"]:
        yield f"threshold: {old['threshold']} → {new['threshold']}"
    for label in sorted({*old["thresholds"], *new["thresholds"]}):
        before = old["thresholds"].get(label, old["threshold"])
        after = new["thresholds"].get(label, new["threshold"])
        if after < before and not (label not in old["thresholds"] and label not in new["thresholds"]):
            yield f"thresholds.{label}: {before} → {after}"


def _looser_promise(old: Content, new: Content) -> Iterator[str]:
    for name, before in old["promise"].items():
        after = new["promise"].get(name)
        if after is None or after > before:
            yield f"promise.{name}: {before} → {after or _('none')}"


def _looser_rules(old: Content, new: Content) -> Iterator[str]:
    if old["second_approval"] and not _holds_at_least_as_often(new["second_approval"], old["second_approval"]):
        yield _("second_approval is no longer asked for wherever it was")
    for index, rule in enumerate(old["routing"]):
        if (rule.get("when") or rule.get("reason") in RISKS) and not any(
            _replaces(line, rule) for line in new["routing"]
        ):
            yield _("routing[%(index)d] (%(reason)s) is gone or weaker") % {
                "index": index,
                "reason": rule.get("reason", ""),
            }
        elif (rule.get("when") or rule.get("reason") in RISKS) and _overtaken(rule, index, old, new):
            words = _("routing[%(index)d] (%(reason)s) comes after a new rule that leads elsewhere")
            yield words % {"index": index, "reason": rule.get("reason", "")}


def _overtaken(rule: Content, index: int, old: Content, new: Content) -> bool:
    """Whether a risk now meets, wherever its rule stands, a line above it that was not there and leads to others."""
    if rule.get("reason", "") not in (*RISKS, ""):
        return False
    places = [n for n, line in enumerate(new["routing"]) if _replaces(line, rule)]
    known = [_plain_rule(line) for line in old["routing"][:index]]
    return all(
        any(_plain_rule(line) not in known and line["queue"] != rule["queue"] for line in new["routing"][:n])
        for n in places
    )


def _replaces(line: Content, rule: Content) -> bool:
    """Whether a new line asks a person wherever the old one did, and for a risk the same people."""
    if rule.get("when") and not _holds_at_least_as_often(line.get("when", []), rule["when"]):
        return False
    same_people = line["queue"] == rule["queue"] and bool(line.get("when")) == bool(rule.get("when"))
    return line.get("reason", "") == rule.get("reason", "") and (same_people or rule.get("reason", "") not in RISKS)


def _holds_at_least_as_often(rows: Sequence[Content], before: Sequence[Content]) -> bool:
    """All rows must hold, so fewer of the same rows hold more often. Anything else counts as less."""
    return bool(rows) and all(row in before for row in rows)


def _is_number(value: Any, *, high: float) -> bool:
    """A number from 0 to ``high``; NaN and infinity are in no such range."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= high
