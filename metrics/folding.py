"""Putting sums in place: of minutes or hours as they were summed, and of the hours and days that these add up to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import timedelta
from typing import Any

from django.db.models import QuerySet

from metrics.breakdowns import added
from metrics.models import MINUTE, Rollup, Span
from metrics.periods import STEPS, floor
from metrics.sums import Slice

AT_ONCE = 1000
LEVELS = ((MINUTE, Span.HOUR), (str(Span.HOUR), Span.DAY))
LEAST = timedelta(microseconds=1)


def put(model: type[Rollup], part: Slice, rows: Iterable[Rollup]) -> None:
    """Put the rows of a slice in place of the old ones, and what is added up from them likewise."""
    _replace(model, part, rows)
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


def folded(model: type[Rollup], fine: str, part: Slice) -> Iterator[Rollup]:
    """The rows of a shorter span, added up by key to those of the slice."""
    found: defaultdict[tuple[Any, ...], list[list[Any]]] = defaultdict(list)
    keys = len(model.keys)
    for at, *values in _within(model, fine, part).values_list("start", *model.keys, *model.figures):
        found[floor(at, Span(part.span)), *values[:keys]].append(values[keys:])
    names = ("start", *model.keys, *model.figures)
    for place, rows in found.items():
        sums = (added(figures) for figures in zip(*rows, strict=True))
        yield model(span=part.span, **dict(zip(names, (*place, *sums), strict=True)))
