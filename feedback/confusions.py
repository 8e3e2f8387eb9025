"""What the machine has got wrong lately where it said the same as now."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from feedback.models import Correction

LOOKED_AT = 500


@dataclass(frozen=True, slots=True)
class Confusion:
    """The machine said ``predicted``, a person (or news from downstream) said ``actual``, ``count`` times."""

    predicted: str
    actual: str
    count: int


def confusions(*, case_type_id: int, label: str, limit: int = 3) -> list[Confusion]:
    """The most frequent right answers where the machine's was ``label``, among its newest 500 corrections."""
    rows = Correction.objects.filter(case_type=case_type_id, label_before=label).order_by("-pk")
    actual = rows.values_list("label_after", flat=True)[:LOOKED_AT]
    counts = Counter(after for after in actual if after and after != label)
    return [Confusion(label, after, count) for after, count in counts.most_common(limit)]
