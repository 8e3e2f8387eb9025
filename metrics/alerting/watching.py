"""Looks at every rule: raises what is found, follows what stands, and resolves what is well again. It may run twice or beside itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Q

from cases.audit import journal
from cases.clock import moment as database_time
from metrics.alerting import evidence, telling
from metrics.alerting.kinds.table import WATCHES
from metrics.alerting.parameters import complete
from metrics.alerting.shapes import DAY, State, Verdict
from metrics.alerting.sights import Moment, Subject, sights
from metrics.alerting.tables import Tables
from metrics.models import Alert, AlertEvent, AlertRule, Span
from metrics.periods import floor

logger = structlog.get_logger(__name__)

ACTOR, ORIGIN = "alerts", "worker"
LOOK_BACK = 8 * DAY
LONGEST = 40 * DAY  # an alert that stands longer than this compares with what is left of its past
REFRESH = timedelta(seconds=60)  # evidence of a standing alert is written down no more often
RESPITE = DAY  # what a person has resolved is raised again after this, even if it was never well
What = AlertEvent.What


@dataclass(frozen=True, slots=True)
class Standing:
    """The alerts of one rule that matter to a look, by subject."""

    open: Mapping[str, Alert]
    quiet: Mapping[str, Alert]


def watch(*, quick: bool = False, only: str = "", now: datetime | None = None) -> int:
    """Look at the rules: those of quick kinds or of one kind where that is asked. Returns how many alerts were raised."""
    now = now or database_time()
    kinds = [only] if only else [kind for kind, found in WATCHES.items() if found.quick or not quick]
    rules = list(AlertRule.objects.filter(kind__in=kinds, enabled=True).order_by("pk"))
    standing = _standing(rules, now)
    tables = _tables(standing.values(), now)
    raised = 0
    for rule in rules:
        try:
            raised += _look(rule, standing[rule.pk], tables, now)
        except Exception:
            logger.exception("alert_rule_failed", rule=rule.key)
    if not quick and not only:
        _close_switched_off()
    return raised


def settings_of(rule: AlertRule) -> dict[str, Any]:
    """What the rule is set to, its trigger included."""
    return {**complete(WATCHES[rule.kind].fields, rule.parameters), "trigger": rule.trigger}


def _standing(rules: Iterable[AlertRule], now: datetime) -> dict[int, Standing]:
    found = {rule.pk: Standing({}, {}) for rule in rules}
    rows = Alert.objects.filter(~Q(state=Alert.State.RESOLVED) | Q(quiet=True), rule__in=list(found))
    for alert in rows:
        place = found[alert.rule_id]
        if alert.state != Alert.State.RESOLVED:
            place.open[alert.subject] = alert  # type: ignore[index]  # a dict while it is filled
        elif alert.resolved_at and alert.resolved_at > now - RESPITE:
            place.quiet[alert.subject] = alert  # type: ignore[index]
    return found


def _tables(standing: Iterable[Standing], now: datetime) -> Tables:
    oldest = min((alert.opened_at for each in standing for alert in each.open.values()), default=now)
    since = max(oldest, now - LONGEST + LOOK_BACK) - LOOK_BACK
    return Tables(floor(since, Span.HOUR), now)


def _look(rule: AlertRule, standing: Standing, tables: Tables, now: datetime) -> int:
    settings = settings_of(rule)
    frozen = {subject: alert.opened_at for subject, alert in standing.open.items()}
    raised = 0
    for subject, sight in sights(rule, settings, Moment(now, tables, frozen)):
        verdict = WATCHES[rule.kind].judge(sight, settings)
        alert = standing.open.get(subject.key)
        if alert is not None:
            _follow(alert, rule, verdict, now)
        elif verdict.state == State.RAISE and subject.key not in standing.quiet:
            raised += raise_alert(rule, subject, verdict, now=now) is not None
        elif verdict.state == State.WELL and subject.key in standing.quiet:
            Alert.objects.filter(pk=standing.quiet[subject.key].pk).update(quiet=False)
    return raised


def raise_alert(rule: AlertRule, subject: Subject, verdict: Verdict, *, now: datetime) -> Alert | None:
    """Open an alert and tell of it; None where another run was first."""
    muted = is_muted(rule, now)
    gathered = {**evidence.of_verdict(verdict), **evidence.collected(rule.kind, subject, now=now)}
    try:
        with journal(actor=ACTOR, origin=ORIGIN) as log, transaction.atomic():
            alert = Alert.objects.create(
                rule=rule,
                kind=rule.kind,
                severity=rule.severity,
                subject=subject.key,
                subject_name=subject.name[:150],
                case_type_id=subject.case_type_id,
                muted=muted,
                evidence=gathered,
                opened_at=now,
                last_seen=now,
            )
            AlertEvent.objects.create(alert=alert, what=What.RAISED, by=ACTOR)
            log("alert.raised", subject=alert, data={"rule": rule.key, "subject": subject.key, "muted": muted})
            if not muted:
                telling.tell(alert)
    except IntegrityError:
        return None  # it stands already: the constraint decided between two runs
    return alert


def _follow(alert: Alert, rule: AlertRule, verdict: Verdict, now: datetime) -> None:
    if verdict.state == State.UNKNOWN:
        return
    if verdict.state == State.WELL:
        _resolve(alert, verdict, now)
        return
    if alert.state == Alert.State.SNOOZED and alert.snoozed_until and alert.snoozed_until <= now:
        _wake(alert, rule, now)
    elif alert.muted and alert.state == Alert.State.OPEN and not is_muted(rule, now):
        _tell_late(alert)
    if now - alert.last_seen >= REFRESH:
        fresh = {**alert.evidence, **evidence.of_verdict(verdict)}
        Alert.objects.standing().filter(pk=alert.pk).update(last_seen=now, evidence=fresh)


def _resolve(alert: Alert, verdict: Verdict, now: datetime) -> None:
    last = {**alert.evidence, "well": evidence.of_verdict(verdict)["figures"]}
    with journal(actor=ACTOR, origin=ORIGIN) as log:
        done = Alert.objects.standing().filter(pk=alert.pk)
        if done.update(state=Alert.State.RESOLVED, resolved_at=now, evidence=last):
            AlertEvent.objects.create(alert=alert, what=What.WELL, by=ACTOR)
            log("alert.resolved", subject=alert, data={"by_itself": True})


def _wake(alert: Alert, rule: AlertRule, now: datetime) -> None:
    muted = is_muted(rule, now)
    with journal(actor=ACTOR, origin=ORIGIN) as log:
        asleep = Alert.objects.filter(pk=alert.pk, state=Alert.State.SNOOZED, snoozed_until__lte=now)
        if asleep.update(state=Alert.State.OPEN, snoozed_until=None, muted=muted):
            step = AlertEvent.objects.create(alert=alert, what=What.WOKEN, by=ACTOR)
            log("alert.woken", subject=alert)
            if not muted:
                telling.tell(alert, again=step.pk)


def _tell_late(alert: Alert) -> None:
    """The mute is over and it still stands."""
    with journal(actor=ACTOR, origin=ORIGIN) as log:
        if Alert.objects.filter(pk=alert.pk, muted=True, state=Alert.State.OPEN).update(muted=False):
            log("alert.told_late", subject=alert)
            telling.tell(alert)


def _close_switched_off() -> None:
    """What no rule looks at any more would stand for ever."""
    for alert in Alert.objects.standing().filter(rule__enabled=False)[:100]:
        with journal(actor=ACTOR, origin=ORIGIN) as log:
            if (
                Alert.objects.standing()
                .filter(pk=alert.pk)
                .update(state=Alert.State.RESOLVED, resolved_at=database_time())
            ):
                AlertEvent.objects.create(alert=alert, what=What.RESOLVED, by=ACTOR, note="The rule was switched off.")
                log("alert.resolved", subject=alert, data={"rule": "switched off"})


def is_muted(rule: AlertRule, now: datetime) -> bool:
    return rule.muted_until is not None and rule.muted_until > now
