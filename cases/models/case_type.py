from __future__ import annotations

from typing import Any

from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _

from cases.classifiers.base import Brief
from cases.models.choices import Impact


class CaseType(models.Model):
    """A kind of decision: what the answer looks like, whom an error reaches, who answers first and what is done."""

    key = models.SlugField(_("key"), unique=True, max_length=64)
    name = models.CharField(_("name"), max_length=120)
    impact = models.JSONField(_("impact"), default=list, help_text=_("Whom an error reaches."))
    reversible = models.BooleanField(_("reversible"), default=False, help_text=_("Its action can be undone."))
    idempotent = models.BooleanField(_("idempotent"), default=False, help_text=_("Doing it twice does no harm."))
    guidelines = models.TextField(_("guidelines"), blank=True, help_text=_("Markdown, shown beside the case."))
    output_schema = models.JSONField(_("output schema"), help_text=_("JSON Schema of the answer."))
    manual_minutes = models.DecimalField(
        _("manual minutes"),
        max_digits=6,
        decimal_places=2,
        default=5,
        validators=[MinValueValidator(0)],
        help_text=_("What one case takes a person without the machine."),
    )
    classifier = models.CharField(_("classifier"), max_length=64, default="local")
    action = models.JSONField(_("action"), default=dict, blank=True)
    version = models.PositiveIntegerField(_("version"), default=1, editable=False)
    created_at = models.DateTimeField(_("created"), auto_now_add=True)
    updated_at = models.DateTimeField(_("changed"), auto_now=True)

    class Meta:
        verbose_name = _("case type")
        verbose_name_plural = _("case types")
        ordering = ["key"]

    def __str__(self) -> str:
        return self.name

    def brief(self) -> Brief:
        schema: dict[str, Any] = self.output_schema
        return Brief(key=self.key, name=self.name, output_schema=schema, guidelines=self.guidelines)

    def may_run_unattended(self) -> bool:
        """No person at all is allowed only where an error stays inside and can be undone or repeated (design, section 3)."""
        return set(self.impact) == {Impact.INTERNAL} and (self.reversible or self.idempotent)
