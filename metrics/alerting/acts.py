"""What people do with an alert and with a rule: acknowledge, snooze, resolve; mute and unmute. Every act is in the audit log."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from cases.access import demand
from cases.audit import journal
from cases.clock import moment
from cases.errors import Conflict, Invalid, Missing
from metrics.models import Alert, AlertEvent, AlertRule

CHANGE, SEE = "metrics.change_alert", "metrics.view_alert"
MUTE = "metrics.mute_alertrule"
LONGEST_NOTE, LONGEST_REASON = 2000, 500
LONGEST_SNOOZE = timedelta(days=7)
LONGEST_MUTE = timedelta(days=30)
State, What = Alert.State, AlertEvent.What


def acknowledge(alert_id: int, *, by: User, origin: str, note: str = "") -> Alert:
    """Say that one has seen it and looks after it. Raises: Missing, Forbidden, Invalid, Conflict."""
    return _act(alert_id, by=by, origin=origin, note=note, what=What.ACKNOWLEDGED, state=State.ACKNOWLEDGED)


def snooze(alert_id: int, *, by: User, origin: str, minutes: int, note: str = "") -> Alert:
    """Put it aside for some time; it is open again after that if it still holds."""
    longest = int(LONGEST_SNOOZE.total_seconds() // 60)
    if not 1 <= minutes <= longest:
        words = _("From 1 minute to %(limit)d minutes (7 days).") % {"limit": longest}
        raise Invalid(_("The alert was not snoozed."), errors={"minutes": [words]})
    until = moment() + timedelta(minutes=minutes)
    return _act(alert_id, by=by, origin=origin, note=note, what=What.SNOOZED, state=State.SNOOZED, snoozed_until=until)


def resolve(alert_id: int, *, by: User, origin: str, note: str) -> Alert:
    """Close it by hand, with a note. It is not raised again until the figure was well once, or a day is over."""
    if not note.strip():
        raise Invalid(_("The alert was not resolved."), errors={"note": [_("Say what was found or done.")]})
    done = {"resolved_at": moment(), "quiet": True}
    return _act(alert_id, by=by, origin=origin, note=note, what=What.RESOLVED, state=State.RESOLVED, **done)


def mute(rule: AlertRule, *, by: User, origin: str, until: datetime, reason: str) -> None:
    """Tell nobody outside of this rule's alerts until then. They are raised and shown all the same, with the mute."""
    demand(by, MUTE, rule, see="metrics.view_alertrule")
    now = moment()
    errors = {}
    if not reason.strip() or len(reason) > LONGEST_REASON or "\0" in reason:
        errors["reason"] = [_("Say why, in at most %(limit)d characters.") % {"limit": LONGEST_REASON}]
    if not now < until <= now + LONGEST_MUTE:
        errors["until"] = [_("A moment within the next %(days)d days is needed.") % {"days": LONGEST_MUTE.days}]
    if errors:
        raise Invalid(_("The rule was not muted."), errors=errors)
    _set_mute(rule, by=by, origin=origin, until=until, reason=reason.strip())


def unmute(rule: AlertRule, *, by: User, origin: str) -> None:
    """Tell of it again."""
    demand(by, MUTE, rule, see="metrics.view_alertrule")
    _set_mute(rule, by=by, origin=origin, until=None, reason="")


def _set_mute(rule: AlertRule, *, by: User, origin: str, until: datetime | None, reason: str) -> None:
    rule.muted_until, rule.muted_because = until, reason
    rule.muted_by = by.get_username() if until else ""
    with journal(actor=by, origin=origin) as log:
        rule.save(update_fields=["muted_until", "muted_because", "muted_by"])
        told = {"until": until.isoformat(), "reason": reason} if until else {}
        log("alertrule.muted" if until else "alertrule.unmuted", subject=rule, data={"rule": rule.key, **told})


def _act(alert_id: int, *, by: User, origin: str, note: str, what: str, state: str, **fields: Any) -> Alert:
    alert = Alert.objects.filter(pk=alert_id).first()
    if alert is None:
        raise Missing(_("There is no such alert, or it is not yours to see."))
    demand(by, CHANGE, alert, see=SEE)
    if len(note) > LONGEST_NOTE or "\0" in note:
        words = _("At most %(limit)d characters that can be stored.") % {"limit": LONGEST_NOTE}
        raise Invalid(_("Nothing was changed."), errors={"note": [words]})
    with journal(actor=by, origin=origin) as log:
        standing = Alert.objects.standing().filter(pk=alert.pk)
        if what == What.ACKNOWLEDGED:
            standing = standing.exclude(state=State.ACKNOWLEDGED)
        changed = {"state": state, "snoozed_until": None, **fields}
        if not standing.update(**changed):
            raise Conflict(_("It is %(state)s already.") % {"state": _present(alert)})
        AlertEvent.objects.create(alert=alert, what=what, by=by.get_username(), note=note.strip())
        log(f"alert.{what}", subject=alert, data={"note": note.strip()[:300]} if note.strip() else {})
    alert.refresh_from_db()
    return alert


def _present(alert: Alert) -> str:
    alert.refresh_from_db()
    return str(alert.get_state_display())
