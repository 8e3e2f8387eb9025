"""A sum over some time, and how the sums are kept in step."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cases.models import CaseType

MINUTE = "min"  # a `span` that the rollups keep for themselves, for some days; no page reads it


class HistogramField(models.BinaryField):  # type: ignore[type-arg]
    """Counts by bucket, packed (`metrics.histograms`). Histograms are added by putting them behind each other."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"default": b"", **kwargs})

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> bytes | None:
        return None if value is None else bytes(value)


class Span(models.TextChoices):
    """How long the time is that one row sums up, in UTC."""

    HOUR = "hour", _("hour")
    DAY = "day", _("day")


class RollupQuerySet(models.QuerySet[Any]):
    def within(self, span: str, start: datetime, end: datetime) -> Self:
        """Rows of a span that begin in [start, end)."""
        return self.filter(span=span, start__gte=start, start__lt=end)


class Rollup(models.Model):
    """A sum over one case type and one span of time. Nothing but `metrics.rollup` writes it; it can be rebuilt at will."""

    keys: ClassVar[tuple[str, ...]]  # what tells the rows of one span apart
    figures: ClassVar[tuple[str, ...]]  # what is summed

    case_type = models.ForeignKey(CaseType, on_delete=models.CASCADE, related_name="+", verbose_name=_("case type"))
    span = models.CharField(_("span"), max_length=4, choices=Span.choices)
    start = models.DateTimeField(_("start"))

    objects = RollupQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.case_type_id} {self.start:%Y-%m-%d %H:%M} {self.span}"


class StaleSpan(models.Model):
    """A minute, or an older hour, of one rollup that an event has touched since it was summed."""

    case_type = models.ForeignKey(CaseType, on_delete=models.CASCADE, related_name="+")
    table = models.CharField(max_length=12)
    start = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["case_type", "table", "start"], name="stale_span_once")]

    def __str__(self) -> str:
        return f"{self.case_type_id} {self.table} {self.start:%Y-%m-%d %H:%M}"


class RollupCursor(models.Model):
    """How far the audit events have been read: one row. Rebuilding sets it to the newest event."""

    event_id = models.BigIntegerField(default=0)
    rest_until = models.DateTimeField(db_default=Now())
    minutes_since = models.DateTimeField(null=True)  # from this full hour on, hours are added up from minutes

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.event_id)
