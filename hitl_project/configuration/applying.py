"""Carries out a plan in one transaction: all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib.auth.models import Group, User
from django.db.models import F
from django.utils.translation import gettext as _

from cases.actions.webhook import new_secret
from cases.audit import Journal, journal
from cases.models import CaseType, WebhookEndpoint
from hitl_project.configuration import alerting
from hitl_project.configuration.planning import Change, plan
from hitl_project.configuration.reading import Document
from hitl_project.configuration.snapshot import CALENDAR_FIELDS, CASE_TYPE_FIELDS, QUEUE_FIELDS, snapshot
from review import profiles
from review.models import Calendar, Profile, Queue
from review.policies import put_in_force

ACTOR = "configuration file"


def apply(document: Document, *, origin: str, reason: str, dry_run: bool = False) -> tuple[list[Change], list[str]]:
    """Make everything as the file says, in one transaction. Returns the changes, and notices to show once.

    Whoever can put files on the machine is author and approver, so a looser policy is in force at once; what a case
    type may never do is refused all the same. Raises: ConfigurationError, with nothing changed.
    """
    if dry_run:
        return plan(document, snapshot()), []
    notices: list[str] = []
    with journal(actor=ACTOR, origin=origin) as log:
        changes = plan(document, snapshot())
        for change in changes:
            notices += WRITERS[change.section](change, reason, log)
    return changes, notices


def _group(change: Change, _reason: str, log: Journal) -> list[str]:
    group, _made = Group.objects.get_or_create(name=change.key)
    wanted = change.after["members"]
    notices = _make_accounts(wanted, log)
    group.user_set.add(*User.objects.filter(username__in=wanted))
    log("group.configured", subject=group, data={"group": change.key, "members": wanted})
    return notices


def _make_accounts(names: list[str], log: Journal) -> list[str]:
    """Accounts that the file names and that are not there yet: without a password, so nobody can sign in to them."""
    missing = sorted(set(names) - set(User.objects.filter(username__in=names).values_list("username", flat=True)))
    for name in missing:
        log("account.created", subject=User.objects.create_user(name), data={"account": name})
    notice = _("account %(name)s: made without a password; set one before they sign in")
    return [notice % {"name": name} for name in missing]


def _queue(change: Change, _reason: str, log: Journal) -> list[str]:
    values = {name: change.after[name] for name in QUEUE_FIELDS}
    queue, made = Queue.objects.update_or_create(key=change.key, defaults=values)
    if not made:
        Queue.objects.filter(pk=queue.pk).update(version=F("version") + 1)
    queue.groups.set(Group.objects.filter(name__in=change.after["groups"]))
    log("queue.configured", subject=queue, data={"queue": change.key, "fields": sorted(change.fields)})
    return []


def _calendar(change: Change, _reason: str, log: Journal) -> list[str]:
    values = {name: change.after[name] for name in CALENDAR_FIELDS}
    calendar, made = Calendar.objects.update_or_create(key=change.key, defaults=values)
    if not made:
        Calendar.objects.filter(pk=calendar.pk).update(version=F("version") + 1)
    log("calendar.configured", subject=calendar, data={"calendar": change.key, "fields": sorted(change.fields)})
    return []


def _person(change: Change, _reason: str, log: Journal) -> list[str]:
    user = User.objects.get(username=change.key)
    profile, _made = Profile.objects.select_for_update().get_or_create(user=user)
    types = dict(CaseType.objects.values_list("key", "pk"))
    skills = [(types.get(skill.get("case_type", "")), skill.get("language", "")) for skill in change.after["skills"]]
    work = {name: change.after[name] for name in ("on_duty", "most_claims")}
    profiles.write(profile, skills=skills, log=log, **work)
    return []


def _webhook(change: Change, _reason: str, log: Journal) -> list[str]:
    values: dict[str, Any] = {name: change.after[name] for name in ("url", "events", "enabled")}
    if values["enabled"]:
        values["disabled_reason"] = ""
    notices = []
    if owner := change.after.get("owner"):
        notices = _make_accounts([owner], log)
        values["owner"] = User.objects.get(username=owner)
    secret = new_secret()
    endpoint, made = WebhookEndpoint.objects.update_or_create(
        key=change.key, defaults=values, create_defaults={**values, "secret": secret}
    )
    log("webhook.configured", subject=endpoint, data={"webhook": change.key, "fields": sorted(change.fields)})
    shown = _("webhook %(key)s: signing secret, shown only now: %(secret)s") % {"key": change.key, "secret": secret}
    return [*notices, shown] if made else notices


def _case_type(change: Change, reason: str, log: Journal) -> list[str]:
    values = {name: change.after[name] for name in CASE_TYPE_FIELDS}
    case_type, made = CaseType.objects.update_or_create(key=change.key, defaults=values)
    if not made and any(name in CASE_TYPE_FIELDS for name in change.fields):
        CaseType.objects.filter(pk=case_type.pk).update(version=F("version") + 1)
    log("case_type.configured", subject=case_type, data={"case_type": change.key, "fields": sorted(change.fields)})
    if any(name.startswith("policy.") for name in change.fields):
        content = change.after["policy"]
        put_in_force(case_type, content, author=ACTOR, approver=ACTOR, reason=reason, log=log)
    return []


def _alert_channel(change: Change, _reason: str, log: Journal) -> list[str]:
    return alerting.write_channel(change.key, change.after, change.fields, log)


def _alert_rule(change: Change, _reason: str, log: Journal) -> list[str]:
    return alerting.write_rule(change.key, change.after, change.fields, log)


WRITERS: dict[str, Callable[[Change, str, Journal], list[str]]] = {
    "groups": _group,
    "calendars": _calendar,
    "queues": _queue,
    "webhooks": _webhook,
    "case_types": _case_type,
    "people": _person,
    alerting.CHANNELS: _alert_channel,
    alerting.RULES: _alert_rule,
}
