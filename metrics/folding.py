"""Putting sums in place: of minutes or hours as they were summed, and of the hours and days that these add up to."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet

from metrics.breakdowns import added, in_order
from metrics.models import MINUTE, Rollup, Span
from metrics.periods import STEPS, floor
from metrics.sums import Slice

AT_ONCE = 1000
LEVELS = ((MINUTE, Span.HOUR), (str(Span.HOUR), Span.DAY))
LEAST = timedelta(microseconds=1)


def put(model: type[Rollup], part: Slice, rows: Iterable[Rollup]) -> None:
    """Put the rows of a slice in place of the old ones, and what is added up from them likewise."""
    _replace(model, part, [_settled(row) for row in rows])
    for fine, coarse in LEVELS if part.span == MINUTE else LEVELS[1:]:
        first, last = floor(part.start, coarse), floor(part.end - LEAST, coarse)
        whole = Slice(part.case_type_id, first, last + STEPS[coarse], coarse)
        _replace(model, whole, folded(model, fine, whole))


def _replace(model: type[Any], part: Slice, rows: Iterable[Rollup]) -> None:
    _within(model, part.span, part).delete()
    counted = [row for row in rows if any(getattr(row, name) for name in model.figures)]
    model.objects.bulk_create(counted, batch_size=AT_ONCE)


def _within(model: type[Any], span: str, part: Slice) -> QuerySet[Any]:
    rows: QuerySet[Any] = model.objects.within(span, part.start, part.end).filter(case_type=part.case_type_id)
    return rows.order_by()


def _settled(row: Rollup) -> Rollup:
    """The row with its histograms in order: equal rows are equal to the byte."""
    for name in row.figures:
        if isinstance(counts := getattr(row, name), dict):
            setattr(row, name, in_order(counts))
    return row


def folded(model: type[Rollup], fine: str, part: Slice) -> Iterable[Rollup]:
    """The rows of a shorter span, added up by key to those of the slice."""
    found: dict[tuple[Any, ...], list[Any]] = {}
    keys = len(model.keys)
    for at, *values in _within(model, fine, part).values_list("start", *model.keys, *model.figures):
        place, figures = (floor(at, Span(part.span)), *values[:keys]), values[keys:]
        there = found.get(place)
        found[place] = [added(*pair) for pair in zip(there, figures, strict=True)] if there else figures
    names = ("start", *model.keys, *model.figures)
    return [model(span=part.span, **dict(zip(names, (*place, *found[place]), strict=True))) for place in found]
