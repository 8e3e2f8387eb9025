from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cases.models import Case, Prediction
from review.models.policy import Policy
from review.models.task import ReviewTask


class DecisionBatch(models.Model):
    """Alike cases that one person decided together, each checked by itself; undone together."""

    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    at = models.DateTimeField(_("at"), db_default=Now())
    undone_at = models.DateTimeField(_("undone"), null=True, blank=True)

    class Meta:
        verbose_name = _("bulk decision")
        verbose_name_plural = _("bulk decisions")

    def __str__(self) -> str:
        return f"#{self.pk}"


class DecisionQuerySet(models.QuerySet["Decision"]):
    def by_people(self) -> Self:
        return self.filter(task__isnull=False)

    def by_policy(self) -> Self:
        return self.filter(task__isnull=True)

    def waiting(self) -> Self:
        """Held, with no verdict of a second person yet."""
        return self.filter(held=True, approval__isnull=True)

    def in_force(self) -> Self:
        """Those that were never held, or approved by a second person."""
        return self.filter(models.Q(held=False) | models.Q(approval__approved=True))


class Decision(models.Model):
    """What was decided about one version of a case. Never edited; a later decision points at the one it supersedes."""

    class Outcome(models.TextChoices):
        APPROVE = "approve", _("approved")
        AMEND = "amend", _("amended")
        REJECT = "reject", _("rejected")

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="decisions", verbose_name=_("case"))
    case_version = models.PositiveIntegerField(_("case version"))
    task = models.OneToOneField(
        ReviewTask, on_delete=models.PROTECT, null=True, blank=True, related_name="decision", verbose_name=_("task")
    )
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="decisions", verbose_name=_("policy"))
    prediction = models.ForeignKey(
        Prediction,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="decisions",
        verbose_name=_("prediction"),
    )
    supersedes = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="superseded_by",
        verbose_name=_("supersedes"),
    )
    outcome = models.CharField(_("outcome"), max_length=8, choices=Outcome.choices)
    output = models.JSONField(_("output"), null=True, blank=True)
    label = models.CharField(_("label"), max_length=200, blank=True, default="")
    override = models.BooleanField(_("override"), default=False)
    shown = models.BooleanField(_("output was shown"), default=True)
    held = models.BooleanField(_("held for a second approval"), default=False)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="decisions",
        verbose_name=_("by"),
    )
    reason = models.CharField(_("reason"), max_length=200, blank=True, default="")
    note = models.TextField(_("note"), blank=True, default="")
    digest = models.CharField(_("digest of what was shown"), max_length=64, blank=True, default="")
    batch = models.ForeignKey(
        DecisionBatch,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="decisions",
        db_index=False,
        verbose_name=_("bulk decision"),
    )
    active_seconds = models.FloatField(_("active seconds"), null=True, blank=True)
    decided_at = models.DateTimeField(_("decided"), db_default=Now())

    objects = DecisionQuerySet.as_manager()

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")
        permissions = [
            ("approve_decision", "Can give the second approval"),
            ("undo_decision", "Can undo a decision in its grace period"),
            ("override_decision", "Can reopen or override a decision"),
            ("request_reopening", "Can ask for a decision to be reopened"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["case", "case_version"], name="decision_once_per_case_version"),
            models.CheckConstraint(
                condition=models.Q(active_seconds__isnull=True) | models.Q(active_seconds__gte=0),
                name="decision_active_seconds_not_negative",
            ),
        ]
        indexes = [
            models.Index(fields=["decided_by", "-id"], name="decision_by_person"),
            models.Index(fields=["decided_at"], name="decision_by_time"),
            models.Index(fields=["batch"], condition=models.Q(batch__isnull=False), name="decision_by_batch"),
        ]

    def __str__(self) -> str:
        return f"{self.get_outcome_display()}: {self.label}"


class Approval(models.Model):
    """A second person's verdict on a held decision."""

    decision = models.OneToOneField(
        Decision, on_delete=models.CASCADE, related_name="approval", verbose_name=_("decision")
    )
    approved = models.BooleanField(_("approved"))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("by"))
    note = models.TextField(_("note"), blank=True, default="")
    at = models.DateTimeField(_("at"), db_default=Now())

    class Meta:
        verbose_name = _("second approval")
        verbose_name_plural = _("second approvals")

    def __str__(self) -> str:
        return str(_("approved") if self.approved else _("sent back"))
