"""Measured figures and the one table they end up in."""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple


class Figure(NamedTuple):
    """One line: what was measured at a size. ``aim`` with its sense: at least for rates, at most for milliseconds."""

    what: str
    size: int
    value: float
    unit: str
    aim: float | None = None

    @property
    def verdict(self) -> str:
        if self.aim is None:
            return ""
        good = self.value <= self.aim if self.unit == "ms" else self.value >= self.aim
        return "met" if good else "MISSED"


def p95(values: Sequence[float]) -> float:
    return sorted(values)[max(0, math.ceil(0.95 * len(values)) - 1)]


def timed(work: Callable[[], object]) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


def spread(what: str, size: int, times: Sequence[float], *, aim: float | None = None) -> list[Figure]:
    """Median and p95 of some milliseconds; the aim is the p95's."""
    return [
        Figure(f"{what}, p50", size, statistics.median(times), "ms"),
        Figure(f"{what}, p95", size, p95(times), "ms", aim),
    ]


def table(figures: Sequence[Figure]) -> str:
    """The figures side by side, one column per size, with the ratio of the largest size to the smallest."""
    sizes = sorted({figure.size for figure in figures})
    found = {(figure.what, figure.size): figure for figure in figures}
    names = list(dict.fromkeys(figure.what for figure in figures))
    heads = "".join(f"{size:>12,}" for size in sizes)
    lines = [f"{'cases in the tables':<44}{heads}  {'unit':<8}{'ratio':>6}  {'aim':>10}"]
    return "\n".join(lines + [_line(name, [found.get((name, size)) for size in sizes]) for name in names])


def _line(name: str, row: Sequence[Figure | None]) -> str:
    there = [figure for figure in row if figure]
    cells = "".join(f"{figure.value:>12,.1f}" if figure else f"{'–':>12}" for figure in row)
    ratio = there[-1].value / there[0].value if len(there) > 1 and there[0].value else None
    last = there[-1]
    aim = "" if last.aim is None else f"{'≤' if last.unit == 'ms' else '≥'} {last.aim:,.0f}"
    return f"{name:<44}{cells}  {last.unit:<8}{f'{ratio:.2f}' if ratio else '':>6}  {aim:>10}  {last.verdict}"
