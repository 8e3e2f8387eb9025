"""Labelled examples from outside: inputs whose right answer is known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from django.utils.translation import gettext as _

from cases import bulk, schemas
from cases.audit import Actor, journal
from cases.errors import Refused
from cases.imports.mapping import Truth
from cases.models import CaseType
from feedback.models import LabelledExample

COLUMNS = {"external_id": "text", "payload": "jsonb", "output": "jsonb"}
Told = tuple[str, Mapping[str, Sequence[str]]]


def store_truths(
    items: Sequence[Truth | Refused], *, case_type: CaseType, source: str, label_field: str, actor: Actor, origin: str
) -> list[Told]:
    """Store examples once each and tell of every item what became of it, in order. One that is here stays as it is."""
    labels = set(schemas.labels_of(case_type.output_schema))
    told: list[Told] = [_checked(item, labels, label_field) for item in items]
    good = [
        item
        for item, (status, _errors) in zip(items, told, strict=True)
        if status == "created" and isinstance(item, Truth)
    ]
    rows = [(item.external_id, _json(item.payload), _json({"label": item.label})) for item in good]
    with journal(actor=actor, origin=origin) as log:
        constants = {"case_type_id": case_type.pk, "source": source}
        made = bulk.insert(
            LabelledExample, COLUMNS, rows, constants=constants, skip_conflicts=True, returning=("external_id",)
        )
        if made:
            log("examples.added", subject=case_type, data={"source": source, "count": len(made)})
    return _with_known(items, told, {row[0] for row in made})


def _checked(item: Truth | Refused, labels: set[str], field: str) -> Told:
    if isinstance(item, Refused):
        return "invalid", item.errors or {"row": [item.message]}
    if labels and item.label not in labels:
        return "invalid", {field: [_("The case type has no label '%(label)s'.") % {"label": item.label[:80]}]}
    return "created", {}


def _with_known(items: Sequence[Truth | Refused], told: Sequence[Told], made: set[str]) -> list[Told]:
    found: list[Told] = []
    for item, (status, errors) in zip(items, told, strict=True):
        new = isinstance(item, Truth) and item.external_id in made
        if isinstance(item, Truth):
            made.discard(item.external_id)
        found.append((status if new or errors else "existing", errors))
    return found


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
