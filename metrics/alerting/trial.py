"""A dry run of a rule over the past: when it would have raised an alert, hour by hour, from the rollups alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from metrics.alerting.evidence import of_verdict
from metrics.alerting.kinds.table import WATCHES
from metrics.alerting.shapes import DAILY, DAY, HOUR, State, Verdict
from metrics.alerting.sights import Moment, sights
from metrics.alerting.tables import BY_DAY, Tables
from metrics.alerting.watching import settings_of
from metrics.models import AlertRule, Kind, Span
from metrics.periods import floor

DAYS = 30
LOOK_BACK = 8 * DAY
STEP = {Kind.CONFIDENCE_DRIFT: 6 * HOUR}


@dataclass(slots=True)
class Raised:
    """An alert as it would have been: from when to when, None while it would still stand."""

    subject: str
    name: str
    at: datetime
    until: datetime | None = None
    evidence: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of it; `known` is False for what the past cannot tell."""

    known: bool
    days: int = DAYS
    raised: tuple[Raised, ...] = ()


def try_out(rule: AlertRule, *, now: datetime, days: int = DAYS) -> Trial:
    """Replay a rule, saved or not, over the last days."""
    watch = WATCHES[rule.kind]
    if not watch.from_past:
        return Trial(known=False, days=days)
    end = floor(now, Span.HOUR)
    start = end - days * DAY
    tables = Tables(start - (BY_DAY if watch.season == DAILY else LOOK_BACK), end)
    step = DAY if watch.season == DAILY else STEP.get(Kind(rule.kind), HOUR)
    raised: list[Raised] = []
    standing: dict[str, Raised] = {}
    for at in _moments(floor(start, Span.DAY) if step == DAY else start, end, step):
        _look(rule, tables, at, standing, raised)
    return Trial(known=True, days=days, raised=tuple(raised))


def _look(rule: AlertRule, tables: Tables, at: datetime, standing: dict[str, Raised], raised: list[Raised]) -> None:
    settings = settings_of(rule)
    frozen = {subject: found.at for subject, found in standing.items()}
    for subject, sight in sights(rule, settings, Moment(at, tables, frozen, live=False)):
        verdict: Verdict = WATCHES[rule.kind].judge(sight, settings)
        if verdict.state == State.RAISE and subject.key not in standing:
            standing[subject.key] = Raised(subject.key, subject.name, at, evidence=of_verdict(verdict))
            raised.append(standing[subject.key])
        elif verdict.state == State.WELL and subject.key in standing:
            standing.pop(subject.key).until = at


def _moments(start: datetime, end: datetime, step: timedelta) -> Iterable[datetime]:
    at = start + step
    while at <= end:
        yield at
        at += step
