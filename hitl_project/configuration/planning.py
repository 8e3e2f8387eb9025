"""What a file would change. What it does not mention is left alone, whole items and single fields alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from cases.models import CaseType
from hitl_project.configuration import alerting
from hitl_project.configuration.checking import NEEDED, Found, check_shape, identity
from hitl_project.configuration.reading import ConfigurationError, Document
from hitl_project.configuration.snapshot import CASE_TYPE_FIELDS, ORDINARY_PERSON, Section, skill_words
from review.policies import FRONT_DESK, STANDARD_QUEUES
from review.policy_rules import canonical, guard, is_looser, starting_content

ORDER = (
    "groups",
    "calendars",
    "queues",
    "webhooks",
    "case_types",
    "people",
    alerting.CHANNELS,
    alerting.RULES,
)  # each may name what stands before it
NAMELESS = ("groups", "webhooks", "people")
KINDS = {
    "groups": gettext_lazy("group"),
    "calendars": gettext_lazy("calendar"),
    "people": gettext_lazy("person"),
    "queues": gettext_lazy("queue"),
    "webhooks": gettext_lazy("webhook"),
    "case_types": gettext_lazy("case type"),
    alerting.CHANNELS: gettext_lazy("alert channel"),
    alerting.RULES: gettext_lazy("alert rule"),
}
DEFAULTS: dict[str, dict[str, Any]] = {
    **alerting.DEFAULTS,
    "groups": {"members": []},
    "calendars": {"time_zone": "UTC", "holidays": []},
    "people": ORDINARY_PERSON,
    "queues": {"kind": "general", "groups": [], "weight": 1, "on_breach": "alert"},
    "webhooks": {"enabled": True},
    "case_types": {
        "impact": [],
        "reversible": False,
        "idempotent": False,
        "guidelines": "",
        "manual_minutes": 5.0,
        "classifier": "local",
        "action": {},
    },
}
SHOWN = 60


@dataclass(frozen=True, slots=True)
class Change:
    """One item that would be made or changed. ``after`` is the whole item, ``fields`` what differs."""

    section: str
    key: str
    new: bool
    after: Mapping[str, Any]
    fields: Mapping[str, tuple[Any, Any]] = field(default_factory=dict)
    looser: tuple[str, ...] = ()

    def __str__(self) -> str:
        name = f"{'+' if self.new else '~'} {KINDS[self.section]} {self.key}"
        secret = alerting.SECRET.get(self.section, ())
        shown = {field: pair for field, pair in self.fields.items() if field not in secret}
        details = [f"{field}: {_short(before)} → {_short(after)}" for field, (before, after) in shown.items()]
        details += [_("%(name)s: another secret") % {"name": field} for field in self.fields if field in secret]
        loose = [_("looser: %(how)s") % {"how": "; ".join(self.looser)}] if self.looser else []
        return "\n".join([name, *(f"    {line}" for line in ([] if self.new else details) + loose)])


def plan(document: Document, current: Mapping[str, Section]) -> list[Change]:
    """The changes in the order in which they must be made; none when all is as the file says.

    Raises: ConfigurationError with every problem, in the order of the file.
    """
    _refuse(document, check_shape(document.values))
    wanted = {section: _merged(section, document, current[section]) for section in ORDER}
    problems = [problem for section in ORDER for problem in _cross_checks(section, document, wanted, current)]
    _refuse(document, [*problems, *_strangers(wanted)])
    _add_standard_queues(wanted, current)
    changes = [
        _change(section, key, item, current[section].get(key))
        for section in ORDER
        for key, (_index, item) in wanted[section].items()
    ]
    return [change for change in changes if change.new or change.fields]


def _add_standard_queues(wanted: Mapping[str, dict[str, Any]], current: Mapping[str, Section]) -> None:
    """The queues that a policy names and that need no configuration, where nobody has configured them."""
    policies = [item.get("policy") or {} for _index, item in wanted["case_types"].values()]
    named = {rule["queue"] for policy in policies for rule in policy.get("routing", [])}
    for key in sorted((named & STANDARD_QUEUES.keys()) - {*current["queues"], *wanted["queues"]}):
        name, kind, groups = STANDARD_QUEUES[key]
        item = {"key": key, "name": name, "kind": kind, "groups": sorted(groups)}
        wanted["queues"][key] = (0, DEFAULTS["queues"] | item)


def _refuse(document: Document, problems: Any) -> None:
    found = [document.problem(path, message) for path, message in problems]
    if found:
        raise ConfigurationError(sorted(found, key=lambda problem: problem.line))


def _merged(section: str, document: Document, current: Section) -> dict[str, tuple[int, dict[str, Any]]]:
    """Every item of the file laid over what is there, or over the defaults; with its place in the file."""
    name = identity(section)
    return {
        item[name]: (index, _laid_over(section, item, current.get(item[name])))
        for index, item in enumerate(document.values.get(section, []))
    }


def _laid_over(section: str, item: Mapping[str, Any], before: Mapping[str, Any] | None) -> dict[str, Any]:
    key = item[identity(section)]
    base = before or {**DEFAULTS[section], **({} if section in NAMELESS else {"name": _title(key)})}
    given = {name: value for name, value in item.items() if name != identity(section)}
    whole = {**base, **given}
    if section == "groups":
        whole["members"] = sorted({*(before or {}).get("members", []), *whole["members"]})
    if section == "queues":
        whole["groups"] = sorted(whole["groups"])
    if section == alerting.RULES:
        whole["channels"] = sorted(whole["channels"])
    if section == "people":
        said = [skill_words(skill.get("case_type", ""), skill.get("language", "")) for skill in whole["skills"]]
        whole["skills"] = sorted(said, key=str)
    if section == "case_types":
        whole["manual_minutes"] = round(float(whole["manual_minutes"]), 2)
        if not before or "policy" in whole:
            whole["policy"] = {**(base.get("policy") or starting_content(FRONT_DESK)), **given.get("policy", {})}
    return whole


def _title(key: str) -> str:
    return key.replace("-", " ").replace("_", " ").capitalize()


def _cross_checks(
    section: str, document: Document, wanted: Mapping[str, Any], current: Mapping[str, Section]
) -> Iterator[tuple[str, str]]:
    known = {name: {*current[name], *wanted[name]} for name in ORDER}
    for key, (index, item) in wanted[section].items():
        path = f"{section}[{index}]"
        missing = [name for name in NEEDED[section] if name not in item]
        yield from ((path, _("'%(name)s' is needed.") % {"name": name}) for name in missing)
        if section == "queues":
            unknown = [name for name in item["groups"] if name not in known["groups"]]
            yield from ((f"{path}.groups", _("There is no group '%(name)s'.") % {"name": name}) for name in unknown)
        if section == "case_types" and not missing:
            yield from _case_type(path, item, known)
        if section == "people":
            yield from _person(path, item, known)
        if section == alerting.CHANNELS and not missing:
            yield from alerting.check_channel(path, item, known)
        if section == alerting.RULES and not missing:
            yield from alerting.check_rule(path, item, known, current[section].get(key))


def _person(path: str, item: Mapping[str, Any], known: Mapping[str, set[str]]) -> Found:
    for index, skill in enumerate(item["skills"]):
        if skill.get("case_type", "") not in {"", *known["case_types"]}:
            yield f"{path}.skills[{index}].case_type", _("There is no such case type.")


def _strangers(wanted: Mapping[str, Any]) -> Found:
    """People who have no account and get none from the groups: setting somebody up makes nobody."""
    people = {name: index for name, (index, _item) in wanted["people"].items()}
    members = {name for _index, item in wanted["groups"].values() for name in item["members"]}
    there = set(User.objects.filter(username__in=people).values_list("username", flat=True)) if people else set()
    for name in sorted(people.keys() - members - there):
        yield f"people[{people[name]}].username", _("There is no account '%(name)s'.") % {"name": name}


def _case_type(path: str, item: Mapping[str, Any], known: Mapping[str, set[str]]) -> Found:
    if item["action"].get("backend") == "webhook" and item["action"].get("endpoint") not in known["webhooks"]:
        yield f"{path}.action.endpoint", _("There is no such webhook.")
    if "policy" not in item:
        return
    case_type = CaseType(**{name: item[name] for name in CASE_TYPE_FIELDS})
    queues = {*known["queues"], *STANDARD_QUEUES}
    errors = guard(case_type, item["policy"], queues=queues, calendars=known["calendars"])
    yield from ((f"{path}.policy.{name}", text) for name, texts in errors.items() for text in texts)


def _change(section: str, key: str, item: dict[str, Any], before: Mapping[str, Any] | None) -> Change:
    after, old = dict(item), dict(before or {})
    looser: list[str] = []
    if section == "case_types":
        after, old = _flat(after), _flat(old)
        looser = is_looser(old["policy"], after["policy"]) if old.get("policy") else []
    changed = {name: (old.get(name), value) for name, value in after.items() if old.get(name) != value}
    changed.pop("policy", None)
    after = {name: value for name, value in after.items() if not name.startswith("policy.")}
    return Change(section=section, key=key, new=before is None, after=after, fields=changed, looser=tuple(looser))


def _flat(item: Mapping[str, Any]) -> dict[str, Any]:
    """The item with its policy made canonical and its fields beside the others, so that a difference is shown by field."""
    if not item.get("policy"):
        return dict(item)
    policy = canonical(item["policy"])
    return {**item, "policy": policy, **{f"policy.{name}": value for name, value in policy.items()}}


def _short(value: Any) -> str:
    text = "–" if value is None else repr(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"
