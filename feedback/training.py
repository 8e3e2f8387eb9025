"""Trains the local model of a case type, judges it on held-out examples, and puts it to work only if it is better."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from django.core.files.base import ContentFile
from django.db.models import Exists, Max, OuterRef
from django.utils.translation import gettext as _

from cases.audit import Actor, journal
from cases.classifiers.text_model import ModelFileError, TextModel
from cases.classifiers.text_training import TrainingFailed
from cases.models import CaseType
from feedback.cards import card, corrected, recurrence
from feedback.evaluation import Comparison, Score, compare, score
from feedback.examples import Example, learnable, split, texts_and_labels
from feedback.models import Dataset, DatasetItem, ModelVersion, Sample
from feedback.registry import at_work, promote
from feedback.runs import Tell

SEED = 20_260


@dataclass(frozen=True, slots=True)
class Material:
    """What a version is made from. ``shipped`` is what the model at work learns from, ``to_learn`` what its judged twin does."""

    to_learn: list[Example]
    held_out: list[Example]
    shipped: list[Example]
    dataset: Dataset | None = None

    @property
    def twin_is_the_model(self) -> bool:
        return self.shipped is self.to_learn


def _silent(share: float, message: str) -> None:
    """Nobody watches."""


def train(
    case_type: CaseType, *, actor: Actor, origin: str, dataset: Dataset | None = None, tell: Tell = _silent
) -> ModelVersion:
    """Train on all that people have said, judge a twin that has not seen the held-out examples, promote if better.

    The twin makes the comparison fair: neither it nor the twin of the model at work was trained on what both are judged by.
    From a frozen dataset one side is learnt and the other judges, so that model is its own twin.
    Nothing is written until training is over, so a training that dies leaves everything as it was.

    Raises: NotEnoughExamples, TrainingFailed; Conflict when another model was put to work meanwhile.
    """
    tell(0.05, _("Reading what people said"))
    material = _frozen(dataset) if dataset else _present(case_type)
    tell(0.1, _("Learning from %(count)s examples") % {"count": len(material.to_learn)})
    twin = TextModel.fit(*texts_and_labels(material.to_learn), seed=SEED)
    tell(0.45, _("Judging it on %(count)s held-out examples") % {"count": len(material.held_out)})
    active = at_work(case_type)
    comparison, figures = judge(twin, active, material.held_out, case_type=case_type)
    judged_bytes, report = twin.dumps(), twin.report
    del twin  # two models at once would double the memory
    content = judged_bytes
    if not material.twin_is_the_model:
        content, report = _shipped(material, tell)
    tell(0.95, _("Keeping it"))
    made = ModelVersion(
        case_type=case_type,
        metrics={**figures, "cross_validated": report},
        trained_on=_origins(material),
        status=ModelVersion.Status.CANDIDATE if comparison.better else ModelVersion.Status.REFUSED,
    )
    version = _store(made, content=content, twin=judged_bytes, actor=actor, origin=origin)
    if comparison.better:
        promote(version, actor=actor, origin=origin, reason=comparison.why, better_than=active)
    return version


def _shipped(material: Material, tell: Tell) -> tuple[bytes, dict[str, Any]]:
    """The model that goes to work, which learns from the held-out examples as well, and its report."""
    tell(0.6, _("Learning from all %(count)s examples") % {"count": len(material.shipped)})
    model = TextModel.fit(*texts_and_labels(material.shipped), seed=SEED)
    return model.dumps(), model.report


def _present(case_type: CaseType) -> Material:
    examples = learnable(case_type)
    return Material(*split(examples), shipped=examples)


def _frozen(dataset: Dataset) -> Material:
    sides: dict[str, list[Example]] = {side: [] for side in DatasetItem.Side.values}
    for item in dataset.items.order_by("position").iterator(chunk_size=2000):
        sides[item.side].append(_example_of(item))
    to_learn = sides[DatasetItem.Side.TRAIN]
    return Material(to_learn, sides[DatasetItem.Side.EVAL], shipped=to_learn, dataset=dataset)


def _example_of(item: DatasetItem) -> Example:
    label = str(item.output.get("label", "")) if isinstance(item.output, dict) else ""
    return Example(text=item.text, output=item.output, label=label, group=item.text, origin=item.origin)


def _judging(dataset: Dataset) -> list[Example]:
    """The judging side, without samples released since: those may have been learnt from."""
    items = dataset.items.filter(side=DatasetItem.Side.EVAL).order_by("position")
    released = Sample.objects.filter(case=OuterRef("case"), released_at__isnull=False)
    return [_example_of(item) for item in items.exclude(Exists(released), origin="sample")]


def judge(
    twin: TextModel, active: ModelVersion | None, held_out: list[Example], *, case_type: CaseType
) -> tuple[Comparison, dict[str, Any]]:
    """The paired comparison with the version at work, and all figures of the card.

    Raises: TrainingFailed when the version at work cannot be read.
    """
    texts, truth = texts_and_labels(held_out)
    judged = score(twin, texts, truth)
    before = twin_of(active) if active else None
    of_active = score(before, texts, truth) if before else None
    comparison = compare(judged, of_active, against=active.number if active else None)
    returning = recurrence(corrected(case_type), twin, before)
    at_work_now = of_active.summary() if of_active else None
    told = {"comparison": comparison.summary(), "at_work": at_work_now, "recurrence": returning}
    return comparison, {**judged.summary(), **card(judged, truth), **told}


def judge_again(version: ModelVersion, *, actor: Actor, origin: str, dataset: Dataset | None = None) -> Comparison:
    """Hold a version against the one that is at work now, on what is held out now or on the judging side of a frozen dataset.

    Its own earlier figures are replaced.

    Raises: TrainingFailed when a file cannot be read.
    """
    active = at_work(version.case_type)
    against = active if active != version else None
    held_out = _judging(dataset) if dataset else split(learnable(version.case_type))[1]
    comparison, figures = judge(twin_of(version), against, held_out, case_type=version.case_type)
    figures["dataset"] = str(dataset) if dataset else ""
    with journal(actor=actor, origin=origin) as log:
        present = ModelVersion.objects.select_for_update().get(pk=version.pk)
        present.metrics = {**present.metrics, **figures}
        present.save(update_fields=["metrics"])
        log("model.judged", subject=present, data={"number": present.number, **comparison.summary()})
    return comparison


def score_of(version: ModelVersion, held_out: list[Example]) -> Score:
    """How the twin of a version does on these examples.

    Raises: TrainingFailed when its file cannot be read, and nothing can be compared with it.
    """
    return score(twin_of(version), *texts_and_labels(held_out))


def twin_of(version: ModelVersion) -> TextModel:
    """The twin of a version that was trained without what it is judged by.

    Raises: TrainingFailed when its file cannot be read.
    """
    try:
        with version.judged.open("rb") as file:
            return TextModel.loads(file.read())
    except (OSError, ModelFileError) as error:
        advice = "roll back to another version, or promote one by hand"
        raise TrainingFailed(
            f"model {version.number} is at work and cannot be compared with: {error}; {advice}"
        ) from error


def _store(made: ModelVersion, *, content: bytes, twin: bytes, actor: Actor, origin: str) -> ModelVersion:
    case_type = made.case_type
    with journal(actor=actor, origin=origin) as log:
        CaseType.objects.select_for_update().get(pk=case_type.pk)
        newest = ModelVersion.objects.filter(case_type=case_type).aggregate(newest=Max("number"))["newest"] or 0
        made.number, made.sha256 = newest + 1, hashlib.sha256(content).hexdigest()
        made.artifact.save(f"{case_type.key}-{made.number}.model", ContentFile(content), save=False)
        made.judged.save(f"{case_type.key}-{made.number}.twin", ContentFile(twin), save=False)
        made.save()
        names = ("held_out", "accuracy", "log_loss", "calibration_error")
        figures = {name: made.metrics[name] for name in names if name in made.metrics}
        log("model.trained", subject=made, data={"case_type": case_type.key, "number": made.number, **figures})
    return made


def _origins(material: Material) -> dict[str, Any]:
    counts: dict[str, Any] = {"examples": len(material.shipped)}
    for example in material.shipped:
        counts[example.origin] = counts.get(example.origin, 0) + 1
    if material.dataset:
        counts["dataset"] = str(material.dataset).replace(" ", "@")
        counts["dataset_sha256"] = material.dataset.sha256
    return counts
