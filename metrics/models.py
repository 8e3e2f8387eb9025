"""What the reports read: sums by hour and by day, recomputed from the base tables whenever an event touches their hour."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cases.models import CaseType


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


class FlowRollup(Rollup):
    """Where did the cases go? By mode and by the reason of their routing; no reason means that policy decided."""

    keys = ("case_type_id", "mode", "reason")
    figures = ("received", "routed", "closed")

    mode = models.CharField(_("mode"), max_length=20, blank=True, default="")
    reason = models.CharField(_("reason"), max_length=20, blank=True, default="")
    received = models.PositiveIntegerField(_("received"), default=0)
    routed = models.PositiveIntegerField(_("routed"), default=0)
    closed = models.PositiveIntegerField(_("closed"), default=0)

    class Meta:
        default_permissions = ()
        permissions = [("view_report", _("Can see reports"))]
        constraints = [
            models.UniqueConstraint(fields=["span", "start", "case_type", "mode", "reason"], name="flow_rollup_once")
        ]


class WorkRollup(Rollup):
    """What do people do, and do they keep up? By queue and priority. Durations are histograms, `{"bucket": count}`."""

    keys = ("case_type_id", "queue_id", "priority")
    figures = (
        *("opened", "ended", "met", "late", "unmet", "shown", "overrides", "checked", "wrong", "active_seconds"),
        *("active", "blind", "waiting"),
    )

    queue_id = models.BigIntegerField(_("queue"))
    priority = models.PositiveSmallIntegerField(_("priority"))
    opened = models.PositiveIntegerField(_("tasks opened"), default=0)
    ended = models.PositiveIntegerField(_("tasks ended"), default=0)
    met = models.PositiveIntegerField(_("decided by their due moment"), default=0)
    late = models.PositiveIntegerField(_("decided later"), default=0)
    unmet = models.PositiveIntegerField(_("due and still open"), default=0)
    shown = models.PositiveIntegerField(_("decided on a shown output"), default=0)
    overrides = models.PositiveIntegerField(_("of these changed"), default=0)
    checked = models.PositiveIntegerField(_("decisions checked later"), default=0)
    wrong = models.PositiveIntegerField(_("of these wrong"), default=0)
    active_seconds = models.FloatField(_("human time (seconds)"), default=0)
    active = models.JSONField(_("active seconds, output shown"), default=dict)
    blind = models.JSONField(_("active seconds, read blind"), default=dict)
    waiting = models.JSONField(_("seconds until claimed"), default=dict)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["span", "start", "case_type", "queue_id", "priority"], name="work_rollup_once"
            )
        ]


class SampleRollup(Rollup):
    """How good is the machine? By the probability of the intake coin, over cases by the hour of their first decision."""

    keys = ("case_type_id", "probability", "automated")
    figures = ("decided", "read", "wrong", "seconds")

    probability = models.FloatField(_("probability"))
    automated = models.BooleanField(_("decided by policy"))
    decided = models.PositiveIntegerField(_("decided"), default=0)
    read = models.PositiveIntegerField(_("read"), default=0)
    wrong = models.PositiveIntegerField(_("found wrong"), default=0)
    seconds = models.FloatField(_("reading time (seconds)"), default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["span", "start", "case_type", "probability", "automated"], name="sample_rollup_once"
            )
        ]


class CheckRollup(Rollup):
    """How good are people? Their decisions that were checked, by the chance of that, in the hour they were made."""

    keys = ("case_type_id", "probability")
    figures = ("checked", "wrong")

    probability = models.FloatField(_("probability"))
    checked = models.PositiveIntegerField(_("checked"), default=0)
    wrong = models.PositiveIntegerField(_("found wrong"), default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["span", "start", "case_type", "probability"], name="check_rollup_once")
        ]


class StaleHour(models.Model):
    """An hour that an event has touched since it was summed."""

    case_type = models.ForeignKey(CaseType, on_delete=models.CASCADE, related_name="+")
    start = models.DateTimeField()

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["case_type", "start"], name="stale_hour_once")]

    def __str__(self) -> str:
        return f"{self.case_type_id} {self.start:%Y-%m-%d %H:%M}"


class RollupCursor(models.Model):
    """How far the audit events have been read: one row. Rebuilding sets it to the newest event."""

    event_id = models.BigIntegerField(default=0)
    rest_until = models.DateTimeField(db_default=Now())

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return str(self.event_id)
