from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cases.models.case import Case


class WebhookEndpoint(models.Model):
    """A place that is told of events, with the secret that signs them."""

    key = models.SlugField(_("key"), unique=True, max_length=64)
    url = models.URLField("URL", max_length=500)
    events = models.JSONField(_("events"), default=list)
    secret = models.CharField(_("secret"), max_length=100, editable=False)
    enabled = models.BooleanField(_("enabled"), default=True)
    disabled_reason = models.CharField(_("disabled because"), max_length=200, blank=True, default="")
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("owner"),
    )
    created_at = models.DateTimeField(_("created"), auto_now_add=True)

    class Meta:
        verbose_name = _("webhook endpoint")
        verbose_name_plural = _("webhook endpoints")
        ordering = ["key"]
        permissions = [("redeliver_webhookendpoint", "Can send dead deliveries again")]

    def __str__(self) -> str:
        return self.key


class EffectQuerySet(models.QuerySet["Effect"]):
    def unfinished(self) -> Self:
        return self.filter(status=Effect.Status.PENDING)

    def dead(self) -> Self:
        return self.filter(status=Effect.Status.DEAD)


class Effect(models.Model):
    """Something to be sent: a row first, sent at least once under one key, parked as dead when it cannot be."""

    class Status(models.TextChoices):
        PENDING = "pending", _("pending")
        DELIVERED = "delivered", _("delivered")
        DEAD = "dead", _("dead")
        CANCELLED = "cancelled", _("cancelled")

    case = models.ForeignKey(
        Case, on_delete=models.CASCADE, null=True, blank=True, related_name="effects", verbose_name=_("case")
    )
    case_version = models.PositiveIntegerField(_("case version"), default=1)
    event = models.CharField(_("event"), max_length=40)
    action = models.CharField(_("action"), max_length=40)
    endpoint = models.ForeignKey(
        WebhookEndpoint,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="effects",
        verbose_name=_("endpoint"),
    )
    options = models.JSONField(_("options"), default=dict, blank=True)
    body = models.JSONField(_("body"), default=dict)
    key = models.CharField(_("idempotency key"), max_length=120, unique=True)
    blocking = models.BooleanField(_("blocks closing"), default=True)
    compensates = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="compensations",
        verbose_name=_("compensates"),
    )
    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.PENDING)
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    next_attempt_at = models.DateTimeField(_("next attempt"), db_default=Now())
    lease_token = models.CharField(max_length=32, blank=True, default="", editable=False)
    last_error = models.TextField(_("last error"), blank=True, default="")
    created_at = models.DateTimeField(_("created"), db_default=Now())
    delivered_at = models.DateTimeField(_("delivered"), null=True, blank=True)

    objects = EffectQuerySet.as_manager()

    class Meta:
        verbose_name = _("effect")
        verbose_name_plural = _("effects")
        permissions = [("retry_effect", "Can send a dead effect again")]
        indexes = [
            models.Index(fields=["next_attempt_at", "id"], condition=models.Q(status="pending"), name="effect_due"),
            models.Index(fields=["status", "-id"], name="effect_by_status"),
        ]

    def __str__(self) -> str:
        return f"{self.event} → {self.endpoint or self.action}"


class EffectAttempt(models.Model):
    """One try to send an effect."""

    effect = models.ForeignKey(Effect, on_delete=models.CASCADE, related_name="tries", verbose_name=_("effect"))
    number = models.PositiveSmallIntegerField(_("number"))
    at = models.DateTimeField(_("at"), db_default=Now())
    succeeded = models.BooleanField(_("succeeded"))
    status = models.PositiveSmallIntegerField(_("status"), null=True, blank=True)
    detail = models.TextField(_("detail"), blank=True, default="")
    elapsed_ms = models.PositiveIntegerField(_("elapsed (ms)"), default=0)

    class Meta:
        verbose_name = _("attempt")
        verbose_name_plural = _("attempts")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"{self.number}: {self.detail}"
