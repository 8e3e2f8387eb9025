"""Which decided cases are like this one: every case that a person decided leaves the words it was made of.

The rows are the truth; each process keeps an index of them and brings it up to date by one query whenever it is asked.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from threading import Lock

import numpy as np
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet, Subquery

from cases.access import visible
from cases.audit import settled_id
from cases.classifiers.texts import text_of
from cases.models import Case
from feedback.models import Fingerprint
from feedback.similar import Alike, Index, Terms, terms_of
from review.models import Decision, ReviewTask

MOST_INDEXED = 100_000
BATCH = 2_000
EXCERPT = 160
# Of the most alike some may not be the reader's to see.
LOOKED_AT = 8


@dataclass(frozen=True, slots=True)
class SimilarCase:
    """An earlier case and how it was decided; ``score`` is how alike its text is, 0 to 1."""

    case_id: int
    excerpt: str
    label: str
    outcome: str
    decided_at: datetime
    score: float


@dataclass(slots=True)
class _Kept:
    index: Index
    newest: int = 0


_kept: dict[int, _Kept] = defaultdict(lambda: _Kept(Index()))
_lock = Lock()


def take_fingerprints() -> int:
    """Take the fingerprints of the cases that people have decided since the last call. Returns how many decisions it read."""
    last = Fingerprint.objects.order_by("-decision_id").values_list("decision_id", flat=True).first() or 0
    rows = Decision.objects.by_people().filter(pk__gt=last, pk__lte=settled_id(Decision)).select_related("case")
    decisions = list(rows.only("case__payload", "case__case_type_id").order_by("pk")[:BATCH])
    newest = {decision.case_id: decision for decision in decisions}
    Fingerprint.objects.filter(case__in=newest).delete()
    Fingerprint.objects.bulk_create(
        Fingerprint(
            case_id=case_id,
            case_type_id=decision.case.case_type_id,
            decision_id=decision.pk,
            terms=terms_of(text_of(decision.case.payload)[0]).tobytes(),
        )
        for case_id, decision in newest.items()
    )
    return len(decisions)


def similar(*, case: Case, user: User, limit: int = 5) -> list[SimilarCase]:
    """Cases of the same type that a person decided and this account may see, the most alike first.

    What is open again is left out: its answer may be about to change, and somebody may be reading it blind.
    """
    terms = terms_of(text_of(case.payload)[0])
    alike = {found.key: found for found in _alike(case.case_type_id, terms, without=case.pk, limit=limit * LOOKED_AT)}
    if not alike:
        return []
    reopened = ReviewTask.objects.open().filter(case=OuterRef("pk"))
    found = Case.objects.filter(pk__in=alike, fingerprint__isnull=False)  # an erased case has none any more
    rows = visible(user, found, "cases.view_case").exclude(Exists(reopened))
    decisions = _newest_decisions(rows)
    best = [found for found in alike.values() if found.key in decisions][:limit]
    return [_shown(found, decisions[found.key]) for found in best]


def alike(case_type_id: int, text: str, *, without: int, limit: int) -> list[Alike]:
    """Cases that people decided, by how alike their text is; whose eyes they may come before is for the caller to see to."""
    return _alike(case_type_id, terms_of(text), without=without, limit=limit)


def _alike(case_type_id: int, terms: Terms, *, without: int, limit: int) -> list[Alike]:
    with _lock:
        kept = _kept[case_type_id]
        rows = Fingerprint.objects.filter(case_type=case_type_id, pk__gt=kept.newest)
        fresh = list(rows.order_by("-pk").values_list("pk", "case_id", "terms")[:MOST_INDEXED])
        for pk, case_id, stored in reversed(fresh):
            kept.index.add(case_id, np.frombuffer(bytes(stored), dtype=np.uint32))
            kept.newest = pk
        return kept.index.alike(terms, limit=limit, without=without)


def forget_index() -> None:
    """Drop what this process keeps; the next question reads the rows anew."""
    with _lock:
        _kept.clear()


def _newest_decisions(cases: QuerySet[Case]) -> dict[int, Decision]:
    """The newest decision of each case, with the case's payload, in one query."""
    newest = Decision.objects.filter(case=OuterRef("case")).order_by("-pk").values("pk")[:1]
    rows = Decision.objects.filter(case__in=cases.order_by().values("pk"), pk=Subquery(newest)).select_related("case")
    return {row.case_id: row for row in rows.only("case__payload", "label", "outcome", "decided_at")}


def _shown(found: Alike, decision: Decision) -> SimilarCase:
    return SimilarCase(
        case_id=decision.case_id,
        excerpt=" ".join(text_of(decision.case.payload)[0].split())[:EXCERPT],
        label=decision.label,
        outcome=decision.get_outcome_display(),
        decided_at=decision.decided_at,
        score=found.score,
    )
