from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from cases.models import Case
from review.models.task import ReviewTask


class Note(models.Model):
    """What somebody wrote beside a case for whoever reads it next."""

    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="notes", verbose_name=_("case"))
    author = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name=_("author")
    )
    text = models.TextField(_("text"))
    at = models.DateTimeField(_("at"), db_default=Now())

    class Meta:
        verbose_name = _("note")
        verbose_name_plural = _("notes")
        ordering = ["id"]

    def __str__(self) -> str:
        return f"#{self.case_id} {self.author}"


class Notice(models.Model):
    """Something one person should know of, until they have seen it."""

    class Kind(models.TextChoices):
        MENTION = "mention", _("You were mentioned")
        HELP = "help", _("Somebody asks for help")
        HANDED_OVER = "handed_over", _("A task was handed to you")
        TAKEN_AWAY = "taken_away", _("A task was taken from you")
        SENT_BACK = "sent_back", _("A decision was sent back")
        URGENT = "urgent", _("An urgent case came in")
        LATE = "late", _("A task is late")
        DUE_SOON = "due_soon", _("A task in your hands is due soon")
        MINE_LATE = "mine_late", _("A task in your hands is late")
        FLAG = "flag", _("Planted errors were let pass")

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notices", verbose_name=_("person")
    )
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="+", verbose_name=_("case"))
    task = models.ForeignKey(
        ReviewTask, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("task")
    )
    sender = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        verbose_name=_("from"),
    )
    text = models.CharField(_("text"), max_length=300, blank=True, default="")
    at = models.DateTimeField(_("at"), db_default=Now())
    seen_at = models.DateTimeField(_("seen"), null=True, blank=True)

    class Meta:
        verbose_name = _("notice")
        verbose_name_plural = _("notices")
        ordering = ["-id"]
        indexes = [models.Index(fields=["user", "-id"], condition=models.Q(seen_at__isnull=True), name="notice_unseen")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} #{self.case_id}"


class Draft(models.Model):
    """What a person has typed on a task and not yet sent. It outlives the lease and the session."""

    task = models.ForeignKey(ReviewTask, on_delete=models.CASCADE, related_name="drafts", verbose_name=_("task"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("person")
    )
    case_version = models.PositiveIntegerField(_("case version"))
    fields = models.JSONField(_("fields"), default=dict)
    saved_at = models.DateTimeField(_("saved"), db_default=Now())

    class Meta:
        verbose_name = _("draft")
        verbose_name_plural = _("drafts")
        constraints = [models.UniqueConstraint(fields=["task", "user"], name="draft_once_per_person")]

    def __str__(self) -> str:
        return f"{self.task_id} {self.user}"


class Presence(models.Model):
    """Who has a task's page open, and when it was last heard of."""

    task = models.ForeignKey(ReviewTask, on_delete=models.CASCADE, related_name="+", verbose_name=_("task"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("person")
    )
    seen_at = models.DateTimeField(_("seen"), db_default=Now())

    class Meta:
        verbose_name = _("presence")
        verbose_name_plural = _("presences")
        constraints = [models.UniqueConstraint(fields=["task", "user"], name="presence_once_per_person")]

    def __str__(self) -> str:
        return f"{self.task_id} {self.user}"


class Skip(models.Model):
    """Somebody gave a task back unread; until then it is not given to them again by itself."""

    task = models.ForeignKey(ReviewTask, on_delete=models.CASCADE, related_name="skips", verbose_name=_("task"))
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+", verbose_name=_("person")
    )
    reason = models.CharField(_("reason"), max_length=300)
    until = models.DateTimeField(_("until"))

    class Meta:
        verbose_name = _("skip")
        verbose_name_plural = _("skips")
        constraints = [models.UniqueConstraint(fields=["task", "user"], name="skip_once_per_person")]

    def __str__(self) -> str:
        return f"{self.task_id} {self.user}"
