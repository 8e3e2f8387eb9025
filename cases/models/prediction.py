from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cases.models.case import Case


class Prediction(models.Model):
    """What a model said about a case. Never edited; the newest one counts, the earlier ones are kept."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="predictions", verbose_name=_("case"))
    output = models.JSONField(_("output"), null=True, blank=True)
    label = models.CharField(_("label"), max_length=200, blank=True, default="")
    confidence = models.FloatField(_("confidence"), default=0)
    raw_confidence = models.FloatField(_("raw confidence"), null=True, blank=True)
    rationale = models.TextField(_("rationale"), blank=True, default="")
    fields = models.JSONField(_("confidence by field"), default=dict, blank=True)
    evidence = models.JSONField(_("evidence"), default=list, blank=True)
    alternatives = models.JSONField(_("alternatives"), default=list, blank=True)
    out_of_scope = models.BooleanField(_("out of scope"), default=False)
    suspicious = models.BooleanField(_("suspicious"), default=False)
    model = models.CharField(_("model"), max_length=120, blank=True, default="")
    model_version = models.CharField(_("model version"), max_length=64, blank=True, default="")
    cost = models.DecimalField(_("cost (USD)"), max_digits=12, decimal_places=6, null=True, blank=True)
    tokens = models.JSONField(_("tokens"), default=dict, blank=True)
    latency_ms = models.PositiveIntegerField(_("latency (ms)"), default=0)
    error = models.TextField(_("error"), blank=True, default="")
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("prediction")
        verbose_name_plural = _("predictions")
        indexes = [models.Index(fields=["created_at"], name="prediction_by_time")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(confidence__gte=0, confidence__lte=1), name="prediction_confidence_is_a_share"
            ),
            models.CheckConstraint(
                condition=models.Q(output__isnull=False) | ~models.Q(error=""), name="prediction_answers_or_tells_why"
            ),
        ]

    def __str__(self) -> str:
        return self.error or f"{self.label} ({self.confidence:.0%})"
