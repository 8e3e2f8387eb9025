from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class AuditEvent(models.Model):
    """One thing that happened. Append-only: the database itself refuses to change or delete a row.

    Actor and object are text copies and plain numbers, never foreign keys, so history outlives both.
    """

    at = models.DateTimeField(_("at"), db_default=Now())
    action = models.CharField(_("action"), max_length=64)
    actor = models.CharField(_("actor"), max_length=150)
    actor_id = models.BigIntegerField(null=True, blank=True)
    origin = models.CharField(_("origin"), max_length=20)
    case_id = models.BigIntegerField(_("case"), null=True, blank=True)
    object_type = models.CharField(_("object type"), max_length=40, blank=True, default="")
    object_id = models.BigIntegerField(_("object"), null=True, blank=True)
    request_id = models.CharField(_("request"), max_length=64, blank=True, default="")
    data = models.JSONField(_("data"), default=dict)

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit log")
        default_permissions = ("view",)
        permissions = [
            ("view_team_auditevent", "Can see the acts of the people who work in the queues"),
            ("view_every_auditevent", "Can see the acts of everybody"),
            ("export_auditevent", "Can export the audit log"),
            ("count_auditevent", "Can see how many acts there were"),
        ]
        indexes = [
            models.Index(fields=["case_id", "id"], name="audit_by_case"),
            models.Index(fields=["actor_id", "id"], name="audit_by_actor"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M:%S} {self.actor} {self.action}"


class AuditSeal(models.Model):
    """A hash over a run of audit events and the seal before it, so that a changed, missing or added event shows."""

    first_event = models.BigIntegerField(_("first event"))
    last_event = models.BigIntegerField(_("last event"), unique=True)
    count = models.PositiveIntegerField(_("events"))
    leaves = models.BinaryField(editable=False)
    previous = models.CharField(_("previous"), max_length=64, blank=True, default="")
    digest = models.CharField(_("digest"), max_length=64, unique=True)
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("audit seal")
        verbose_name_plural = _("audit seals")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.first_event}–{self.last_event}"
