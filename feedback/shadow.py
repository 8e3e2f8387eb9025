"""A version in the shadow answers beside the one at work, on the cases that come in. Nothing that it says goes anywhere but its card.

A model answers everything. A prompt is paid for by the answer, so it leaves by itself once it has answered enough or cost enough.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, F, OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from cases import schemas
from cases.access import demand
from cases.audit import Journal, journal, settled_id
from cases.classifiers.text_model import TextModel
from cases.classifiers.texts import text_of
from cases.classify import checked
from cases.errors import Conflict
from cases.models import CaseType, Prediction
from feedback.evaluation import SIGNIFICANCE, chance_if_not_worse
from feedback.models import ModelVersion, PromptVersion, ShadowPrediction
from feedback.prompt_trials import MOST_COST, Bill, model_of, questions_of, said_of
from feedback.prompts import instructions
from feedback.registry import artifact_of
from review.models import Decision

BATCH = 500
MOST_ANSWERED = 1_000  # by a prompt, in one stay
LONGEST_LABEL = 200
ENOUGH, TOO_DEAR = "enough", "too dear"  # why a prompt left by itself
Version = ModelVersion | PromptVersion
Bound = Callable[[dict[str, Any]], str]


def to_shadow(version: Version, *, by: User, origin: str) -> None:
    """Let a version answer beside the one at work from the next case on; one model and one prompt of a case type at a time.

    Raises: Forbidden, Conflict.
    """
    demand(by, f"feedback.promote_{version._meta.model_name}")
    if isinstance(version, PromptVersion):
        model_of(version.case_type)
    seen, rows = settled_id(Prediction), type(version).objects
    with journal(actor=by, origin=origin) as log:
        CaseType.objects.select_for_update().get(pk=version.case_type_id)
        present = rows.get(pk=version.pk)
        if present.status == version.Status.ACTIVE:
            raise Conflict(_("This version is at work; it cannot stand in its own shadow."))
        if rows.filter(case_type=version.case_type_id, status=version.Status.SHADOW).exists():
            raise Conflict(_("Another version is in the shadow; take that one out first."))
        present.metrics = {**present.metrics, "shadow": {"seen": seen}}
        present.status = version.Status.SHADOW
        present.save(update_fields=["metrics", "status"])
        log(f"{_kind(version)}.shadowed", subject=present, data={"number": present.number})


def out_of_shadow(version: Version, *, by: User, origin: str) -> None:
    """Let it answer no more. What it said stays on its card.

    Raises: Forbidden; Conflict when it is not in the shadow.
    """
    demand(by, f"feedback.promote_{version._meta.model_name}")
    with journal(actor=by, origin=origin) as log:
        _leave(version, log=log)


def _leave(version: Version, *, log: Journal, **why: str) -> None:
    rows = type(version).objects.filter(pk=version.pk, status=version.Status.SHADOW)
    if not rows.update(status=_status_outside(version)):
        raise Conflict(_("This version is not in the shadow."))
    log(f"{_kind(version)}.left_the_shadow", subject=version, data={"number": version.number, **why})


def _status_outside(version: Version) -> str:
    """What was at work once stays a version to go back to; the others are what their comparison made them."""
    told = version.metrics.get("comparison", {})
    if version.promoted_at is not None:
        return version.Status.RETIRED
    if isinstance(version, ModelVersion):
        return version.Status.CANDIDATE if told.get("better") else version.Status.REFUSED
    worse = told.get("compared") and told["p_worse"] <= SIGNIFICANCE
    return version.Status.REFUSED if worse else version.Status.CANDIDATE


def _kind(version: Version) -> str:
    """As it is called in the audit log and on the rows of what it said."""
    return "model" if isinstance(version, ModelVersion) else "prompt"


def follow(version: Version) -> int:
    """Answer the next batch of cases that were classified since. Returns how many there were.

    Raises: ClassifierError, ModelFileError, Conflict when it cannot answer; it tries again with the next look.
    """
    told = version.metrics.get("shadow", {})
    rows = Prediction.objects.filter(
        pk__gt=int(told.get("seen", 0)), pk__lte=settled_id(Prediction), case__case_type=version.case_type_id
    )
    predictions = list(rows.select_related("case").order_by("pk")[: _batch(version)])
    if not predictions:
        return 0
    newest = {row.case_id: row for row in predictions}
    if isinstance(version, ModelVersion):
        said, bill = _of_model(version, list(newest.values())), Bill()
    else:
        said, bill = _of_prompt(version, [row for row in newest.values() if row.case.payload])
    with journal(actor="shadow", origin="worker") as log:
        if not _kept(version, said, bill, seen=predictions[-1].pk, log=log):
            return 0
    return len(predictions)


def _batch(version: Version) -> int:
    if isinstance(version, ModelVersion):
        return BATCH
    left = MOST_ANSWERED - int(version.metrics.get("shadow", {}).get("answered", 0))
    return max(1, min(model_of(version.case_type).batch_size, left))


def _kept(version: Version, said: Sequence[ShadowPrediction], bill: Bill, *, seen: int, log: Journal) -> bool:
    """Keep what it said, unless it was taken out of the shadow meanwhile."""
    present = type(version).objects.select_for_update().get(pk=version.pk)
    if present.status != version.Status.SHADOW:
        return False
    ShadowPrediction.objects.bulk_create(said, ignore_conflicts=True)
    told = {"seen": seen}
    if isinstance(present, PromptVersion):
        told |= _billed(present.metrics.get("shadow", {}), bill, answered=len(said))
    present.metrics = {**present.metrics, "shadow": told}
    present.save(update_fields=["metrics"])
    version.metrics = present.metrics
    if isinstance(present, PromptVersion) and (why := _ended(told)):
        _leave(present, log=log, why=why)
    return True


def _billed(before: dict[str, Any], bill: Bill, *, answered: int) -> dict[str, Any]:
    """What the stay has come to so far."""
    tokens = Counter(before.get("tokens", {})) + bill.tokens
    return {
        "answered": int(before.get("answered", 0)) + answered,
        "failed": int(before.get("failed", 0)) + bill.failed,
        "cost": float(Decimal(str(before.get("cost", 0))) + bill.cost),
        "tokens": dict(tokens),
    }


def _ended(told: dict[str, Any]) -> str:
    if told["cost"] >= MOST_COST:
        return TOO_DEAR
    return ENOUGH if told["answered"] >= MOST_ANSWERED else ""


def _of_model(version: ModelVersion, predictions: Sequence[Prediction]) -> list[ShadowPrediction]:
    model = TextModel.loads(artifact_of(version))
    allowed = set(schemas.labels_of(version.case_type.output_schema)) or None
    texts = [text_of(row.case.payload)[0] for row in predictions]
    guesses = model.predict(texts, allowed=allowed, evidence=False)
    return [
        ShadowPrediction(
            model=version,
            case_id=row.case_id,
            label=guess.label[:LONGEST_LABEL],
            confidence=guess.confidence,
            said=row.label,
        )
        for row, guess in zip(predictions, guesses, strict=True)
    ]


def _of_prompt(version: PromptVersion, predictions: Sequence[Prediction]) -> tuple[list[ShadowPrediction], Bill]:
    """Asked as if it were at work, its examples too."""
    if not predictions:
        return [], Bill()
    case_type, bill = version.case_type, Bill()
    questions = questions_of([row.case for row in predictions])
    answers = model_of(case_type).ask(case_type.brief(), questions, instructions(case_type, version))
    bill.add(answers, most=None)
    found = [checked(answer, case_type) for answer in answers]
    said = [
        ShadowPrediction(
            prompt=version,
            case_id=row.case_id,
            label=said_of(answer.output)[:LONGEST_LABEL],
            confidence=answer.confidence,
            said=said_of(row.output)[:LONGEST_LABEL],
        )
        for row, answer in zip(predictions, found, strict=True)
    ]
    return said, bill


def agreement(version: Version) -> dict[str, Any]:
    """How often it said the same as the version at work; and, where a person decided since, how often either was right.

    ``p_worse`` is the chance of such figures if it were not worse: the exact paired test on the cases that tell them apart.
    """
    people = Decision.objects.by_people().filter(case=OuterRef("case"), held=False).exclude(label="")
    rows = ShadowPrediction.objects.filter(**{_kind(version): version})
    rows = rows.annotate(right=Subquery(people.order_by("-pk").values("label")[:1]))
    shadow, work = Q(right=F("label")), Q(right=F("said"))
    found = rows.aggregate(
        cases=Count("pk"),
        same=Count("pk", filter=Q(label=F("said"))),
        failed=Count("pk", filter=Q(label="")),
        known=Count("pk", filter=Q(right__isnull=False)),
        shadow_right=Count("pk", filter=shadow),
        work_right=Count("pk", filter=work),
        both_right=Count("pk", filter=shadow & work),
    )
    lost, gained = found["work_right"] - found["both_right"], found["shadow_right"] - found["both_right"]
    return {**found, "p_worse": chance_if_not_worse(lost=lost, gained=gained)}
