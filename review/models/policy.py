from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from cases.models import CaseType
from cases.models.choices import Reason
from review.models.calendar import Calendar
from review.models.queue import Queue

SHARE = [MinValueValidator(0.0), MaxValueValidator(1.0)]


class Policy(models.Model):
    """One version of how a case type is overseen. The content is never edited; a new number supersedes it."""

    class Mode(models.TextChoices):
        VALIDATOR = "validator", _("validator")
        EXCEPTION_HANDLER = "exception_handler", _("exception handler")
        TEACHER = "teacher", _("teacher")
        AUTONOMOUS = "autonomous", _("autonomous")

    class Status(models.TextChoices):
        PROPOSED = "proposed", _("proposed")
        ACTIVE = "active", _("active")
        RETIRED = "retired", _("retired")
        REFUSED = "refused", _("refused")

    class OnFlag(models.TextChoices):
        WORD = "word", _("a word")
        REFRESHER = "refresher", _("a refresher round on gold")
        PAUSE = "pause", _("a pause in which their queue is read again")

    case_type = models.ForeignKey(
        CaseType, on_delete=models.PROTECT, related_name="policies", verbose_name=_("case type")
    )
    number = models.PositiveIntegerField(_("number"))
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.PROPOSED)
    mode = models.CharField(_("mode"), max_length=20, choices=Mode.choices, default=Mode.VALIDATOR)
    threshold = models.FloatField(_("threshold"), default=0.9, validators=SHARE)
    thresholds = models.JSONField(_("thresholds per label"), default=dict, blank=True)
    sample_rate = models.FloatField(_("sample rate"), default=0.05, validators=SHARE)
    gold_rate = models.FloatField(_("gold rate"), default=0.0, validators=SHARE)
    second_read_rate = models.FloatField(_("second-read rate"), default=0.0, validators=SHARE)
    promise = models.JSONField(_("promise"), default=dict, blank=True)
    second_approval = models.JSONField(_("second approval when"), default=list, blank=True)
    grace_seconds = models.PositiveIntegerField(_("grace (seconds)"), default=0)
    sla_minutes = models.JSONField(_("SLA minutes by priority"), default=dict, blank=True)
    calendar = models.ForeignKey(
        Calendar,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="policies",
        verbose_name=_("calendar"),
        help_text=_("The hours in which the SLA runs; without one it runs day and night."),
    )
    reason_rate = models.FloatField(_("share of approvals asked for a reason"), default=0.0, validators=SHARE)
    reading_floor_seconds = models.PositiveIntegerField(
        _("reading floor (seconds)"),
        default=0,
        help_text=_("How long nothing suggests to approve, where the answer is risky."),
    )
    on_flag = models.CharField(
        _("when a reader lets errors pass"), max_length=9, choices=OnFlag.choices, default=OnFlag.WORD
    )
    author = models.CharField(_("author"), max_length=150, blank=True, default="")
    author_account = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("author"),
    )
    approver = models.CharField(_("approver"), max_length=150, blank=True, default="")
    change_reason = models.TextField(_("reason for the change"), blank=True, default="")
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    activated_at = models.DateTimeField(_("in force since"), null=True, blank=True)

    class Meta:
        verbose_name = _("policy")
        verbose_name_plural = _("policies")
        ordering = ["case_type", "-number"]
        permissions = [
            ("approve_policy", "Can approve a proposed policy"),
            ("stop_policy", "Can stop automatic decisions"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["case_type", "number"], name="policy_number_once"),
            models.UniqueConstraint(
                fields=["case_type"], condition=models.Q(status="active"), name="policy_one_active_per_case_type"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_type} {self.number}"


class RoutingRule(models.Model):
    """One line of a policy's routing, read from the top; the first that holds sends the case to its queue."""

    policy = models.ForeignKey(Policy, on_delete=models.CASCADE, related_name="rules", verbose_name=_("policy"))
    position = models.PositiveSmallIntegerField(_("position"))
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices, blank=True, default="")
    when = models.JSONField(_("when"), default=list, blank=True)
    default = models.BooleanField(_("default"), default=False)
    queue = models.ForeignKey(Queue, on_delete=models.PROTECT, related_name="rules", verbose_name=_("queue"))

    class Meta:
        verbose_name = _("routing rule")
        verbose_name_plural = _("routing rules")
        ordering = ["policy", "position"]
        constraints = [models.UniqueConstraint(fields=["policy", "position"], name="rule_position_once")]

    def __str__(self) -> str:
        return f"{self.reason or _('default')} → {self.queue}"
