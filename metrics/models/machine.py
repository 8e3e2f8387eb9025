"""What the machine said and how good it was, by its versions; how good people were."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from metrics.models.base import HistogramField, Rollup


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


class MachineRollup(Rollup):
    """What did the machine say, at what cost? By the hour of its answer. `confidence` counts answers by bin, 20 of 0.05."""

    keys = ("case_type_id", "model", "model_version")
    figures = ("answers", "errors", "cost", "tokens_in", "tokens_out", "latency", "confidence")

    model = models.CharField(_("model"), max_length=120, blank=True, default="")
    model_version = models.CharField(_("model version"), max_length=64, blank=True, default="")
    answers = models.PositiveIntegerField(_("answers"), default=0)
    errors = models.PositiveIntegerField(_("failures"), default=0)
    cost = models.DecimalField(_("cost (USD)"), max_digits=18, decimal_places=6, default=0)
    tokens_in = models.BigIntegerField(_("tokens read"), default=0)
    tokens_out = models.BigIntegerField(_("tokens written"), default=0)
    latency = HistogramField(_("seconds until answered"))
    confidence = HistogramField(_("answers by confidence"))

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["span", "start", "case_type", "model", "model_version"], name="machine_rollup_once"
            )
        ]


class VersionRollup(Rollup):
    """What became of each version's answers? In the hour of routing and of the decision, by the answer that was used."""

    keys = ("case_type_id", "mode", "model", "model_version")
    figures = ("routed", "escalated", "automated", "shown", "overrides")

    mode = models.CharField(_("mode"), max_length=20, blank=True, default="")
    model = models.CharField(_("model"), max_length=120, blank=True, default="")
    model_version = models.CharField(_("model version"), max_length=64, blank=True, default="")
    routed = models.PositiveIntegerField(_("routed"), default=0)
    escalated = models.PositiveIntegerField(_("escalated"), default=0)
    automated = models.PositiveIntegerField(_("decided by policy"), default=0)
    shown = models.PositiveIntegerField(_("decided on a shown output"), default=0)
    overrides = models.PositiveIntegerField(_("of these changed"), default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["span", "start", "case_type", "mode", "model", "model_version"], name="version_rollup_once"
            )
        ]


class CertaintyRollup(Rollup):
    """Is the machine as good as it says? First decisions by the bin of the confidence (20 of 0.05) and the chance to be read."""

    keys = ("case_type_id", "model", "model_version", "confidence_bin", "probability", "automated")
    figures = ("decided", "read", "wrong")

    model = models.CharField(_("model"), max_length=120, blank=True, default="")
    model_version = models.CharField(_("model version"), max_length=64, blank=True, default="")
    confidence_bin = models.PositiveSmallIntegerField(_("bin of the confidence"))
    probability = models.FloatField(_("probability"))
    automated = models.BooleanField(_("decided by policy"))
    decided = models.PositiveIntegerField(_("decided"), default=0)
    read = models.PositiveIntegerField(_("read"), default=0)
    wrong = models.PositiveIntegerField(_("found wrong"), default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=[
                    *("span", "start", "case_type", "model", "model_version"),
                    *("confidence_bin", "probability", "automated"),
                ],
                name="certainty_rollup_once",
            )
        ]


class LabelRollup(Rollup):
    """Which label is taken for which? The machine's beside the person's, on shown outputs and on sampled cases apart."""

    keys = ("case_type_id", "said", "answered", "sampled")
    figures = ("count",)

    said = models.CharField(_("the machine said"), max_length=200, blank=True, default="")
    answered = models.CharField(_("a person answered"), max_length=200, blank=True, default="")
    sampled = models.BooleanField(_("read as a sample"))
    count = models.PositiveIntegerField(_("count"), default=0)

    class Meta:
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(
                fields=["span", "start", "case_type", "said", "answered", "sampled"], name="label_rollup_once"
            )
        ]
