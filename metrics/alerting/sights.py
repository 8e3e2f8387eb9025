"""From the tables to what each kind sees of each subject, at one moment: now, or some hour of the past in a dry run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from metrics.alerting import live
from metrics.alerting.kinds.table import WATCHES
from metrics.alerting.sequential import Step, Tally
from metrics.alerting.shapes import (
    DAILY,
    DAY,
    HOUR,
    HOURLY,
    BinSight,
    QueueSight,
    Season,
    Settings,
    ShareSight,
    Sight,
    TimeSight,
    total,
)
from metrics.alerting.tables import Series, Tables
from metrics.histograms import Histogram
from metrics.intervals import Stratum, weighted_share
from metrics.models import AlertRule, Kind, Span
from metrics.periods import floor

PACE_HOURS = 4
LONG = 28  # days that a promise or a band looks back
BINS = 20


@dataclass(frozen=True, slots=True)
class Subject:
    """What an alert is about, with a name that outlives it."""

    key: str
    name: str
    case_type_id: int | None = None
    queue_id: int | None = None
    user_id: int | None = None


@dataclass(frozen=True, slots=True)
class Moment:
    """When one looks, at what, and since when a subject's alert stands: its past ends there, so a change never becomes usual."""

    now: datetime
    tables: Tables
    frozen: Mapping[str, datetime] = field(default_factory=dict)
    live: bool = True


Found = Iterator[tuple[Subject, Sight]]


def sights(rule: AlertRule, settings: Settings, moment: Moment) -> Found:
    """Every subject of a rule with what its kind sees of it."""
    yield from READERS[rule.kind](rule, settings, moment)


def _case_types(rule: AlertRule, moment: Moment, known: Mapping[int, Any]) -> Iterator[tuple[Subject, Any]]:
    for pk, row in moment.tables.case_types.items():
        if pk in known and rule.case_type_id in (None, pk):
            yield Subject(f"case_type:{row.key}", row.name, case_type_id=pk), known[pk]


def _hourly(name: str, count: int = HOURLY.period) -> Callable[[AlertRule, Settings, Moment], Found]:
    def read(rule: AlertRule, settings: Settings, moment: Moment) -> Found:
        for subject, series in _case_types(rule, moment, getattr(moment.tables, name)):
            yield subject, share_sight(series, HOURLY, moment, count=count, frozen=moment.frozen.get(subject.key))

    return read


def _checked(rule: AlertRule, settings: Settings, moment: Moment) -> Found:
    for subject, series in _case_types(rule, moment, moment.tables.checks):
        yield subject, share_sight(series, DAILY, moment, frozen=moment.frozen.get(subject.key))


def _people(rule: AlertRule, settings: Settings, moment: Moment) -> Found:
    known = moment.tables.misses
    names = dict(User.objects.filter(pk__in=known, is_active=True).values_list("pk", "username")) if known else {}
    for pk, name in names.items():
        frozen = moment.frozen.get(f"person:{pk}")
        sight = share_sight(known[pk], DAILY, moment, frozen=frozen)
        yield Subject(f"person:{pk}", name, user_id=pk), sight


def _sampled(*, automated: bool) -> Callable[[AlertRule, Settings, Moment], Found]:
    def read(rule: AlertRule, settings: Settings, moment: Moment) -> Found:
        for subject, strata in _case_types(rule, moment, moment.tables.strata):
            days = strata[automated]
            promise = moment.tables.promises.get(subject.case_type_id or 0) if automated else None
            series = {
                day: Tally(sum(s.wrong for s in rows), sum(s.checked for s in rows)) for day, rows in days.items()
            }
            sight = share_sight(series, DAILY, moment, count=LONG)
            weighted = _weighted([s for day in sight.starts for s in days.get(day, ())])
            yield subject, ShareSight(sight.starts, sight.steps, DAILY, promise, weighted)

    return read


def _weighted(strata: list[Stratum]) -> tuple[float, float] | None:
    """The interval of the weighted share, where the chances to be read differed; None where they were all alike."""
    read = {stratum.probability for stratum in strata if stratum.checked}
    found = weighted_share(strata) if len(read) > 1 else None
    return (found.interval.low, found.interval.high) if found else None


def _timed(rule: AlertRule, settings: Settings, moment: Moment) -> Found:
    for subject, hours in _case_types(rule, moment, moment.tables.times):
        starts = _starts(HOURLY, moment.now, HOURLY.period)
        frozen = moment.frozen.get(subject.key)
        past = [Histogram.merged(hours[t] for t in _past(at, HOURLY, frozen) if t in hours) for at in starts]
        now = tuple(hours.get(at, Histogram()) if at < moment.now else Histogram() for at in starts)
        yield subject, TimeSight(starts, now, tuple(past))


def _confident(rule: AlertRule, settings: Settings, moment: Moment) -> Found:
    size = int(settings["window"])
    for subject, hours in _case_types(rule, moment, moment.tables.confidences):
        start = _block(moment.now, size)
        frozen = moment.frozen.get(subject.key)
        now, usual = Counter[int](), Counter[int]()
        for at in (start + n * HOUR for n in range(size)):
            now.update(hours.get(at, {}))
            for before in _past(at, HOURLY, frozen):
                usual.update(hours.get(before, {}))
        yield subject, BinSight(start, _bins(now), _bins(usual))


def _block(now: datetime, hours: int) -> datetime:
    """The beginning of the last whole block of so many hours; blocks are counted from the epoch and never overlap."""
    whole = int(now.timestamp() // (hours * 3600)) - 1
    return datetime.fromtimestamp(whole * hours * 3600, tz=now.tzinfo)


def _bins(counts: Mapping[int, int]) -> tuple[int, ...]:
    return tuple(counts.get(place, 0) for place in range(BINS))


def _filling(rule: AlertRule, settings: Settings, moment: Moment) -> Found:
    tables = moment.tables
    outlooks = live.outlooks(moment.now) if moment.live else {}
    start = floor(moment.now if moment.live else moment.now - timedelta(seconds=1), Span.HOUR)
    elapsed = (moment.now - start) / HOUR
    for subject in _queues(rule, moment):
        moves = tables.moves.get(subject.queue_id or 0, {})
        recent = [moves.get(start - n * HOUR, (0, 0)) for n in range(PACE_HOURS + 1)]
        level = tables.levels.get(subject.queue_id or 0, 0)
        backlog = tuple(_backlog(moves, start, level, live=moment.live))
        known = outlooks.get(subject.queue_id or 0)
        yield (
            subject,
            QueueSight(
                now=moment.now,
                open=backlog[-1][1] if backlog else level,
                hours=PACE_HOURS + elapsed,
                arrived=sum(came for came, _went in recent),
                finished=sum(went for _came, went in recent),
                late=known.late if known else 0,
                first_late=known.first if known else None,
                backlog=backlog,
            ),
        )


def _backlog(
    moves: Mapping[datetime, tuple[int, int]], start: datetime, level: int, *, live: bool
) -> Iterator[tuple[datetime, int]]:
    """The level at the end of each of the last hours, counted back from the level at the end of the tables."""
    later = sum(came - went for at, (came, went) in moves.items() if at > start)
    level -= later
    points = []
    for n in range(HOURLY.period if live else 1):
        at = start - n * HOUR
        points.append((at, max(0, level)))
        came, went = moves.get(at, (0, 0))
        level -= came - went
    yield from reversed(points)


def _queues(rule: AlertRule, moment: Moment) -> Iterator[Subject]:
    for pk, row in moment.tables.queues.items():
        if rule.queue_id in (None, pk):
            yield Subject(f"queue:{row.key}", row.name, queue_id=pk)


def _due(rule: AlertRule, settings: Settings, moment: Moment) -> Found:
    due = live.due_soon(moment.now, minutes=int(settings["minutes"]))
    for subject in _queues(rule, moment):
        yield subject, due.get(subject.queue_id or 0, live.NOTHING_DUE)


def _system(name: str, read: Callable[[], Sight]) -> Callable[[AlertRule, Settings, Moment], Found]:
    def found(rule: AlertRule, settings: Settings, moment: Moment) -> Found:
        yield Subject(f"system:{name}", _("the whole system")), read()

    return found


def share_sight(
    series: Series, season: Season, moment: Moment, *, count: int | None = None, frozen: datetime | None = None
) -> ShareSight:
    """The last steps of a series, each beside its past."""
    starts = _starts(season, moment.now, count or season.period)
    steps = []
    for at in starts:
        now = series.get(at, Tally()) if at < moment.now else Tally()
        steps.append(Step(now, total([series[t] for t in _past(at, season, frozen) if t in series])))
    return ShareSight(starts, tuple(steps), season)


def _starts(season: Season, now: datetime, count: int) -> tuple[datetime, ...]:
    """Beginnings of the steps, the oldest first; the last is the step under way."""
    last = floor(now, Span.DAY if season.step == DAY else Span.HOUR)
    return tuple(last - n * season.step for n in reversed(range(count)))


def _past(start: datetime, season: Season, frozen: datetime | None) -> Iterator[datetime]:
    period: timedelta = season.period * season.step
    latest = start - period
    while frozen is not None and latest + season.step > frozen:
        latest -= period
    return (latest - n * period for n in range(season.repeats))


READERS: dict[str, Callable[[AlertRule, Settings, Moment], Found]] = {
    Kind.ESCALATION_JUMP: _hourly("escalations"),
    Kind.CLASSIFIER_FAILING: _hourly("answers"),
    Kind.GOVERNOR: _hourly("escalations"),
    Kind.RESOLUTION_DOUBLED: _timed,
    Kind.QUEUE_SATURATED: _filling,
    Kind.SLA_ABOUT_TO_BREACH: _due,
    Kind.OVERRIDE_OUT_OF_BAND: _sampled(automated=False),
    Kind.AUTOMATED_ERROR: _sampled(automated=True),
    Kind.POST_VALIDATION: _checked,
    Kind.CATCH_RATE: _people,
    Kind.CONFIDENCE_DRIFT: _confident,
    Kind.DEAD_EFFECTS: _system("deliveries", live.dead_effects),
    Kind.NO_WORKER: _system("workers", live.silent_queues),
}
assert set(READERS) == set(WATCHES), "every kind is read and judged"  # noqa: S101 - at import, of our own tables
