"""Datasets: a selection of what people said, frozen under a name and a number, so that a training can be repeated.

Only human decisions, adjudications, reports from downstream, samples and examples that came with their truth are ever in one; never the
machine's own unreviewed word. Examples of one requester stand on one side of the split.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Max
from django.utils.translation import gettext as _

from cases.access import demand
from cases.audit import journal
from cases.errors import Conflict, Invalid
from cases.models import CaseType
from feedback.examples import Example, learnable, serving
from feedback.masking import masked
from feedback.models import Dataset, DatasetItem
from feedback.readings import agreement, readings

ORIGINS = ("decision", "outcome", "adjudication", "labelled", "sample")
MOST_ITEMS = 200_000


@dataclass(frozen=True, slots=True)
class Selection:
    """Which examples: since and until when they were given, from where, and whether personal data is masked.

    ``minimum_agreement`` is the least share (0 to 1) of a case's independent readers who gave the answer that is kept.
    Above 0, a case that fewer than two have read is left out, and so is what came with its truth.
    """

    since: datetime | None = None
    until: datetime | None = None
    origins: tuple[str, ...] = field(default=ORIGINS)
    mask: bool = True
    minimum_agreement: float = 0.0

    def takes(self, example: Example) -> bool:
        at = example.at
        early = self.since is not None and at is not None and at < self.since
        late = self.until is not None and at is not None and at >= self.until
        return example.origin in self.origins and not early and not late

    def told(self) -> dict[str, Any]:
        """As JSON."""
        moments = {name: at.isoformat() if at else None for name, at in (("since", self.since), ("until", self.until))}
        return {**asdict(self), **moments, "origins": list(self.origins)}


def freeze(case_type: CaseType, *, name: str, selection: Selection, by: User, origin: str) -> tuple[Dataset, bool]:
    """Freeze a selection as the next version of a name, and tell whether it is new: what has not changed is the version before.

    Raises: Forbidden; Invalid with the field; Conflict when nothing is in it.
    """
    demand(by, "feedback.add_dataset")
    _check(selection)
    items = composed(case_type, selection)
    if not items:
        raise Conflict(_("There is nothing in this selection."))
    digest = digest_of(items)
    with journal(actor=by, origin=origin) as log:
        CaseType.objects.select_for_update().get(pk=case_type.pk)
        named = Dataset.objects.filter(case_type=case_type, name=name)
        newest = named.order_by("-number").first()
        if newest and newest.sha256 == digest and not newest.erased:
            return newest, False
        dataset = Dataset.objects.create(
            case_type=case_type,
            name=name,
            number=(named.aggregate(newest=Max("number"))["newest"] or 0) + 1,
            selection=selection.told(),
            counts=_counts(items),
            sha256=digest,
            made_by=by,
        )
        for item in items:
            item.dataset = dataset
        DatasetItem.objects.bulk_create(items, batch_size=500)
        log("dataset.frozen", subject=dataset, data={"name": name, "number": dataset.number, "sha256": digest})
    return dataset, True


def composed(case_type: CaseType, selection: Selection) -> list[DatasetItem]:
    """The examples of a selection in a stable order, not yet kept. Samples judge; they are never on the learning side."""
    examples = [example for example in learnable(case_type) if selection.takes(example)]
    judging = [example for example in serving(case_type) if selection.takes(example)]
    read_blind = {example.case_id for example in judging}
    kept = [example for example in examples if example.case_id is None or example.case_id not in read_blind] + judging
    if selection.minimum_agreement > 0:
        kept = _agreed(case_type, kept, least=selection.minimum_agreement)
    return [_item(position, example, mask=selection.mask) for position, example in enumerate(kept, start=1)]


def _agreed(case_type: CaseType, examples: list[Example], *, least: float) -> list[Example]:
    answers = readings(case_type)
    shares = [agreement(example.output, answers.get(example.case_id or 0)) for example in examples]
    return [example for example, share in zip(examples, shares, strict=True) if share is not None and share >= least]


def _item(position: int, example: Example, *, mask: bool) -> DatasetItem:
    said = example.prediction
    clean = masked if mask else _as_it_is
    judges = example.origin == "sample" or example.held_out
    return DatasetItem(
        position=position,
        side=DatasetItem.Side.EVAL if judges else DatasetItem.Side.TRAIN,
        origin=example.origin,
        case_id=example.case_id,
        decision_id=example.decision_id,
        correction_id=example.correction_id,
        text=clean(example.text),
        output=clean(example.output),
        rejected=clean(example.rejected),
        model=said.model if said else "",
        model_version=said.model_version if said else "",
        why=clean(example.why),
    )


def _as_it_is(value: Any) -> Any:
    return value


def digest_of(items: Sequence[DatasetItem]) -> str:
    """SHA-256 over every example in order."""
    digest = hashlib.sha256()
    for item in items:
        content = [item.side, item.origin, item.text, item.output, item.rejected, item.why]
        digest.update(json.dumps(content, sort_keys=True).encode())
    return digest.hexdigest()


def _check(selection: Selection) -> None:
    errors: dict[str, list[str]] = {}
    unknown = [name for name in selection.origins if name not in ORIGINS]
    if unknown or not selection.origins:
        errors["origins"] = [_("Choose from: %(names)s.") % {"names": ", ".join(ORIGINS)}]
    if not 0 <= selection.minimum_agreement <= 1:
        errors["minimum_agreement"] = [_("Give a share from 0 to 1.")]
    if selection.since and selection.until and selection.since >= selection.until:
        errors["until"] = [_("The end comes after the beginning.")]
    if errors:
        raise Invalid(_("The dataset was not made."), errors=errors)


def _counts(items: Sequence[DatasetItem]) -> dict[str, int]:
    sides, origins = Counter(str(item.side) for item in items), Counter(item.origin for item in items)
    return {"examples": len(items), **dict(sorted(sides.items())), **dict(sorted(origins.items()))}
