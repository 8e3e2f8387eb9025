"""Keeps the rollups in step with the base tables: reads the audit events since last time, notes what they touch, and sums
exactly that again. Nothing is added to or subtracted from a figure, so nothing can drift.

Of the last days the sums are kept by the minute as well: what happens now touches a minute, however full its hour is,
and the hour is added up from its minutes. What touches an older hour sums that hour again, one table at a time.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Count, Max, Min, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from cases.audit import settled_id
from cases.clock import from_now
from cases.models import AuditEvent, Case
from metrics import folding, touched
from metrics.models import MINUTE, RollupCursor, Span, StaleSpan
from metrics.periods import DAY, floor
from metrics.sums import TABLES, Slice
from metrics.touched import Touch

EVENTS_AT_ONCE = 20_000
KEPT = 2 * DAY  # sums by the minute
STEPS = {MINUTE: timedelta(minutes=1), str(Span.HOUR): timedelta(hours=1)}
REST = 10  # older hours that took long are followed by a pause ten times as long, so that they never crowd out the work
NEAR = timedelta(hours=6)
LONGEST = 14 * DAY
MANY = 20_000
MOST_LATE = 200
ALWAYS = datetime(2200, 1, 1, tzinfo=UTC)


def roll_up(*, late: float | None = None) -> int:
    """Bring the rollups up to the newest settled event. Returns how many spans were summed again.

    ``late`` gives older hours at most about so many seconds, and none while the pause after the last ones lasts; what is
    left stays noted.
    """
    newest = settled_id(AuditEvent)
    while _read_events(newest):
        pass
    count = _refresh(MINUTE)
    if late is None or is_rested():
        begun = time.monotonic()
        count += _refresh(str(Span.HOUR), seconds=late)
        RollupCursor.objects.update(rest_until=from_now(seconds=REST * (time.monotonic() - begun)))
    return count


def rebuild() -> int:
    """Sum everything again. The pages keep their old figures until each hour is done."""
    newest = settled_id(AuditEvent)
    with _alone() as cursor:
        _note(touched.everything() | _summed(), cursor)
        cursor.event_id = newest
        cursor.save()
    return refresh()


def refresh() -> int:
    """Sum again all that is noted. Returns how many spans that were."""
    return _refresh(MINUTE) + _refresh(str(Span.HOUR))


def is_rested() -> bool:
    """Whether the pause after the last older hours is over."""
    return not RollupCursor.objects.filter(rest_until__gt=Now()).exists()


def lag() -> timedelta:
    """How long the oldest event that is not in the sums has been waiting for that. Older hours wait apart."""
    cursor = RollupCursor.objects.values_list("event_id", flat=True).first() or 0
    at = AuditEvent.objects.filter(pk__gt=cursor).order_by("pk").values_list("at", flat=True).first()
    return max(timedelta(0), timezone.now() - at) if at else timedelta(0)


@contextmanager
def _alone() -> Iterator[RollupCursor]:
    """A transaction that no other run shares; SQLite's writers are alone anyway."""
    with transaction.atomic():
        cursor = RollupCursor.objects.select_for_update().get_or_create(pk=1)[0]
        _keep_minutes(cursor)
        yield cursor


def _read_events(newest: int) -> bool:
    """Note what the next events touch. False when there was none left."""
    with _alone() as cursor:
        events = AuditEvent.objects.filter(pk__gt=cursor.event_id, pk__lte=newest)
        next_ones = events.order_by("pk").values("pk")[:EVENTS_AT_ONCE]
        upper = next_ones.aggregate(upper=Max("pk"))["upper"]
        if upper is None:
            return False
        _note(touched.by_events(events.filter(pk__lte=upper)), cursor)
        cursor.event_id = upper
        cursor.save()
    return True


def _keep_minutes(cursor: RollupCursor) -> None:
    """Begin to keep minutes with the next full hour, and forget those that are old enough."""
    hour = floor(timezone.now(), Span.HOUR)
    since = cursor.minutes_since
    if since is None:
        cursor.minutes_since = hour + STEPS[Span.HOUR]
        _note({minute for touch in _summed(since=cursor.minutes_since) for minute in _minutes_of(touch)}, cursor)
    elif since < hour - KEPT - STEPS[Span.HOUR]:
        cursor.minutes_since = hour - KEPT
        for model, _summing in TABLES.values():
            model.objects.filter(span=MINUTE, start__lt=cursor.minutes_since).delete()
    else:
        return
    cursor.save()


def _summed(since: datetime | None = None) -> set[Touch]:
    """What there are sums of."""
    found: set[Touch] = set()
    for table, (model, _summing) in TABLES.items():
        rows = model.objects.filter(span__in=STEPS).filter(**{"start__gte": since} if since else {})
        found |= {(kind, table, start) for kind, start in rows.order_by().values_list("case_type", "start").distinct()}
    return found


def _minutes_of(touch: Touch) -> Iterator[Touch]:
    kind, table, hour = touch
    return ((kind, table, hour + number * STEPS[MINUTE]) for number in range(60))


def _note(touches: Iterable[Touch], cursor: RollupCursor) -> None:
    since = cursor.minutes_since or ALWAYS
    steps = {(kind, table, start if start >= since else floor(start, Span.HOUR)) for kind, table, start in touches}
    rows = (StaleSpan(case_type_id=kind, table=table, start=start) for kind, table, start in sorted(steps))
    StaleSpan.objects.bulk_create(rows, batch_size=1000, ignore_conflicts=True)


def _refresh(span: str, *, seconds: float | None = None) -> int:
    """Sum again what is noted of a span until the time is over; an older hour one table per transaction."""
    begun, count = time.monotonic(), 0
    for part in _slices(span, most=None if seconds is None else MOST_LATE):
        tables = sorted(_stale(part).order_by().values_list("table", flat=True).distinct())
        for some in [tables] if span == MINUTE else [[table] for table in tables]:
            if seconds is not None and time.monotonic() - begun > seconds:
                return count
            count += _sum_again(some, part)
    return count


def _slices(span: str, *, most: int | None) -> list[Slice]:
    """What is noted of a span (the newest of it) as slices, the newest first."""
    since = RollupCursor.objects.values_list("minutes_since", flat=True).first() or ALWAYS
    noted = StaleSpan.objects.filter(start__gte=since) if span == MINUTE else StaleSpan.objects.filter(start__lt=since)
    steps = noted.order_by("-start").values_list("case_type_id", "start").distinct()[:most]
    hours = {(kind, start if span == MINUTE else floor(start, Span.HOUR)) for kind, start in steps}
    return sorted(_runs(sorted(hours), span), key=lambda part: part.start, reverse=True)


def _runs(stale: Iterable[tuple[int, datetime]], span: str) -> Iterator[Slice]:
    """Hours that lie near each other as one slice: composing the queries costs more than summing an hour in between."""
    run: Slice | None = None
    for kind, start in stale:
        end = start + STEPS[span]
        if run and kind == run.case_type_id and start - run.end <= NEAR and end - run.start <= LONGEST:
            run = Slice(kind, run.start, end, span)
            continue
        if run:
            yield from _sized(run)
        run = Slice(kind, start, end, span)
    if run:
        yield from _sized(run)


def _sized(part: Slice) -> Iterator[Slice]:
    """The slice, cut until it holds few enough cases for a short transaction, or is a single step."""
    cases = Case.objects.filter(part.during("created_at"), case_type_id=part.case_type_id)
    steps = (part.end - part.start) // STEPS[part.span]
    if steps <= 1 or cases[: MANY + 1].count() <= MANY:
        yield part
        return
    middle = part.start + steps // 2 * STEPS[part.span]
    yield from _sized(Slice(part.case_type_id, part.start, middle, part.span))
    yield from _sized(Slice(part.case_type_id, middle, part.end, part.span))


def _stale(part: Slice) -> QuerySet[StaleSpan]:
    return StaleSpan.objects.filter(case_type_id=part.case_type_id, start__gte=part.start, start__lt=part.end)


def _sum_again(tables: list[str], part: Slice) -> int:
    """Some tables of a slice, as far as they are noted."""
    with _alone() as cursor:
        if part.span == MINUTE and part.start < (cursor.minutes_since or ALWAYS):
            return 0  # its minutes have been forgotten since; it is an hour's turn now
        stale = _stale(part).filter(table__in=tables)
        noted = list(stale.order_by().values_list("table").annotate(Min("start"), Max("start"), Count("pk")))
        stale.delete()
        for table, first, last, _count in noted:
            model, summing = TABLES[table]
            narrow = Slice(part.case_type_id, _begin(first, part), _begin(last, part) + STEPS[part.span], part.span)
            folding.put(model, narrow, summing(narrow))
    return sum(count for *_ends, count in noted)


def _begin(start: datetime, part: Slice) -> datetime:
    return start if part.span == MINUTE else floor(start, Span.HOUR)
