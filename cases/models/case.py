from __future__ import annotations

from typing import Any, Self

from django.conf import settings
from django.core.files.storage import default_storage
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cases.models.case_type import CaseType
from cases.models.choices import Priority, Reason, State

PIPELINE_STATES = [State.RECEIVED, State.CLASSIFIED, State.DECIDED]


class CaseQuerySet(models.QuerySet["Case"]):
    def standing_in(self, state: str) -> Self:
        """Cases of a state whose pipeline lease, back-off or grace period is over, the most pressing first."""
        return self.filter(state=state, lease_until__lte=Now()).order_by("priority", "id")

    def open(self) -> Self:
        return self.exclude(state__in=[State.CLOSED, State.CANCELLED])

    def light(self) -> Self:
        """Without the wide columns that a list does not show."""
        return self.defer("payload", "context", "metadata")


CaseManager = models.Manager.from_queryset(CaseQuerySet)


class RealCaseManager(CaseManager["Case"]):
    """Without the copies under which known cases are planted: nothing counts, sends, exports or learns from those."""

    def get_queryset(self) -> CaseQuerySet:
        found: Any = super().get_queryset().filter(copy_of__isnull=True)
        real: CaseQuerySet = found
        return real


class Case(models.Model):
    """One input to be decided; or a copy of one, under which its known answer is asked for (see `review.planted`)."""

    case_type = models.ForeignKey(CaseType, on_delete=models.PROTECT, related_name="cases", verbose_name=_("case type"))
    source = models.CharField(_("source"), max_length=120)
    external_id = models.CharField(_("external id"), max_length=200, blank=True, default="")
    idempotency_key = models.CharField(max_length=200, blank=True, default="", editable=False)
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("sender"),
    )
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority.choices, default=Priority.NORMAL)
    requester = models.CharField(_("requester"), max_length=200, blank=True, default="")
    payload = models.JSONField(_("payload"))
    context = models.JSONField(_("context"), default=list, blank=True)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    salt = models.CharField(max_length=32, blank=True, default="", editable=False)
    content_digest = models.CharField(max_length=64, editable=False)

    state = models.CharField(_("state"), max_length=12, choices=State.choices, default=State.RECEIVED)
    version = models.PositiveIntegerField(
        _("version"), default=1, help_text=_("Counts the times this case has been put up for decision.")
    )
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    lease_until = models.DateTimeField(db_default=Now(), null=True, editable=False)
    lease_token = models.CharField(max_length=32, blank=True, default="", editable=False)

    label = models.CharField(_("label"), max_length=200, blank=True, default="")
    confidence = models.FloatField(_("confidence"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices, blank=True, default="")
    sampled = models.BooleanField(_("sampled"), default=False)
    sample_probability = models.FloatField(_("sample probability"), null=True, blank=True)

    created_at = models.DateTimeField(_("created"), db_default=Now())
    routed_at = models.DateTimeField(_("routed"), null=True, blank=True)
    due_at = models.DateTimeField(_("due"), null=True, blank=True)
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)

    copy_of = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, blank=True, related_name="copies", db_index=False, editable=False
    )
    copy_for = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
        editable=False,
        help_text=_("The one reader for whom the copy is meant; without one it is for any."),
    )

    objects = RealCaseManager()
    everything = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")
        permissions = [
            ("view_every_case", "Can see the cases of every queue and sender"),
            ("view_case_with_reason", "Can open a case after giving a reason"),
            ("comment_case", "Can comment on a case"),
            ("cancel_case", "Can withdraw a case"),
            ("predict_case", "Can answer a waiting case as its model"),
            ("erase_case", "Can erase what a case holds"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["source", "external_id"], condition=~models.Q(external_id=""), name="case_once_per_source"
            ),
            models.UniqueConstraint(
                fields=["sender", "idempotency_key"],
                condition=~models.Q(idempotency_key=""),
                name="case_once_per_idempotency_key",
            ),
            models.CheckConstraint(condition=models.Q(state__in=State.values), name="case_state_known"),
            models.CheckConstraint(
                condition=models.Q(confidence__isnull=True) | models.Q(confidence__gte=0, confidence__lte=1),
                name="case_confidence_is_a_share",
            ),
        ]
        indexes = [
            models.Index(
                fields=["state", "priority", "id"], condition=models.Q(state__in=PIPELINE_STATES), name="case_pipeline"
            ),
            models.Index(fields=["state", "-id"], name="case_by_state"),
            models.Index(fields=["case_type", "-id"], name="case_by_type"),
            models.Index(fields=["requester", "-id"], name="case_by_requester"),
            models.Index(fields=["external_id"], name="case_by_external_id"),
            models.Index(fields=["created_at"], name="case_by_creation"),
            models.Index(fields=["copy_of"], condition=models.Q(copy_of__isnull=False), name="case_copies"),
            models.Index(fields=["case_type", "routed_at"], name="case_by_routing"),
            models.Index(fields=["case_type", "closed_at"], name="case_by_closing"),
        ]

    def __str__(self) -> str:
        return f"#{self.pk}"

    @property
    def reference(self) -> str:
        """The id that its sender knows it by. A copy shows one that looks like it and finds nothing."""
        return self.external_id if self.copy_of_id is None else self.idempotency_key

    @property
    def priority_name(self) -> str:
        return Priority(self.priority).name.lower()


class Attachment(models.Model):
    """A file that came with a case."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="attachments", verbose_name=_("case"))
    file = models.FileField(_("file"), upload_to="attachments/%Y/%m/", storage=default_storage)
    name = models.CharField(_("name"), max_length=255)
    content_type = models.CharField(_("content type"), max_length=100)
    size = models.PositiveIntegerField(_("size"))
    sha256 = models.CharField("SHA-256", max_length=64)
    created_at = models.DateTimeField(_("created"), db_default=Now())

    class Meta:
        verbose_name = _("attachment")
        verbose_name_plural = _("attachments")
        constraints = [models.UniqueConstraint(fields=["case", "sha256"], name="attachment_once_per_case")]

    def __str__(self) -> str:
        return self.name
