from __future__ import annotations

from typing import Self

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cases.models import Case, CaseType
from cases.models.choices import Priority, Reason
from review.models.policy import Policy
from review.models.queue import Queue


class ReviewTaskQuerySet(models.QuerySet["ReviewTask"]):
    def open(self) -> Self:
        return self.filter(closed_at__isnull=True)

    def free(self) -> Self:
        """Open, and under nobody's running lease."""
        return self.open().filter(lease_until__lte=Now())

    def claimed(self) -> Self:
        return self.open().filter(lease_until__gt=Now(), assignee__isnull=False)

    def overdue(self) -> Self:
        return self.open().filter(due_at__lt=Now())


class ReviewTask(models.Model):
    """One stay of a case in a queue."""

    class Ending(models.TextChoices):
        DECIDED = "decided", _("decided")
        RAISED = "raised", _("raised")
        HANDED_OVER = "handed_over", _("handed over")
        CANCELLED = "cancelled", _("cancelled")

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="tasks", verbose_name=_("case"))
    queue = models.ForeignKey(Queue, on_delete=models.PROTECT, related_name="tasks", verbose_name=_("queue"))
    case_type = models.ForeignKey(
        CaseType, on_delete=models.PROTECT, related_name="+", verbose_name=_("case type"), editable=False
    )
    language = models.CharField(_("language"), max_length=35, blank=True, default="", editable=False)
    label = models.CharField(
        _("label"), max_length=200, blank=True, default="", editable=False, help_text=_("The case's, to be found by.")
    )
    policy = models.ForeignKey(Policy, on_delete=models.PROTECT, related_name="tasks", verbose_name=_("policy"))
    reason = models.CharField(_("reason"), max_length=20, choices=Reason.choices)
    note = models.TextField(_("note"), blank=True, default="")
    trace = models.JSONField(_("trace"), default=list, blank=True)
    blind = models.BooleanField(_("read blind"), default=False)
    first_answer = models.JSONField(_("first answer"), null=True, blank=True)
    priority = models.PositiveSmallIntegerField(_("priority"), choices=Priority.choices, default=Priority.NORMAL)
    opened_at = models.DateTimeField(_("opened"), db_default=Now())
    due_at = models.DateTimeField(_("due"))
    assignee = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="tasks",
        verbose_name=_("assignee"),
    )
    claimed_at = models.DateTimeField(_("claimed"), null=True, blank=True)
    lease_until = models.DateTimeField(_("lease until"), db_default=Now())
    lease_token = models.PositiveBigIntegerField(
        default=0, help_text=_("Counts the claims; an older number is refused.")
    )
    hold_reason = models.CharField(
        _("held because"), max_length=300, blank=True, default="", help_text=_("While it is held, no lease ends.")
    )
    breached_at = models.DateTimeField(_("breach seen"), null=True, blank=True, editable=False)
    planted = models.BooleanField(
        default=False, editable=False, help_text=_("A known case among the others; nothing comes of its answer.")
    )
    closed_at = models.DateTimeField(_("closed"), null=True, blank=True)
    ending = models.CharField(_("ended as"), max_length=12, choices=Ending.choices, blank=True, default="")

    objects = ReviewTaskQuerySet.as_manager()

    class Meta:
        verbose_name = _("task")
        verbose_name_plural = _("tasks")
        permissions = [
            ("claim_reviewtask", "Can claim a task"),
            ("decide_reviewtask", "Can decide a claimed task"),
            ("raise_reviewtask", "Can raise a task to a more senior queue"),
            ("assign_reviewtask", "Can hand anybody's task to a person or a queue"),
            ("release_any_reviewtask", "Can take a task from somebody, with a reason"),
            ("work_ordinary_queues", "Can work in the ordinary queues of their groups"),
            ("work_quality_queues", "Can work in the quality queues of their groups"),
            ("work_every_queue", "Can work in every ordinary queue"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=models.Q(closed_at__isnull=True), name="task_one_open_per_case"
            ),
        ]
        indexes = [
            models.Index(
                fields=["queue", "due_at", "id"], condition=models.Q(closed_at__isnull=True), name="task_next"
            ),
            models.Index(
                fields=["queue", "due_at", "id"],
                condition=models.Q(closed_at__isnull=True, priority=Priority.URGENT),
                name="task_urgent",
            ),
            models.Index(
                fields=["due_at", "id"],
                condition=models.Q(closed_at__isnull=True, breached_at__isnull=True),
                name="task_late",
            ),
            models.Index(fields=["due_at", "id"], condition=models.Q(closed_at__isnull=True), name="task_open_by_due"),
            models.Index(
                fields=["label", "due_at", "id"], condition=models.Q(closed_at__isnull=True), name="task_open_by_label"
            ),
            models.Index(
                fields=["queue", "case_type", "due_at", "id"],
                condition=models.Q(closed_at__isnull=True),
                name="task_next_by_type",
            ),
            models.Index(
                fields=["queue", "opened_at"], condition=models.Q(closed_at__isnull=True), name="task_open_by_age"
            ),
            models.Index(
                fields=["queue", "lease_until"], condition=models.Q(closed_at__isnull=True), name="task_in_hands"
            ),
            models.Index(
                fields=["queue"],
                condition=models.Q(closed_at__isnull=True) & ~models.Q(hold_reason=""),
                name="task_held",
            ),
            models.Index(
                fields=["due_at", "id"],
                condition=models.Q(closed_at__isnull=True, reason=Reason.SECOND_APPROVAL),
                name="task_second_approval",
            ),
            models.Index(fields=["assignee", "-claimed_at"], name="task_by_assignee"),
            models.Index(fields=["queue", "closed_at"], name="task_by_closing"),
            models.Index(fields=["opened_at"], name="task_by_opening"),
            models.Index(fields=["due_at"], name="task_by_due"),
        ]

    def __str__(self) -> str:
        return f"#{self.case_id} {self.get_reason_display()}"
