"""What happened to cases and tasks: sums by hour and by day, recomputed from the base tables whenever an event touches
their hour. One narrow table per question that a page asks."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from metrics.models.base import HistogramField, Rollup


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
    """What do people do, and do they keep up? By queue and priority. Durations are histograms."""

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
    active = HistogramField(_("active seconds, output shown"))
    blind = HistogramField(_("active seconds, read blind"))
    waiting = HistogramField(_("seconds until claimed"))

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["span", "start", "case_type", "queue_id", "priority"], name="work_rollup_once"
            )
        ]


class PaceRollup(Rollup):
    """How long does it take, whatever the queue? A page of ninety days reads this instead of every queue's histograms."""

    keys = ("case_type_id",)
    figures = ("active", "blind", "waiting")

    active = HistogramField(_("active seconds, output shown"))
    blind = HistogramField(_("active seconds, read blind"))
    waiting = HistogramField(_("seconds until claimed"))

    class Meta:
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=["span", "start", "case_type"], name="pace_rollup_once")]


class SourceRollup(Rollup):
    """Where do the cases come from?"""

    keys = ("case_type_id", "source")
    figures = ("received",)

    source = models.CharField(_("source"), max_length=120, blank=True, default="")
    received = models.PositiveIntegerField(_("received"), default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["span", "start", "case_type", "source"], name="source_rollup_once")
        ]


class PersonRollup(Rollup):
    """How does each person work? In the hour of the decision; known cases apart from production, in the hour of the answer."""

    keys = ("case_type_id", "user_id")
    figures = (
        *("decided", "shown", "overrides", "checked", "wrong", "active_seconds", "active"),
        *("planted_wrong", "planted_caught"),
    )

    user_id = models.BigIntegerField(_("person"))
    decided = models.PositiveIntegerField(_("decided"), default=0)
    shown = models.PositiveIntegerField(_("decided on a shown output"), default=0)
    overrides = models.PositiveIntegerField(_("of these changed"), default=0)
    checked = models.PositiveIntegerField(_("decisions checked later"), default=0)
    wrong = models.PositiveIntegerField(_("of these wrong"), default=0)
    active_seconds = models.FloatField(_("human time (seconds)"), default=0)
    active = HistogramField(_("active seconds, output shown"))
    planted_wrong = models.PositiveIntegerField(_("known cases shown with a wrong output"), default=0)
    planted_caught = models.PositiveIntegerField(_("of these caught"), default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(fields=["span", "start", "case_type", "user_id"], name="person_rollup_once")
        ]
