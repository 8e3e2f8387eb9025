from __future__ import annotations

from django.core.files.storage import default_storage
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cases.models import Case, CaseType
from review.models import Decision


class LabelledExample(models.Model):
    """An input whose right output is known from outside (an import with ``--truth``)."""

    case_type = models.ForeignKey(
        CaseType, on_delete=models.CASCADE, related_name="examples", verbose_name=_("case type")
    )
    source = models.CharField(_("source"), max_length=120)
    external_id = models.CharField(_("external id"), max_length=200)
    payload = models.JSONField(_("payload"))
    output = models.JSONField(_("output"))
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("labelled example")
        verbose_name_plural = _("labelled examples")
        constraints = [
            models.UniqueConstraint(fields=["case_type", "source", "external_id"], name="example_once_per_source"),
        ]

    def __str__(self) -> str:
        return f"{self.source}/{self.external_id}"


class Fingerprint(models.Model):
    """The words of a case that a person decided, as numbers: sorted unsigned integers of four bytes each."""

    case = models.OneToOneField(Case, on_delete=models.CASCADE, related_name="fingerprint", verbose_name=_("case"))
    case_type = models.ForeignKey(CaseType, on_delete=models.CASCADE, related_name="+", verbose_name=_("case type"))
    decision = models.ForeignKey(Decision, on_delete=models.CASCADE, related_name="+", verbose_name=_("decision"))
    terms = models.BinaryField(_("terms"))

    class Meta:
        verbose_name = _("fingerprint")
        verbose_name_plural = _("fingerprints")
        indexes = [models.Index(fields=["case_type", "id"], name="fingerprint_by_type")]

    def __str__(self) -> str:
        return f"#{self.case_id}"


class ModelVersion(models.Model):
    """One trained local model with what it was trained on and how it did."""

    class Status(models.TextChoices):
        CANDIDATE = "candidate", _("candidate")
        SHADOW = "shadow", _("in the shadow")
        ACTIVE = "active", _("active")
        RETIRED = "retired", _("retired")
        REFUSED = "refused", _("not better")

    case_type = models.ForeignKey(
        CaseType, on_delete=models.PROTECT, related_name="model_versions", verbose_name=_("case type")
    )
    number = models.PositiveIntegerField(_("number"))
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.CANDIDATE)
    artifact = models.FileField(_("artifact"), upload_to="models/", storage=default_storage)
    sha256 = models.CharField("SHA-256", max_length=64)
    judged = models.FileField(
        _("judged twin"),
        upload_to="models/",
        storage=default_storage,
        help_text=_("The same model trained without the held-out examples, so that it can be compared on them."),
    )
    metrics = models.JSONField(_("metrics"), default=dict)
    trained_on = models.JSONField(_("trained on"), default=dict)
    created_at = models.DateTimeField(_("created"), db_default=Now())
    promoted_at = models.DateTimeField(_("promoted"), null=True, blank=True)

    class Meta:
        verbose_name = _("model version")
        verbose_name_plural = _("model versions")
        ordering = ["case_type", "-number"]
        permissions = [("promote_modelversion", "Can promote or roll back a model")]
        constraints = [
            models.UniqueConstraint(fields=["case_type", "number"], name="model_number_once"),
            models.UniqueConstraint(
                fields=["case_type"], condition=models.Q(status="active"), name="model_one_active_per_case_type"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_type} {self.number}"
