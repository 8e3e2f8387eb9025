"""What became of a correction: whether it stands, which datasets hold it, and which models and prompts learnt from those."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from feedback.examples import standing_corrections
from feedback.masking import masked
from feedback.models import Correction, Dataset, DatasetItem, ModelVersion, PromptVersion, Run, Sample
from review.models import Decision, ReviewTask

MOST = 50


@dataclass(frozen=True, slots=True)
class Held:
    """A dataset that holds the case of a correction. ``same`` tells whether with the answer of this correction."""

    item: DatasetItem
    same: bool

    @property
    def dataset(self) -> Dataset:
        return self.item.dataset


@dataclass(frozen=True, slots=True)
class Learnt:
    """A version that learnt the correction, from a frozen dataset or from all that was said until then."""

    version: ModelVersion | PromptVersion
    dataset: Dataset | None


@dataclass(frozen=True, slots=True)
class Lineage:
    state: str
    datasets: list[Held]
    models: list[Learnt]
    prompts: list[Learnt]


STATES: dict[str, str | Promise] = {
    "stands": _("It may be learnt from."),
    "no_answer": _("It says what was wrong and not what is right, so nothing can be learnt from it."),
    "serving": _("It is evaluation data: nothing is trained on it until the sample is released."),
    "open": _("The case is open again; what is decided then counts."),
    "overtaken": _("A later decision about the case counts in its place."),
}


def lineage_of(correction: Correction) -> Lineage:
    """What became of a correction, in a number of queries that does not depend on how much there is."""
    state, held = state_of(correction), _datasets(correction)
    learnt_from = {row.dataset.pk: row.dataset for row in held if row.same and row.item.side == DatasetItem.Side.TRAIN}
    since = _free_since(correction) if state == "stands" else None
    models = _models(correction, datasets=learnt_from, since=since)
    return Lineage(state, held, models, _prompts(learnt_from))


def state_of(correction: Correction) -> str:
    """One of `STATES`."""
    if correction.after is None:
        return "no_answer"
    if Sample.objects.filter(case=correction.case_id, released_at=None).exists():
        return "serving"
    if standing_corrections().filter(pk=correction.pk).exists():
        return "stands"
    later = Decision.objects.filter(case=correction.case_id, pk__gt=correction.decision_id or 0)
    waiting = ReviewTask.objects.open().filter(case=correction.case_id)
    return "open" if waiting.exists() and not later.exists() else "overtaken"


def _datasets(correction: Correction) -> list[Held]:
    """Frozen since; what was frozen before cannot hold it."""
    items = DatasetItem.objects.filter(case=correction.case_id, dataset__created_at__gte=correction.created_at)
    rows = items.select_related("dataset__case_type").defer("text", "why").order_by("-dataset")[:MOST]
    return [Held(item, _same(item, correction)) for item in rows]


def _same(item: DatasetItem, correction: Correction) -> bool:
    return item.correction_id == correction.pk or item.output in (correction.after, masked(correction.after))


def _free_since(correction: Correction) -> datetime:
    released = Sample.objects.filter(case=correction.case_id).order_by("-released_at").first()
    return (
        max(correction.created_at, released.released_at) if released and released.released_at else correction.created_at
    )


def _models(correction: Correction, *, datasets: dict[int, Dataset], since: datetime | None) -> list[Learnt]:
    """Trained from one of the datasets, or from all that might be learnt when they were made."""
    runs = Run.objects.filter(dataset__in=datasets, model__isnull=False, kind=Run.Kind.TRAIN)
    by_run = dict(runs.values_list("model", "dataset")[:MOST])
    rows = ModelVersion.objects.filter(case_type=correction.case_type_id, created_at__gte=correction.created_at)
    by_digest = {dataset.sha256: dataset for dataset in datasets.values()}
    found = []
    for version in rows.order_by("-number")[:MOST]:
        dataset = datasets.get(by_run.get(version.pk, 0)) or by_digest.get(_digest(version))
        whole = not _digest(version) and since is not None and version.created_at >= since
        if dataset is not None or whole:
            found.append(Learnt(version, dataset))
    return found


def _digest(version: ModelVersion) -> str:
    return str(version.trained_on.get("dataset_sha256", ""))


def _prompts(datasets: dict[int, Dataset]) -> list[Learnt]:
    rows = PromptVersion.objects.filter(dataset__in=datasets).order_by("-number")[:MOST]
    return [Learnt(version, datasets[version.dataset_id or 0]) for version in rows]
