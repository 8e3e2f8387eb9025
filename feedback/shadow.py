"""A version in the shadow answers beside the one at work, on the cases that come in. Nothing that it says goes anywhere but its card."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from cases import schemas
from cases.access import demand
from cases.audit import journal, settled_id
from cases.classifiers.text_model import TextModel
from cases.classifiers.texts import text_of
from cases.errors import Conflict
from cases.models import CaseType, Prediction
from feedback.models import ModelVersion, ShadowPrediction
from feedback.registry import artifact_of
from review.models import Decision

BATCH = 500
PROMOTE = "feedback.promote_modelversion"


def to_shadow(version: ModelVersion, *, by: User, origin: str) -> None:
    """Let a version answer beside the one at work from the next case on; one version of a case type at a time.

    Raises: Forbidden, Conflict.
    """
    demand(by, PROMOTE)
    seen = settled_id(Prediction)
    with journal(actor=by, origin=origin) as log:
        CaseType.objects.select_for_update().get(pk=version.case_type_id)
        present = ModelVersion.objects.get(pk=version.pk)
        if present.status == ModelVersion.Status.ACTIVE:
            raise Conflict(_("This version is at work; it cannot stand in its own shadow."))
        alike = ModelVersion.objects.filter(case_type=version.case_type_id, status=ModelVersion.Status.SHADOW)
        if alike.exists():
            raise Conflict(_("Another version is in the shadow; take that one out first."))
        present.metrics = {**present.metrics, "shadow": {"seen": seen}}
        present.status = ModelVersion.Status.SHADOW
        present.save(update_fields=["metrics", "status"])
        log("model.shadowed", subject=present, data={"number": present.number})


def out_of_shadow(version: ModelVersion, *, by: User, origin: str) -> None:
    """Let it answer no more. What it said stays on its card.

    Raises: Forbidden; Conflict when it is not in the shadow.
    """
    demand(by, PROMOTE)
    with journal(actor=by, origin=origin) as log:
        better = bool(version.metrics.get("comparison", {}).get("better"))
        status = ModelVersion.Status.CANDIDATE if better else ModelVersion.Status.REFUSED
        rows = ModelVersion.objects.filter(pk=version.pk, status=ModelVersion.Status.SHADOW)
        if not rows.update(status=status):
            raise Conflict(_("This version is not in the shadow."))
        log("model.left_the_shadow", subject=version, data={"number": version.number})


def follow(version: ModelVersion) -> int:
    """Answer the next batch of cases that were classified since. Returns how many there were."""
    seen = int(version.metrics.get("shadow", {}).get("seen", 0))
    rows = Prediction.objects.filter(pk__gt=seen, pk__lte=settled_id(Prediction), case__case_type=version.case_type_id)
    predictions = list(rows.select_related("case").order_by("pk")[:BATCH])
    if not predictions:
        return 0
    said = _answers(version, TextModel.loads(artifact_of(version)), predictions)
    with journal(actor="shadow", origin="worker"):
        present = ModelVersion.objects.select_for_update().get(pk=version.pk)
        if present.status != ModelVersion.Status.SHADOW:
            return 0
        ShadowPrediction.objects.bulk_create(said, ignore_conflicts=True)
        present.metrics = {**present.metrics, "shadow": {"seen": predictions[-1].pk}}
        present.save(update_fields=["metrics"])
    version.metrics = present.metrics
    return len(predictions)


def _answers(version: ModelVersion, model: TextModel, predictions: Sequence[Prediction]) -> list[ShadowPrediction]:
    allowed = set(schemas.labels_of(version.case_type.output_schema)) or None
    newest = {row.case_id: row for row in predictions}
    texts = [text_of(row.case.payload)[0] for row in newest.values()]
    guesses = model.predict(texts, allowed=allowed, evidence=False)
    return [
        ShadowPrediction(
            model=version, case_id=row.case_id, label=guess.label[:200], confidence=guess.confidence, said=row.label
        )
        for row, guess in zip(newest.values(), guesses, strict=True)
    ]


def agreement(version: ModelVersion) -> dict[str, Any]:
    """How often it said the same as the version at work; and, where a person decided since, how often either was right."""
    decided = Decision.objects.by_people().filter(case=OuterRef("case"), held=False).order_by("-pk").values("label")[:1]
    rows = ShadowPrediction.objects.filter(model=version).annotate(right=Subquery(decided))
    return rows.aggregate(
        cases=Count("pk"),
        same=Count("pk", filter=Q(label=F("said"))),
        known=Count("pk", filter=Q(right__isnull=False)),
        shadow_right=Count("pk", filter=Q(right=F("label"))),
        work_right=Count("pk", filter=Q(right=F("said"))),
    )
