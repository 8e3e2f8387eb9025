from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cases.models import Case, CaseType
from feedback.models.correction import Correction
from review.models import Decision


class Dataset(models.Model):
    """A named selection of what people said, frozen under a number. What is to be learnt from and what judges is apart."""

    case_type = models.ForeignKey(
        CaseType, on_delete=models.PROTECT, related_name="datasets", verbose_name=_("case type")
    )
    name = models.SlugField(_("name"), max_length=64)
    number = models.PositiveIntegerField(_("version"))
    selection = models.JSONField(_("selection"), default=dict)
    counts = models.JSONField(_("counts"), default=dict)
    sha256 = models.CharField("SHA-256", max_length=64)
    erased = models.PositiveIntegerField(
        _("erased since"), default=0, help_text=_("Examples that were removed because their case was erased.")
    )
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("made by")
    )
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("dataset")
        verbose_name_plural = _("datasets")
        ordering = ["-id"]
        permissions = [("export_dataset", "Can export a dataset")]
        constraints = [models.UniqueConstraint(fields=["case_type", "name", "number"], name="dataset_number_once")]

    def __str__(self) -> str:
        return f"{self.name} {self.number}"


class DatasetItem(models.Model):
    """One example of a dataset, copied so that nothing which happens later changes it."""

    class Side(models.TextChoices):
        TRAIN = "train", _("to learn from")
        EVAL = "eval", _("to judge by")

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="items", verbose_name=_("dataset"))
    position = models.PositiveIntegerField(_("position"))
    side = models.CharField(_("side"), max_length=5, choices=Side.choices)
    origin = models.CharField(_("origin"), max_length=12)
    case = models.ForeignKey(
        Case, on_delete=models.CASCADE, null=True, related_name="dataset_items", verbose_name=_("case")
    )
    decision = models.ForeignKey(
        Decision, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("decision")
    )
    correction = models.ForeignKey(
        Correction, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("correction")
    )
    text = models.TextField(_("text"))
    output = models.JSONField(_("right output"))
    rejected = models.JSONField(_("the machine's output"), null=True)
    model = models.CharField(_("model"), max_length=120, blank=True, default="")
    model_version = models.CharField(_("model version"), max_length=120, blank=True, default="")
    why = models.TextField(_("why"), blank=True, default="")

    class Meta:
        verbose_name = _("example")
        verbose_name_plural = _("examples")
        ordering = ["dataset", "position"]
        constraints = [models.UniqueConstraint(fields=["dataset", "position"], name="dataset_item_position_once")]

    def __str__(self) -> str:
        return f"{self.dataset_id}/{self.position}"
