from __future__ import annotations

from django.conf import settings as configuration
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cases.models import Case, CaseType
from feedback.models.dataset import Dataset
from feedback.models.learning import ModelVersion


class PromptVersion(models.Model):
    """One version of what a language model is told: template, choice of few-shot examples and settings. Never edited."""

    class Status(models.TextChoices):
        CANDIDATE = "candidate", _("candidate")
        SHADOW = "shadow", _("in the shadow")
        ACTIVE = "active", _("active")
        RETIRED = "retired", _("retired")
        REFUSED = "refused", _("not better")

    case_type = models.ForeignKey(
        CaseType, on_delete=models.PROTECT, related_name="prompt_versions", verbose_name=_("case type")
    )
    number = models.PositiveIntegerField(_("number"))
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.CANDIDATE)
    template = models.TextField(_("template"), blank=True, default="")
    few_shot = models.JSONField(_("few-shot examples"), default=dict)
    settings = models.JSONField(_("settings"), default=dict)
    dataset = models.ForeignKey(
        Dataset, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("dataset")
    )
    metrics = models.JSONField(_("metrics"), default=dict)
    made_by = models.ForeignKey(
        configuration.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("made by")
    )
    created_at = models.DateTimeField(_("created"), db_default=Now())
    promoted_at = models.DateTimeField(_("promoted"), null=True, blank=True)

    class Meta:
        verbose_name = _("prompt version")
        verbose_name_plural = _("prompt versions")
        ordering = ["case_type", "-number"]
        permissions = [("promote_promptversion", "Can promote or roll back a prompt")]
        constraints = [
            models.UniqueConstraint(fields=["case_type", "number"], name="prompt_number_once"),
            models.UniqueConstraint(
                fields=["case_type"], condition=models.Q(status="active"), name="prompt_one_active_per_case_type"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_type} {self.number}"


class ShadowPrediction(models.Model):
    """What a version in the shadow would have said of a case, beside what the version at work said."""

    model = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, null=True, blank=True, related_name="shadowed", verbose_name=_("model")
    )
    prompt = models.ForeignKey(
        PromptVersion,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="shadowed",
        verbose_name=_("prompt"),
    )
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+", verbose_name=_("case"))
    label = models.CharField(_("label"), max_length=200, blank=True, default="")
    confidence = models.FloatField(_("confidence"))
    said = models.CharField(_("label at work"), max_length=200, blank=True, default="")
    at = models.DateTimeField(_("at"), db_default=Now())

    class Meta:
        verbose_name = _("shadow prediction")
        verbose_name_plural = _("shadow predictions")
        constraints = [
            models.UniqueConstraint(fields=["model", "case"], name="shadow_once_per_model"),
            models.UniqueConstraint(fields=["prompt", "case"], name="shadow_once_per_prompt"),
        ]

    def __str__(self) -> str:
        return f"#{self.case_id} {self.label}"


class Run(models.Model):
    """A training, evaluation or replay in the background, with its progress."""

    class Kind(models.TextChoices):
        TRAIN = "train", _("training")
        EVALUATE = "evaluate", _("evaluation")
        REPLAY = "replay", _("replay of last week")

    class Status(models.TextChoices):
        WAITING = "waiting", _("waiting")
        RUNNING = "running", _("running")
        DONE = "done", _("done")
        FAILED = "failed", _("failed")

    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    case_type = models.ForeignKey(CaseType, on_delete=models.PROTECT, related_name="runs", verbose_name=_("case type"))
    dataset = models.ForeignKey(
        Dataset, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("dataset")
    )
    model = models.ForeignKey(
        ModelVersion, on_delete=models.CASCADE, null=True, blank=True, related_name="runs", verbose_name=_("model")
    )
    prompt = models.ForeignKey(
        PromptVersion, on_delete=models.CASCADE, null=True, blank=True, related_name="runs", verbose_name=_("prompt")
    )
    status = models.CharField(_("status"), max_length=8, choices=Status.choices, default=Status.WAITING)
    progress = models.FloatField(_("progress"), default=0.0)
    message = models.CharField(_("message"), max_length=300, blank=True, default="")
    started_by = models.CharField(_("started by"), max_length=150, blank=True, default="")
    lease_token = models.CharField(max_length=32, blank=True, default="", editable=False)
    lease_until = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), db_default=Now())
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.case_type}"
