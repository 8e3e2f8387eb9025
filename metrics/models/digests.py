"""Who gets the weekly mail, and which were sent."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _


class DigestSubscription(models.Model):
    """Somebody's wish to get the week's report by mail."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="digest_subscription", verbose_name=_("person")
    )
    address = models.URLField(_("address of the pages"), help_text=_("By which the person reads them."))
    created_at = models.DateTimeField(_("since"), db_default=Now())

    class Meta:
        default_permissions = ()
        verbose_name = _("subscription of the weekly mail")
        verbose_name_plural = _("subscriptions of the weekly mail")

    def __str__(self) -> str:
        return str(self.user)


class Digest(models.Model):
    """One person's mail of one week. The row comes first, so that a mail is sent once, and again where that failed."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="digests", verbose_name=_("person")
    )
    week = models.DateField(_("week that begins on"))
    attempts = models.PositiveSmallIntegerField(_("attempts"), default=0)
    lease_until = models.DateTimeField(db_default=Now(), editable=False)
    sent_at = models.DateTimeField(_("sent"), null=True, blank=True)

    class Meta:
        default_permissions = ()
        verbose_name = _("weekly mail")
        verbose_name_plural = _("weekly mails")
        constraints = [models.UniqueConstraint(fields=["user", "week"], name="digest_once_per_week")]
        indexes = [
            models.Index(fields=["lease_until"], condition=models.Q(sent_at__isnull=True), name="digest_to_send")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.week}"
