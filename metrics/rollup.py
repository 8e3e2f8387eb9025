"""Keeps the rollups in step with the base tables: reads the audit events since last time, notes the hours they touch,
and sums exactly those hours again. Nothing is added to or subtracted from a figure, so nothing can drift."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from django.db import models, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from cases.audit import settled_id
from cases.clock import from_now
from cases.models import AuditEvent, Case, Prediction
from feedback.models import Planting, Sample
from metrics import chances, sums
from metrics.breakdowns import added
from metrics.models import (
    CertaintyRollup,
    CheckRollup,
    FlowRollup,
    LabelRollup,
    MachineRollup,
    PersonRollup,
    Rollup,
    RollupCursor,
    SampleRollup,
    SourceRollup,
    Span,
    StaleHour,
    VersionRollup,
    WorkRollup,
)
from metrics.periods import DAY, floor
from review.models import Decision, ReviewTask

EVENTS_AT_ONCE = 5_000
HOUR = timedelta(hours=1)
REST = 10  # a long run is followed by a pause ten times as long, so that reports never crowd out the work
NEAR = 6 * HOUR
LONGEST = 14 * DAY
HOURS_OF_A_DAY = 24
MANY = 20_000
TABLES: tuple[tuple[type[Rollup], Callable[[sums.Slice], Iterable[Rollup]]], ...] = (
    (FlowRollup, sums.flow),
    (SourceRollup, sums.sources),
    (WorkRollup, sums.work),
    (PersonRollup, sums.people),
    (MachineRollup, sums.machine),
    (VersionRollup, sums.versions),
    (SampleRollup, sums.samples),
    (CheckRollup, sums.checks),
    (CertaintyRollup, sums.certainty),
    (LabelRollup, sums.labels),
)
# Every moment by which something is summed: the model, the way to its case, and the columns.
MOMENTS: tuple[tuple[type[models.Model], str, tuple[str, ...]], ...] = (
    (Case, "", ("created_at", "routed_at", "closed_at")),
    (ReviewTask, "case__", ("opened_at", "closed_at", "due_at")),
    (Decision, "case__", ("decided_at",)),
    (Sample, "case__", ("read_at",)),
    (Prediction, "case__", ("created_at",)),
)
Hours = set[tuple[int, datetime]]


def roll_up() -> int:
    """Bring the rollups up to the newest settled event. Returns the hours that were summed again."""
    begun = time.monotonic()
    newest = settled_id(AuditEvent)
    while _read_events(newest):
        pass
    count = refresh()
    RollupCursor.objects.update(rest_until=from_now(seconds=REST * (time.monotonic() - begun)))
    return count


def rebuild() -> int:
    """Sum every hour again. The pages keep their old figures until each hour is done."""
    newest = settled_id(AuditEvent)
    with _alone() as cursor:
        _note({*_hours_of(None), *FlowRollup.objects.filter(span=Span.HOUR).values_list("case_type_id", "start")})
        cursor.event_id = newest
        cursor.save()
    return refresh()


def refresh() -> int:
    """Sum the noted hours again, one slice per transaction. Returns how many hours were noted."""
    stale = StaleHour.objects.order_by("case_type_id", "start").values_list("case_type_id", "start")
    return sum(_sum_again(part) for part in list(_runs(stale)))


def is_due() -> bool:
    """Whether the pause after the last run is over."""
    return not RollupCursor.objects.filter(rest_until__gt=Now()).exists()


@contextmanager
def _alone() -> Iterator[RollupCursor]:
    """A transaction that no other run shares; SQLite's writers are alone anyway."""
    with transaction.atomic():
        yield RollupCursor.objects.select_for_update().get_or_create(pk=1)[0]


def _read_events(newest: int) -> bool:
    """Note the hours that the next events touch. False when there was none left."""
    with _alone() as cursor:
        events = AuditEvent.objects.filter(pk__gt=cursor.event_id, pk__lte=newest).order_by("pk")
        last = events.values_list("pk", flat=True)[:EVENTS_AT_ONCE]
        upper = max(last, default=None)
        if upper is None:
            return False
        touched = events.filter(pk__lte=upper, case_id__isnull=False).order_by().values("case_id")
        opened = events.filter(pk__lte=upper, action="round.opened").order_by().values("object_id")
        planted = events.filter(pk__lte=upper, object_type="planting").order_by().values("object_id")
        _note(_hours_of(touched) | _answered(planted) | set(chances.hours_of(opened)))
        cursor.event_id = upper
        cursor.save()
    return True


def _hours_of(case_ids: QuerySet[Any] | None) -> Hours:
    """Case type and hour of everything that is summed about these cases, or about all."""
    hours: Hours = set()
    for model, path, moments in MOMENTS:
        rows = model._default_manager.filter(Q(**{f"{path}pk__in": case_ids}) if case_ids is not None else Q())
        for moment in moments:
            hours |= _distinct(rows.filter(**{f"{moment}__isnull": False}), f"{path}case_type_id", moment)
    return hours | _left_behind(case_ids) if case_ids is not None else hours | _answered(None)


def _answered(planting_ids: QuerySet[Any] | None) -> Hours:
    """Hours in which planted cases were answered; their events name no case."""
    rows = Planting.objects.filter(answered_at__isnull=False)
    return _distinct(
        rows.filter(pk__in=planting_ids) if planting_ids is not None else rows, "case_type_id", "answered_at"
    )


def _left_behind(case_ids: QuerySet[Any]) -> Hours:
    """Hours that cases put up again used to count in: reopening blanks their closing, only their events remember it."""
    again = dict(Case.objects.filter(pk__in=case_ids, version__gt=1).values_list("pk", "case_type_id"))
    events = AuditEvent.objects.filter(case_id__in=list(again)).values_list("case_id", "at")
    # A row's own moment may be taken a little after the event's, across the full hour.
    moments = {
        (again[case_id], at + late)
        for case_id, at in events
        if case_id
        for late in (timedelta(0), timedelta(minutes=1))
    }
    return {(kind, at.replace(minute=0, second=0, microsecond=0)) for kind, at in moments}


def _distinct(rows: QuerySet[Any], case_type: str, moment: str) -> Hours:
    found = rows.order_by().values_list(F(case_type), sums.hour(moment)).distinct()
    return {(kind, start) for kind, start in found}


def _note(hours: Hours) -> None:
    rows = (StaleHour(case_type_id=kind, start=start) for kind, start in sorted(hours))
    StaleHour.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)


def _runs(stale: Iterable[tuple[int, datetime]]) -> Iterator[sums.Slice]:
    """Hours that lie near each other as one slice: composing the queries costs more than summing an hour in between."""
    run: sums.Slice | None = None
    for kind, start in stale:
        end = start + HOUR
        if run and kind == run.case_type_id and start - run.end <= NEAR and end - run.start <= LONGEST:
            run = sums.Slice(kind, run.start, end)
            continue
        if run:
            yield from _sized(run)
        run = sums.Slice(kind, start, end)
    if run:
        yield from _sized(run)


def _sized(part: sums.Slice) -> Iterator[sums.Slice]:
    """The slice, cut until it holds few enough cases for a short transaction or a single day."""
    cases = Case.objects.filter(part.during("created_at"), case_type_id=part.case_type_id)
    hours = (part.end - part.start) // HOUR
    if hours <= HOURS_OF_A_DAY or cases[: MANY + 1].count() <= MANY:
        yield part
        return
    middle = part.start + hours // 2 * HOUR
    yield from _sized(sums.Slice(part.case_type_id, part.start, middle))
    yield from _sized(sums.Slice(part.case_type_id, middle, part.end))


def _sum_again(part: sums.Slice) -> int:
    with _alone():
        noted = StaleHour.objects.filter(case_type_id=part.case_type_id, start__gte=part.start, start__lt=part.end)
        count, _by_model = noted.delete()
        if count:
            for model, summed in TABLES:
                _replace(model, part, summed(part))
    return count


def _replace(model: type[Rollup], part: sums.Slice, rows: Iterable[Rollup]) -> None:
    """Put the new hours in place of the old ones, and their days likewise."""
    table: Any = model.objects.filter(case_type_id=part.case_type_id)
    table.within(Span.HOUR, part.start, part.end).delete()
    model.objects.bulk_create(rows, batch_size=500)
    first, last = floor(part.start, Span.DAY), floor(part.end - HOUR, Span.DAY) + DAY
    table.within(Span.DAY, first, last).delete()
    model.objects.bulk_create(_days(model, table.within(Span.HOUR, first, last)), batch_size=500)


def _days(model: type[Rollup], hours: Iterable[Any]) -> list[Any]:
    """The rows of the days: their hours, added up by key."""
    rows: dict[tuple[Any, ...], Any] = {}
    for part in hours:
        day = floor(part.start, Span.DAY)
        place = (day, *(getattr(part, name) for name in model.keys))
        if place not in rows:
            rows[place] = model(span=Span.DAY, start=day, **{name: getattr(part, name) for name in model.keys})
        for name in model.figures:
            setattr(rows[place], name, added(getattr(rows[place], name), getattr(part, name)))
    return list(rows.values())
