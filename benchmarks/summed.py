"""The rollups as so many decisions over 90 days would leave them, without the decisions."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Any

DAYS = 90
HOUR = timedelta(hours=1)
Key = tuple[Any, ...]
MODES = ("exception_handler",)
REASONS = ("", "low_confidence", "sample", "high_risk")
VERSIONS = (("local", "1"), ("local", "2"))
LABELS = tuple(f"label-{number}" for number in range(8))
BUCKETS = range(100, 220)  # some seconds to some minutes


def keys(case_type: int) -> dict[str, list[Key]]:
    """Every key that a table may have for a case type."""
    kind = (case_type,)
    said = [(*kind, *version) for version in VERSIONS]
    return {
        "flow": [(*kind, "", "")] + [(*kind, *pair) for pair in itertools.product(MODES, REASONS)],
        "source": [(*kind, f"source-{number}") for number in range(5)],
        "work": [(*kind, *pair) for pair in itertools.product((1, 2, 3), range(4))],
        "pace": [kind],
        "person": [(*kind, number) for number in range(1, 31)],
        "machine": said,
        "version": [(*kind, mode, *version) for mode, version in itertools.product(MODES, VERSIONS)],
        "sample": [(*kind, 0.05, automated) for automated in (True, False)],
        "check": [(*kind, chance) for chance in (0.02, 1.0)],
        "certainty": [
            (*row, number, 0.05, automated) for row in said for number in range(20) for automated in (True, False)
        ],
        "label": [(*kind, *pair, read) for pair in itertools.product(LABELS, LABELS) for read in (True, False)],
    }


def fill(decisions: int, *, case_types: list[int], now: datetime) -> None:
    """Replace all rollups: hours with some of the keys, as many as that many decisions can have, and their days."""
    from metrics import folding
    from metrics.models import Span
    from metrics.sums import TABLES, Slice

    end = now.replace(minute=0, second=0, microsecond=0) + HOUR
    start = (end - timedelta(days=DAYS)).replace(hour=0)
    each = decisions / (DAYS * 24 * len(case_types))
    draw = random.Random(decisions)
    for table, (model, _summing) in TABLES.items():
        rows: Any = model._default_manager
        rows.all().delete()
        for kind in case_types:
            hours = (
                (start + number * HOUR, _some(keys(kind)[table], each, draw)) for number in range((end - start) // HOUR)
            )
            rows.bulk_create(_rows(model, hours, draw), batch_size=2_000)
            rows.bulk_create(
                folding.folded(model, str(Span.HOUR), Slice(kind, start, end, str(Span.DAY))), batch_size=2_000
            )


def _some(every: list[Key], each: float, draw: random.Random) -> tuple[list[Key], int]:
    """The keys that an hour with so many decisions has, and how many each of them counts."""
    found = int(each) + (draw.random() < each % 1)
    return draw.sample(every, min(len(every), found)), max(1, found // len(every))


def _rows(model: Any, hours: Iterable[tuple[datetime, tuple[list[Key], int]]], draw: random.Random) -> Iterator[Any]:
    for start, (found, share) in hours:
        for key in found:
            figures = {name: _figure(model, name, share, draw) for name in model.figures}
            yield model(span="hour", start=start, **dict(zip(model.keys, key, strict=True)), **figures)


def _figure(model: Any, name: str, share: int, draw: random.Random) -> Any:
    from metrics.histograms import packed

    kind = model._meta.get_field(name).get_internal_type()
    if kind == "BinaryField":
        span = range(20) if name == "confidence" else BUCKETS
        return packed(dict.fromkeys(draw.sample(span, min(len(span), share, 40)), 1 + share // 40))
    return share if name not in ("wrong", "overrides", "planted_caught", "late", "unmet") else share // 10
