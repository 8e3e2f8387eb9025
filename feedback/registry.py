"""The models at work: read by the classifiers, changed by promotion and roll-back."""

from __future__ import annotations

import hashlib

from django.utils import timezone
from django.utils.translation import gettext as _

from cases.audit import Actor, Journal, journal
from cases.classifiers.base import ClassifierError
from cases.classifiers.local import ActiveModel
from cases.errors import Conflict
from cases.models import CaseType
from feedback.models import ModelVersion


def active_model(case_type_key: str) -> ActiveModel | None:
    """The version at work for a case type, for the local classifier (``CLASSIFIERS['local']['OPTIONS']['models']``)."""
    version = ModelVersion.objects.filter(case_type__key=case_type_key, status=ModelVersion.Status.ACTIVE).first()
    if version is None:
        return None
    return ActiveModel(version=str(version.number), read=lambda: artifact_of(version))


def artifact_of(version: ModelVersion) -> bytes:
    """The bytes of a model, if they are the ones that were stored.

    Raises: ClassifierError when the file is missing or has changed.
    """
    try:
        with version.artifact.open("rb") as file:
            content: bytes = file.read()
    except OSError as error:
        raise ClassifierError(f"model {version.number} cannot be read: {error}") from error
    if hashlib.sha256(content).hexdigest() != version.sha256:
        raise ClassifierError(f"model {version.number} is not the file that was stored", permanent=True)
    return content


def promote(
    version: ModelVersion, *, actor: Actor, origin: str, reason: str, better_than: ModelVersion | None = None
) -> None:
    """Put a version to work; the one before it is kept for a roll-back.

    Raises: Conflict when ``better_than`` is given and is no longer the one at work: nothing is known about the present one.
    """
    with journal(actor=actor, origin=origin) as log:
        CaseType.objects.select_for_update().get(pk=version.case_type_id)
        if better_than is not None and better_than != at_work(version.case_type):
            raise Conflict(_("Another model was put to work meanwhile; train again to compare with that one."))
        _put_to_work(version, log=log, reason=reason)


def at_work(case_type: CaseType) -> ModelVersion | None:
    """The version at work for a case type, if any."""
    return ModelVersion.objects.filter(case_type=case_type, status=ModelVersion.Status.ACTIVE).first()


def _put_to_work(version: ModelVersion, *, log: Journal, reason: str) -> None:
    CaseType.objects.select_for_update().get(pk=version.case_type_id)
    active = ModelVersion.objects.filter(case_type=version.case_type, status=ModelVersion.Status.ACTIVE)
    active.exclude(pk=version.pk).update(status=ModelVersion.Status.RETIRED)
    version.status, version.promoted_at = ModelVersion.Status.ACTIVE, timezone.now()
    version.save(update_fields=["status", "promoted_at"])
    log(
        "model.promoted",
        subject=version,
        data={"case_type": version.case_type.key, "number": version.number, "reason": reason},
    )


def roll_back(case_type: CaseType, *, actor: Actor, origin: str) -> ModelVersion:
    """Put the version to work again that was promoted before the present one.

    Raises: Conflict when there is none.
    """
    with journal(actor=actor, origin=origin) as log:
        versions = ModelVersion.objects.filter(case_type=case_type).select_related("case_type")
        present = versions.filter(status=ModelVersion.Status.ACTIVE).first()
        kept = (ModelVersion.Status.RETIRED, ModelVersion.Status.SHADOW)  # a trial in the shadow does not take it away
        earlier = versions.filter(status__in=kept, promoted_at__isnull=False).order_by("-promoted_at").first()
        if present is None or earlier is None:
            raise Conflict(_("%(key)s has no earlier model to go back to.") % {"key": case_type.key})
        _put_to_work(earlier, log=log, reason=f"rolled back from {present.number}")
    return earlier
