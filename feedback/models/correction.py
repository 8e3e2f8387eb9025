from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cases.models import Case, CaseType, Prediction
from feedback.models.quality import Draw, SecondRead
from review.models import Decision


class Sample(models.Model):
    """One case of the intake coin, read blind: evaluation data, never training data while it serves."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="samples", verbose_name=_("case"))
    decision = models.OneToOneField(
        Decision, on_delete=models.PROTECT, null=True, blank=True, related_name="sample", verbose_name=_("decision")
    )
    prediction = models.ForeignKey(
        Prediction, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("prediction")
    )
    probability = models.FloatField(_("probability"))
    automated = models.BooleanField(_("automated"))
    first_answer = models.JSONField(_("first answer"))
    final_answer = models.JSONField(_("final answer"))
    correct = models.BooleanField(_("the machine was right"))
    read_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("read by")
    )
    active_seconds = models.FloatField(_("active seconds"), null=True, blank=True)
    read_at = models.DateTimeField(_("read"), db_default=Now())
    draw = models.OneToOneField(
        Draw, on_delete=models.PROTECT, null=True, blank=True, related_name="sample", verbose_name=_("draw")
    )
    uniform = models.BooleanField(_("uniform"), default=True)
    released_at = models.DateTimeField(_("released for training"), null=True, blank=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("released by"),
    )
    released_because = models.CharField(_("released because"), max_length=300, blank=True, default="")

    class Meta:
        verbose_name = _("sample")
        verbose_name_plural = _("samples")
        indexes = [models.Index(fields=["read_at"], name="sample_by_time")]

    def __str__(self) -> str:
        return f"#{self.case_id}"


class OutcomeReport(models.Model):
    """News from downstream that a decision was right or wrong."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="outcome_reports", verbose_name=_("case"))
    decision = models.ForeignKey(
        Decision, on_delete=models.PROTECT, related_name="outcome_reports", verbose_name=_("decision")
    )
    correct = models.BooleanField(_("correct"))
    output = models.JSONField(_("right output"), null=True, blank=True)
    source = models.CharField(_("source"), max_length=120)
    note = models.TextField(_("note"), blank=True, default="")
    reported_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("reported by")
    )
    reported_at = models.DateTimeField(_("reported"), db_default=Now())

    class Meta:
        verbose_name = _("outcome report")
        verbose_name_plural = _("outcome reports")
        constraints = [
            models.UniqueConstraint(fields=["decision", "source"], name="outcome_once_per_decision_and_source")
        ]
        indexes = [models.Index(fields=["reported_at"], name="outcome_by_time")]

    def __str__(self) -> str:
        return f"#{self.case_id} {_('right') if self.correct else _('wrong')}"


class Correction(models.Model):
    """An override, sample error or outcome report as a training record, with its lineage."""

    class Source(models.TextChoices):
        OVERRIDE = "override", _("override")
        SAMPLE = "sample", _("sample")
        OUTCOME = "outcome", _("outcome report")
        ADJUDICATION = "adjudication", _("adjudication")

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="corrections", verbose_name=_("case"))
    case_type = models.ForeignKey(
        CaseType, on_delete=models.PROTECT, related_name="+", verbose_name=_("case type"), editable=False
    )
    source = models.CharField(_("source"), max_length=12, choices=Source.choices)
    decision = models.ForeignKey(
        Decision,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="corrections",
        verbose_name=_("decision"),
    )
    report = models.OneToOneField(
        OutcomeReport,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="correction",
        verbose_name=_("report"),
    )
    sample = models.OneToOneField(
        Sample, on_delete=models.PROTECT, null=True, blank=True, related_name="correction", verbose_name=_("sample")
    )
    second_read = models.OneToOneField(
        SecondRead,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="correction",
        verbose_name=_("second read"),
    )
    prediction = models.ForeignKey(
        Prediction, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("prediction")
    )
    before = models.JSONField(_("before"), null=True, blank=True)
    after = models.JSONField(_("after"), null=True, blank=True)
    label_before = models.CharField(_("label before"), max_length=200, blank=True, default="")
    label_after = models.CharField(_("label after"), max_length=200, blank=True, default="")
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("given by"),
    )
    why = models.TextField(_("why"), blank=True, default="")
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("correction")
        verbose_name_plural = _("corrections")
        constraints = [
            models.UniqueConstraint(
                fields=["decision"], condition=models.Q(source="override"), name="correction_once_per_override"
            ),
        ]
        indexes = [models.Index(fields=["case_type", "label_before", "-id"], name="correction_by_answer")]

    def __str__(self) -> str:
        return f"#{self.case_id} {self.label_before} → {self.label_after}"
