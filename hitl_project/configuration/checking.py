"""What a file may say, section by section and field by field. Nothing here reads or writes the database."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from cases.addresses import RefusedUrl, check_url
from cases.models.choices import Impact
from cases.outbox import EVENTS
from cases.schemas import check_schema
from hitl_project.configuration import alerting
from metrics.models import AlertChannel, AlertRule, Kind
from review.calendars import check_holidays, check_hours, check_zone
from review.models import Queue
from review.profiles import LANGUAGE_TAG, MOST_CLAIMS

Found = Iterator[tuple[str, str]]
Check = Callable[[Any], Found]
SLUG = re.compile(r"[A-Za-z0-9_-]{1,64}")
USERNAME = re.compile(r"[\w.@+-]{1,150}")
MOST_ITEMS = 1000
LONGEST_TEXT = 100_000
LONGEST_URL = 500
MOST_MINUTES = 9999


def text(limit: int, *, empty: bool = False) -> Check:
    def check(value: Any) -> Found:
        if not isinstance(value, str) or len(value) > limit or not (value.strip() or empty):
            yield "", _("A text of at most %(limit)d characters is needed.") % {"limit": limit}

    return check


def slug(value: Any) -> Found:
    if not isinstance(value, str) or not SLUG.fullmatch(value):
        yield "", _("A key of 1 to 64 letters, digits, hyphens or underscores is needed.")


def flag(value: Any) -> Found:
    if not isinstance(value, bool):
        yield "", _("true or false is needed.")


def one_of(choices: Callable[[], list[str]]) -> Check:
    def check(value: Any) -> Found:
        if not isinstance(value, str) or value not in choices():
            yield "", _("Choose one of: %(choices)s") % {"choices": ", ".join(choices())}

    return check


def list_of(each: Check) -> Check:
    def check(value: Any) -> Found:
        if not isinstance(value, list) or len(value) > MOST_ITEMS:
            yield "", _("A list of at most %(limit)d items is needed.") % {"limit": MOST_ITEMS}
            return
        for index, item in enumerate(value):
            yield from ((f"[{index}]{path}", message) for path, message in each(item))
            if item in value[:index]:
                yield f"[{index}]", _("This is in the list twice.")

    return check


def whole(low: int, high: int) -> Check:
    def check(value: Any) -> Found:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            yield "", _("A whole number from %(low)d to %(high)d is needed.") % {"low": low, "high": high}

    return check


def or_null(each: Check) -> Check:
    def check(value: Any) -> Found:
        if value is not None:
            yield from each(value)

    return check


def mapping(value: Any) -> Found:
    """Only the kind of thing; what is in it depends on what it belongs to."""
    if not isinstance(value, Mapping):
        yield "", _("An object is needed.")


def minutes(value: Any) -> Found:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= MOST_MINUTES:
        yield "", _("Minutes from 0 to %(high)d are needed.") % {"high": MOST_MINUTES}


def schema(value: Any) -> Found:
    yield from ((f".{path}" if path else "", message) for path, message in check_schema(value))


def url(value: Any) -> Found:
    if not isinstance(value, str) or len(value) > LONGEST_URL:
        yield "", _("A URL of at most %(limit)d characters is needed.") % {"limit": LONGEST_URL}
        return
    try:
        check_url(value)
    except RefusedUrl as refusal:
        yield "", str(refusal)


def username(value: Any) -> Found:
    if not isinstance(value, str) or not USERNAME.fullmatch(value):
        yield "", _("A user name of letters, digits and @ . + - _ is needed.")


def recipients(value: Any) -> Found:
    """One address or a list; one with a placeholder in braces can only be checked when it is filled."""
    for address in value if isinstance(value, list) and value else [value]:
        try:
            if not (isinstance(address, str) and "{" in address):
                validate_email(address if isinstance(address, str) else "")
        except ValidationError:
            yield "", _("One e-mail address or a list of them is needed.")
            return


def skill(value: Any) -> Found:
    if not isinstance(value, Mapping) or not set(value) <= {"case_type", "language"}:
        yield "", _("An object such as {case_type: receipts, language: es} is needed; what is left out is any.")
        return
    if "case_type" in value:
        yield from ((f".case_type{path}", message) for path, message in slug(value["case_type"]))
    if "language" in value and not (isinstance(value["language"], str) and LANGUAGE_TAG.fullmatch(value["language"])):
        yield ".language", _("A language tag such as es or pt-br is needed, in small letters.")


# What the actions of the product take; an action of the operator's own takes what it likes.
OPTIONS: dict[str, dict[str, Check]] = {
    "webhook": {"endpoint": slug},
    "email": {"to": recipients, "subject": text(LONGEST_TEXT), "text": text(LONGEST_TEXT)},
    "log": {"include_body": flag},
}
NEEDED_OPTIONS = {"webhook": "endpoint", "email": "to"}


def action(value: Any) -> Found:
    if not isinstance(value, Mapping):
        yield "", _("An object such as {backend: webhook, endpoint: crm} is needed.")
    elif value:
        yield from (
            (".backend", message) for _path, message in one_of(lambda: sorted(settings.ACTIONS))(value.get("backend"))
        )
        if value.get("backend") in list(OPTIONS):
            yield from _options(value["backend"], value)


def _options(backend: str, value: Mapping[str, Any]) -> Found:
    options = OPTIONS[backend]
    for name in set(value) - {"backend", *options}:
        yield f".{name}", _("Unknown key; use: %(names)s") % {"names": ", ".join(["backend", *options])}
    needed = NEEDED_OPTIONS.get(backend)
    for name, check in options.items():
        if name in value or name == needed:
            yield from ((f".{name}{path}", message) for path, message in check(value.get(name)))


def policy(value: Any) -> Found:
    """Only the kind of thing; what it says is for `review.policy_rules.guard`."""
    if not isinstance(value, Mapping):
        yield "", _("An object with mode, thresholds, rates and routing is needed.")


FIELDS: dict[str, dict[str, Check]] = {
    "case_types": {
        "key": slug,
        "name": text(120),
        "impact": list_of(one_of(lambda: list(Impact.values))),
        "reversible": flag,
        "idempotent": flag,
        "guidelines": text(LONGEST_TEXT, empty=True),
        "output_schema": schema,
        "manual_minutes": minutes,
        "classifier": one_of(lambda: sorted(settings.CLASSIFIERS)),
        "action": action,
        "policy": policy,
    },
    "queues": {
        "key": slug,
        "name": text(120),
        "kind": one_of(lambda: list(Queue.Kind.values)),
        "groups": list_of(text(150)),
        "weight": whole(1, 100),
        "on_breach": one_of(lambda: list(Queue.OnBreach.values)),
    },
    "calendars": {
        "key": slug,
        "name": text(120),
        "time_zone": check_zone,
        "hours": check_hours,
        "holidays": check_holidays,
    },
    "people": {
        "username": username,
        "on_duty": flag,
        "most_claims": whole(1, MOST_CLAIMS),
        "skills": list_of(skill),
    },
    "webhooks": {
        "key": slug,
        "url": url,
        "events": list_of(one_of(lambda: list(EVENTS))),
        "enabled": flag,
        "owner": username,
    },
    "groups": {"name": text(150), "members": list_of(username)},
    alerting.CHANNELS: {
        "key": slug,
        "name": text(120),
        "kind": one_of(lambda: list(AlertChannel.Kind.values)),
        "addresses": list_of(text(254)),
        "endpoint": or_null(slug),
        "url": text(1000, empty=True),
        "least_severity": one_of(lambda: list(alerting.SEVERITIES)),
        "every_rule": flag,
        "enabled": flag,
    },
    alerting.RULES: {
        "key": slug,
        "name": text(120),
        "kind": one_of(lambda: list(Kind.values)),
        "case_type": or_null(slug),
        "queue": or_null(slug),
        "severity": one_of(lambda: list(alerting.SEVERITIES)),
        "trigger": one_of(lambda: list(AlertRule.Trigger.values)),
        "parameters": mapping,
        "channels": list_of(slug),
        "enabled": flag,
    },
}
NEEDED = {
    **alerting.NEEDED,
    "case_types": ("output_schema",),
    "queues": (),
    "webhooks": ("url", "events"),
    "groups": (),
    "calendars": ("hours",),
    "people": (),
}
IDENTITIES = {"groups": "name", "people": "username"}


def identity(section: str) -> str:
    """The field by which a section tells its items apart."""
    return IDENTITIES.get(section, "key")


def check_shape(values: Any) -> Found:
    """Unknown sections, keys and kinds of value, and items given twice; each with its path."""
    if not isinstance(values, Mapping):
        yield "", _("The file is an object with the sections: %(names)s") % {"names": ", ".join(FIELDS)}
        return
    for section, items in values.items():
        if section not in FIELDS:
            yield section, _("Unknown section; use: %(names)s") % {"names": ", ".join(FIELDS)}
        elif not isinstance(items, list) or len(items) > MOST_ITEMS:
            yield section, _("A list of at most %(limit)d items is needed.") % {"limit": MOST_ITEMS}
        else:
            yield from _section(section, items)


def _section(section: str, items: list[Any]) -> Found:
    name, seen = identity(section), set[str]()
    for index, item in enumerate(items):
        path = f"{section}[{index}]"
        yield from _item(section, item, path)
        key = item.get(name) if isinstance(item, Mapping) else None
        if isinstance(key, str) and key in seen:
            yield f"{path}.{name}", _("There are two with this key.")
        if isinstance(key, str):
            seen.add(key)


def _item(section: str, item: Any, path: str) -> Found:
    fields = FIELDS[section]
    if not isinstance(item, Mapping) or identity(section) not in item:
        yield path, _("An object with at least '%(name)s' is needed.") % {"name": identity(section)}
        return
    for name, value in item.items():
        if name not in fields:
            yield f"{path}.{name}", _("Unknown key; use: %(names)s") % {"names": ", ".join(fields)}
        else:
            yield from ((f"{path}.{name}{inner}", message) for inner, message in fields[name](value))
