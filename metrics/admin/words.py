"""How alerts look in lists: a severity, a state and a mute as badges whose word says it all."""

from __future__ import annotations

from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from cases.admin.base import badge
from metrics.alerting import reading
from metrics.models import Alert, AlertRule, Severity

SEVERITY_KINDS = {Severity.INFO: "info", Severity.WARNING: "warning", Severity.CRITICAL: "danger"}
STATE_KINDS = {"open": "danger", "acknowledged": "info", "snoozed": "warning", "resolved": "ok"}


def severity_badge(severity: int) -> SafeString:
    found = Severity(severity)
    return badge(found.label, SEVERITY_KINDS[found])


def state_badge(alert: Alert) -> SafeString:
    """A snooze says until when."""
    if alert.state == Alert.State.SNOOZED and alert.snoozed_until:
        told = _("snoozed until %(time)s") % {"time": moment(alert.snoozed_until)}
        return badge(told, STATE_KINDS[alert.state])
    return badge(alert.get_state_display(), STATE_KINDS[alert.state])


def mute_badge(rule: AlertRule) -> SafeString | str:
    """Never hidden: whoever looks at what is muted sees until when and by whom."""
    mute = reading.mute_of(rule)
    if mute is None:
        return ""
    return badge(_("muted until %(time)s by %(who)s") % {"time": moment(mute["until"]), "who": mute["by"]}, "warning")


def moment(at: object) -> str:
    return date_format(localtime(at), "SHORT_DATETIME_FORMAT")  # type: ignore[arg-type]  # a moment
