"""The rows of a rollup added up by some of their keys: what the pages ask by person, model version, source or label."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from metrics.histograms import packed, unpacked
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

    Histograms stay packed. ``case_types`` None means all; ``only`` narrows down further.
    """
    rows = model.objects.within(span, start, end).filter(**only)
    if case_types is not None:
        rows = rows.filter(case_type__in=case_types)
    found: defaultdict[Key, list[Any]] = defaultdict(list)
    for values in rows.order_by().values_list(*by, *model.figures):
        found[values[: len(by)]].append(values[len(by) :])
    return {
        key: {name: added(each) for name, each in zip(model.figures, zip(*found[key], strict=True), strict=True)}
        for key in sorted(found)
    }


def added(figures: Sequence[Any]) -> Any:
    """Some figures as one: counts, costs, seconds to the millisecond, packed histograms."""
    if isinstance(figures[0], bytes):
        return figures[0] if len(figures) == 1 else packed(unpacked(b"".join(figures)))
    total = sum(figures)
    return round(total, 3) if isinstance(total, float) else total


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
