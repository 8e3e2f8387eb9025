from __future__ import annotations

from django.contrib.auth.models import Group
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _


class Queue(models.Model):
    """Where tasks wait. Its groups say who may work in it."""

    class Kind(models.TextChoices):
        GENERAL = "general", _("general")
        EXPERT = "expert", _("expert")
        SUPERVISOR = "supervisor", _("supervisor")
        FAST_TRACK = "fast_track", _("fast track")
        QUALITY = "quality", _("quality")

    key = models.SlugField(_("key"), unique=True, max_length=64)
    name = models.CharField(_("name"), max_length=120)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices, default=Kind.GENERAL)

    class OnBreach(models.TextChoices):
        ALERT = "alert", _("tell those on duty")
        REASSIGN = "reassign", _("take it back and put it up for everybody")
        RAISE = "raise", _("raise it to a more senior queue")

    groups = models.ManyToManyField(Group, related_name="review_queues", verbose_name=_("groups"), blank=True)
    weight = models.PositiveSmallIntegerField(
        _("weight"),
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
        help_text=_("How large a share of the claims goes to this queue, for those who work in several."),
    )
    on_breach = models.CharField(
        _("when a task is late"), max_length=8, choices=OnBreach.choices, default=OnBreach.ALERT
    )
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = _("queue")
        verbose_name_plural = _("queues")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
