"""What every sum is made of: a slice of time, rows under construction, and the SQL of hours, buckets and seconds."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from django.db import models
from django.db.models import F, Q, QuerySet, Sum, Value
from django.db.models.functions import Cast, Floor, Least, Ln, Trunc

from cases.models.choices import Reason
from metrics import histograms
from metrics.models import MINUTE, Rollup, Span

R = TypeVar("R", bound=Rollup)
# Work on work: checks of another person's decision are no production.
CHECKS = (Reason.SECOND_READ, Reason.SECOND_APPROVAL)
LONGEST = 1e9  # seconds; what claims to have taken longer counts as this, so that no clock can overflow a sum


UNITS = {str(Span.HOUR): "hour", MINUTE: "minute"}


@dataclass(frozen=True, slots=True)
class Slice:
    """Whole hours, or minutes, of one case type, from `start` up to `end`; a row of the sums stands for one of them."""

    case_type_id: int
    start: datetime
    end: datetime
    span: str = str(Span.HOUR)

    def during(self, moment: str) -> Q:
        return Q(**{f"{moment}__gte": self.start, f"{moment}__lt": self.end})

    def grouped(
        self, found: QuerySet[Any], moment: str, by: Mapping[str, Any], **sums: Any
    ) -> Iterable[dict[str, Any]]:
        """Aggregates of what lies in the slice, by its hours or minutes (`start`) and by more."""
        keys = {"start": Trunc(moment, UNITS[self.span], tzinfo=UTC), **by}
        groups: Iterable[dict[str, Any]] = found.filter(self.during(moment)).order_by().values(**keys).annotate(**sums)
        return groups


class Rows(Generic[R]):
    """The rows of a table under construction, one per hour (or minute) and key."""

    def __init__(self, model: type[R], part: Slice) -> None:
        self.model = model
        self.part = part
        self.rows: dict[tuple[Any, ...], R] = {}
        self.histograms: defaultdict[tuple[int, str], dict[int, int]] = defaultdict(dict)

    def at(self, start: datetime, **key: Any) -> R:
        """The row of this time and key, made when it is first asked for."""
        place = (start, *key.values())
        if place not in self.rows:
            part = self.part
            self.rows[place] = self.model(case_type_id=part.case_type_id, span=part.span, start=start, **key)
        return self.rows[place]

    def count(self, row: R, name: str, *, bucket: int, count: int) -> None:
        """Put a count into a bucket of a row's histogram."""
        self.histograms[id(row), name][bucket] = count

    def __iter__(self) -> Iterator[R]:
        for row in self.rows.values():
            for name in row.figures:
                if counts := self.histograms.get((id(row), name)):
                    setattr(row, name, histograms.packed(counts))
            yield row


class Seconds(models.Func):
    """A difference of two moments as seconds; SQLite keeps it in microseconds."""

    output_field = models.FloatField()

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="(%(expressions)s / 1000000.0)", **context)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> Any:
        return self.as_sql(compiler, connection, template="EXTRACT(EPOCH FROM %(expressions)s)::float8", **context)


class Whole(models.Func):
    """A float rounded to the next whole number."""

    function = "ROUND"
    arity = 1
    output_field = models.FloatField()


def milliseconds(name: str) -> Sum:
    """SQL of a sum of seconds, in whole milliseconds: the same in whatever order they are added, as floats are not."""
    return Sum(Cast(Whole(Least(F(name), Value(LONGEST)) * Value(1000.0)), models.BigIntegerField()))


def seconds(milliseconds: Any) -> float:
    """The sum that `milliseconds` found; none counts as 0."""
    return int(milliseconds or 0) / 1000


def bucket(seconds: Any) -> models.Case:
    """SQL of `histograms.bucket_of`."""
    logarithm = Ln(seconds / Value(histograms.FLOOR)) / Value(math.log(histograms.GROWTH))
    number = Least(Floor(logarithm) + Value(1.0), Value(float(histograms.LAST)))
    return models.Case(
        models.When(models.lookups.LessThan(seconds, Value(histograms.FLOOR)), then=Value(0)),
        default=Cast(number, models.IntegerField()),
        output_field=models.IntegerField(),
    )


def confidence_bin(name: str) -> Cast:
    """SQL of the bin of a confidence: 20 of width 0.05, the last with its end."""
    number = Least(Floor(F(name) * Value(float(histograms.BINS))), Value(float(histograms.BINS - 1)))
    return Cast(number, models.IntegerField())
