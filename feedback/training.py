"""Trains the local model of a case type, judges it on held-out examples, and puts it to work only if it is better."""

from __future__ import annotations

import hashlib

from django.core.files.base import ContentFile
from django.db.models import Max

from cases.audit import Actor, journal
from cases.classifiers.text_model import ModelFileError, TextModel
from cases.classifiers.text_training import TrainingFailed
from cases.models import CaseType
from feedback.evaluation import Comparison, Score, compare, score
from feedback.examples import Example, learnable, split, texts_and_labels
from feedback.models import ModelVersion
from feedback.registry import at_work, promote

SEED = 20_260


def train(case_type: CaseType, *, actor: Actor, origin: str) -> ModelVersion:
    """Train on all that people have said, judge a twin that has not seen the held-out examples, promote if better.

    The twin makes the comparison fair: neither it nor the twin of the model at work was trained on what both are judged by.
    Nothing is written until training is over, so a training that dies leaves everything as it was.

    Raises: NotEnoughExamples, TrainingFailed.
    """
    examples = learnable(case_type)
    to_learn, held_out = split(examples)
    twin = TextModel.fit(*texts_and_labels(to_learn), seed=SEED)
    judged = score(twin, *texts_and_labels(held_out))
    active = at_work(case_type)
    comparison = compare(judged, score_of(active, held_out) if active else None)
    judged_bytes = twin.dumps()
    del twin  # two models at once would double the memory
    model = TextModel.fit(*texts_and_labels(examples), seed=SEED)
    version = _store(
        case_type,
        model=model,
        twin=judged_bytes,
        judged=judged,
        comparison=comparison,
        examples=examples,
        actor=actor,
        origin=origin,
    )
    if comparison.better:
        promote(version, actor=actor, origin=origin, reason=comparison.why, better_than=active)
    return version


def score_of(version: ModelVersion, held_out: list[Example]) -> Score:
    """How the twin of a version does on these examples.

    Raises: TrainingFailed when its file cannot be read, and nothing can be compared with it.
    """
    try:
        with version.judged.open("rb") as file:
            twin = TextModel.loads(file.read())
    except (OSError, ModelFileError) as error:
        advice = "roll back to another version, or promote one by hand"
        raise TrainingFailed(
            f"model {version.number} is at work and cannot be compared with: {error}; {advice}"
        ) from error
    return score(twin, *texts_and_labels(held_out))


def _store(
    case_type: CaseType,
    *,
    model: TextModel,
    twin: bytes,
    judged: Score,
    comparison: Comparison,
    examples: list[Example],
    actor: Actor,
    origin: str,
) -> ModelVersion:
    content = model.dumps()
    with journal(actor=actor, origin=origin) as log:
        CaseType.objects.select_for_update().get(pk=case_type.pk)
        newest = ModelVersion.objects.filter(case_type=case_type).aggregate(newest=Max("number"))["newest"] or 0
        number = newest + 1
        version = ModelVersion(
            case_type=case_type,
            number=number,
            status=ModelVersion.Status.CANDIDATE if comparison.better else ModelVersion.Status.REFUSED,
            sha256=hashlib.sha256(content).hexdigest(),
            metrics={**judged.summary(), "cross_validated": model.report, "comparison": comparison.summary()},
            trained_on=_origins(examples),
        )
        version.artifact.save(f"{case_type.key}-{number}.model", ContentFile(content), save=False)
        version.judged.save(f"{case_type.key}-{number}.twin", ContentFile(twin), save=False)
        version.save()
        log("model.trained", subject=version, data={"case_type": case_type.key, "number": number, **judged.summary()})
    return version


def _origins(examples: list[Example]) -> dict[str, int]:
    counts = {"examples": len(examples)}
    for example in examples:
        counts[example.origin] = counts.get(example.origin, 0) + 1
    return counts
