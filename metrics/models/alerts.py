"""What is watched, whom it is told, and what was found."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from cases.models import CaseType, WebhookEndpoint
from review.models import Queue


class Severity(models.IntegerChoices):
    """How much an alert matters; what is told to a channel begins at one of these."""

    INFO = 1, _("information")
    WARNING = 2, _("warning")
    CRITICAL = 3, _("critical")


class Kind(models.TextChoices):
    """What can be watched. `metrics.alerting.kinds` says how each is judged."""

    ESCALATION_JUMP = "escalation_jump", _("escalation rate jumps")
    RESOLUTION_DOUBLED = "resolution_doubled", _("resolution time doubles")
    QUEUE_SATURATED = "queue_saturated", _("queue saturates")
    SLA_ABOUT_TO_BREACH = "sla_about_to_breach", _("SLA about to breach")
    OVERRIDE_OUT_OF_BAND = "override_out_of_band", _("override rate out of band")
    AUTOMATED_ERROR = "automated_error_above_promise", _("automated error above its promise")
    POST_VALIDATION = "post_validation_rising", _("post-validation error rising")
    CATCH_RATE = "catch_rate_falling", _("a reviewer’s catch rate falls")
    CONFIDENCE_DRIFT = "confidence_drift", _("confidence drifts")
    CLASSIFIER_FAILING = "classifier_failing", _("classifier failing")
    DEAD_EFFECTS = "dead_effects", _("dead deliveries")
    NO_WORKER = "no_worker", _("no worker alive")
    GOVERNOR = "governor", _("governor: escalation above 20 %")


class AlertChannel(models.Model):
    """A place that is told of alerts. Its address may hold a secret: it is never shown again, nor logged."""

    class Kind(models.TextChoices):
        MAIL = "mail", _("e-mail")
        WEBHOOK = "webhook", _("webhook")
        APPRISE = "apprise", _("chat or pager (Slack, Teams, PagerDuty …)")

    key = models.SlugField(_("key"), unique=True, max_length=64)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=8, choices=Kind.choices)
    addresses = models.JSONField(_("mail addresses"), default=list, blank=True)
    endpoint = models.ForeignKey(
        WebhookEndpoint,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("webhook endpoint"),
    )
    url = models.CharField(max_length=1000, blank=True, default="", editable=False)
    least_severity = models.PositiveSmallIntegerField(
        _("told from"), choices=Severity.choices, default=Severity.WARNING
    )
    every_rule = models.BooleanField(
        _("hears of every rule"), default=True, help_text=_("Otherwise only of the rules that name it.")
    )
    enabled = models.BooleanField(_("enabled"), default=True)
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = _("alert channel")
        verbose_name_plural = _("alert channels")
        ordering = ["key"]

    def __str__(self) -> str:
        return self.name


class AlertRule(models.Model):
    """What is watched, from when on it is an alert, and whom it is told."""

    class Trigger(models.TextChoices):
        PLAIN = "plain", _("plain: a threshold or a change")
        SEQUENTIAL = "sequential", _("sequential: a test with a known false-alarm rate")

    key = models.SlugField(_("key"), unique=True, max_length=64)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=32, choices=Kind.choices)
    case_type = models.ForeignKey(
        CaseType,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("case type"),
        help_text=_("Empty: every case type, each by itself."),
    )
    queue = models.ForeignKey(
        Queue,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("queue"),
        help_text=_("Empty: every queue, each by itself."),
    )
    severity = models.PositiveSmallIntegerField(_("severity"), choices=Severity.choices, default=Severity.WARNING)
    trigger = models.CharField(_("trigger"), max_length=10, choices=Trigger.choices, default=Trigger.PLAIN)
    parameters = models.JSONField(_("parameters"), default=dict, blank=True)
    channels = models.ManyToManyField(AlertChannel, blank=True, related_name="rules", verbose_name=_("channels"))
    enabled = models.BooleanField(_("enabled"), default=True)
    muted_until = models.DateTimeField(_("muted until"), null=True, blank=True)
    muted_by = models.CharField(_("muted by"), max_length=150, blank=True, default="")
    muted_because = models.CharField(_("muted because"), max_length=500, blank=True, default="")
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = _("alert rule")
        verbose_name_plural = _("alert rules")
        ordering = ["name"]
        permissions = [("mute_alertrule", "Can mute an alert rule")]

    def __str__(self) -> str:
        return self.name


class AlertQuerySet(models.QuerySet["Alert"]):
    def standing(self) -> Self:
        """Not resolved: open, acknowledged or snoozed."""
        return self.exclude(state=Alert.State.RESOLVED)

    def calling(self) -> Self:
        """Those that ask for somebody now: open, or snoozed until a moment that has passed."""
        woken = Q(state=Alert.State.SNOOZED, snoozed_until__lte=Now())
        return self.filter(Q(state=Alert.State.OPEN) | woken)


class Alert(models.Model):
    """One finding of a rule about one subject, from when it was raised until the figure is well again."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        ACKNOWLEDGED = "acknowledged", _("acknowledged")
        SNOOZED = "snoozed", _("snoozed")
        RESOLVED = "resolved", _("resolved")

    rule = models.ForeignKey(AlertRule, on_delete=models.PROTECT, related_name="alerts", verbose_name=_("rule"))
    kind = models.CharField(_("kind"), max_length=32, choices=Kind.choices)
    severity = models.PositiveSmallIntegerField(_("severity"), choices=Severity.choices)
    subject = models.CharField(_("subject"), max_length=100)
    subject_name = models.CharField(_("about"), max_length=150)
    case_type = models.ForeignKey(
        CaseType, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("case type")
    )
    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.OPEN)
    opened_at = models.DateTimeField(_("raised"), db_default=Now())
    last_seen = models.DateTimeField(_("last seen"), db_default=Now())
    snoozed_until = models.DateTimeField(_("snoozed until"), null=True, blank=True)
    resolved_at = models.DateTimeField(_("resolved"), null=True, blank=True)
    muted = models.BooleanField(_("not told yet, because its rule is muted"), default=False)
    quiet = models.BooleanField(_("not raised again until well"), default=False)  # once a person has resolved it
    evidence = models.JSONField(_("evidence"), default=dict)

    objects = AlertQuerySet.as_manager()

    class Meta:
        verbose_name = _("alert")
        verbose_name_plural = _("alerts")
        ordering = ["-id"]
        default_permissions = ("view", "change")
        constraints = [
            models.UniqueConstraint(
                fields=["rule", "subject"], condition=~Q(state="resolved"), name="alert_one_standing_per_subject"
            )
        ]
        indexes = [
            models.Index(fields=["state", "-id"], name="alert_by_state"),
            models.Index(fields=["rule", "subject"], condition=Q(quiet=True), name="alert_quiet"),
        ]

    def __str__(self) -> str:
        return f"{capfirst(self.get_kind_display())}: {self.subject_name}"


class AlertEvent(models.Model):
    """One step in the life of an alert. The audit log holds the same; this is what its page reads."""

    class What(models.TextChoices):
        RAISED = "raised", _("raised")
        ACKNOWLEDGED = "acknowledged", _("acknowledged")
        SNOOZED = "snoozed", _("snoozed")
        WOKEN = "woken", _("open again after its snooze")
        RESOLVED = "resolved", _("resolved")
        WELL = "well", _("well again by itself")

    alert = models.ForeignKey(Alert, on_delete=models.CASCADE, related_name="events", verbose_name=_("alert"))
    at = models.DateTimeField(_("at"), db_default=Now())
    what = models.CharField(_("what"), max_length=12, choices=What.choices)
    by = models.CharField(_("by"), max_length=150)
    note = models.TextField(_("note"), blank=True, default="")

    class Meta:
        verbose_name = _("step of an alert")
        verbose_name_plural = _("steps of an alert")
        ordering = ["id"]
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.what} {self.by}"
