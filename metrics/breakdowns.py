"""The rows of a rollup added up by some of their keys: what the pages ask by person, model version, source or label."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from metrics.intervals import Stratum
from metrics.models import CertaintyRollup, LabelRollup, Rollup

Key = tuple[Any, ...]


def breakdown(
    model: type[Rollup],
    *by: str,
    span: str,
    start: datetime,
    end: datetime,
    case_types: Sequence[int] | None = None,
    **only: Any,
) -> dict[Key, dict[str, Any]]:
    """The figures of the rows that begin in [start, end), by these keys (`start` is one), in the keys' order.

    Histograms stay `{"bucket": count}`. ``case_types`` None means all; ``only`` narrows down further.
    """
    rows = model.objects.within(span, start, end).filter(**only)
    if case_types is not None:
        rows = rows.filter(case_type__in=case_types)
    found: dict[Key, dict[str, Any]] = {}
    for values in rows.order_by().values_list(*by, *model.figures):
        key, figures = values[: len(by)], zip(model.figures, values[len(by) :], strict=True)
        there = found.setdefault(key, {})
        for name, value in figures:
            there[name] = added(there[name], value) if name in there else value
    return dict(sorted(found.items()))


def added(one: Any, other: Any) -> Any:
    """Two figures as one: counts, costs, seconds to the millisecond, histograms in the order of their buckets."""
    if isinstance(one, dict):
        return in_order(Counter(one) + Counter(other))
    return round(one + other, 3) if isinstance(one, float) else one + other


def in_order(counts: dict[str, int]) -> dict[str, int]:
    """A histogram with its buckets ascending, so that equal ones are written alike."""
    return {bucket: counts[bucket] for bucket in sorted(counts, key=int)}


def strata_by_bin(rows: Iterable[CertaintyRollup]) -> dict[int, list[Stratum]]:
    """Per bin of the confidence its strata by the chance to be read, for `intervals.weighted_share`."""
    cells: dict[int, dict[float, Counter[str]]] = defaultdict(lambda: defaultdict(Counter))
    for row in rows:
        cells[row.confidence_bin][row.probability].update(decided=row.decided, read=row.read, wrong=row.wrong)
    return {
        number: [Stratum(p, n["decided"], n["read"], n["wrong"]) for p, n in sorted(cells[number].items())]
        for number in sorted(cells)
    }


def confusion(rows: Iterable[LabelRollup], *, sampled: bool) -> Counter[tuple[str, str]]:
    """How often the machine said one label and the person another (or the same)."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        if row.sampled is sampled:
            counts[row.said, row.answered] += row.count
    return counts
