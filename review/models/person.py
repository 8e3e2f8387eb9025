from __future__ import annotations

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from cases.models import CaseType


class Profile(models.Model):
    """What a person has set for themselves, and what their supervisor has set for them."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="profile", verbose_name=_("person")
    )
    time_zone = models.CharField(_("time zone"), max_length=64, blank=True, default="")
    language = models.CharField(_("language"), max_length=12, blank=True, default="")
    keys = models.BooleanField(_("single-letter keys"), default=True)
    hints = models.BooleanField(_("hints on pace and breaks"), default=True)
    on_duty = models.BooleanField(_("on duty"), default=False, help_text=_("Is told of urgent and of late tasks."))
    most_claims = models.PositiveSmallIntegerField(
        _("most claims at once"), default=3, validators=[MinValueValidator(1), MaxValueValidator(50)]
    )
    turn = models.PositiveBigIntegerField(
        default=0, editable=False, help_text=_("Counts the person's claims; see review.picking.")
    )
    version = models.PositiveIntegerField(default=1, editable=False)

    class Meta:
        verbose_name = _("profile")
        verbose_name_plural = _("profiles")

    def __str__(self) -> str:
        return str(self.user)


class Skill(models.Model):
    """A case type and a language that a person can read; empty means any. Who has no row can read everything."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="skills", verbose_name=_("person")
    )
    case_type = models.ForeignKey(
        CaseType, on_delete=models.CASCADE, null=True, blank=True, related_name="+", verbose_name=_("case type")
    )
    language = models.CharField(_("language"), max_length=35, blank=True, default="")

    class Meta:
        verbose_name = _("skill")
        verbose_name_plural = _("skills")
        constraints = [
            models.UniqueConstraint(fields=["user", "case_type", "language"], name="skill_once_per_case_type"),
            models.UniqueConstraint(
                fields=["user", "language"],
                condition=models.Q(case_type__isnull=True),
                name="skill_once_for_any_case_type",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.case_type or '*'} {self.language or '*'}"


class SavedFilter(models.Model):
    """A list page's filters under a name, for the person who saved it or, shared, for everybody."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_filters", verbose_name=_("person")
    )
    page = models.CharField(_("page"), max_length=40)
    name = models.CharField(_("name"), max_length=60)
    query = models.CharField(_("query"), max_length=1000)
    shared = models.BooleanField(_("shared"), default=False)

    class Meta:
        verbose_name = _("saved filter")
        verbose_name_plural = _("saved filters")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["user", "page", "name"], name="saved_filter_once")]

    def __str__(self) -> str:
        return self.name
