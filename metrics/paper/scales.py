"""Axes on paper: where a value lies, and which round values are written beside the axis."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

STEPS = (1, 2, 2.5, 5, 10)
ENOUGH = 5


@dataclass(frozen=True, slots=True)
class Scale:
    """Takes values of an axis to 0 … 1, and names some of them."""

    place: Callable[[Any], float | None]
    ticks: Sequence[tuple[float, str]]


def scale(axis: dict[str, Any], values: Sequence[Any]) -> Scale:
    """The scale of an axis as Plotly describes it."""
    kind = axis.get("type")
    if kind == "date":
        return _dates(values)
    if kind == "category":
        return _names(values, reverse=axis.get("autorange") == "reversed")
    if kind == "log":
        return _logarithms([float(v) for v in values if v is not None and float(v) > 0])
    return _numbers([float(v) for v in values if v is not None], axis)


def _numbers(values: Sequence[float], axis: dict[str, Any]) -> Scale:
    low, high = axis.get("range") or (min(0.0, *values, 0.0), max([*values, 0.0]) or 1.0)
    high = high if high > low else low + 1
    step = _round_step((high - low) / ENOUGH)
    if not axis.get("range"):
        high = math.ceil(high / step) * step
    first = math.ceil(low / step) * step
    named = [first + n * step for n in range(int((high - first) / step + 1e-9) + 1)]
    share = str(axis.get("tickformat", "")).endswith("%")
    ticks = [((at - low) / (high - low), f"{100 * at:g} %" if share else f"{at:,.10g}") for at in named]
    return Scale(lambda value: None if value is None else (float(value) - low) / (high - low), ticks)


def _round_step(least: float) -> float:
    size = 10 ** math.floor(math.log10(least)) if least > 0 else 1
    return float(next(size * step for step in STEPS if size * step >= least * (1 - 1e-9)))


def _logarithms(values: Sequence[float]) -> Scale:
    low, high = math.log10(min(values, default=1)), math.log10(max(values, default=10))
    high = high if high > low else low + 1
    powers = range(math.ceil(low), math.floor(high) + 1)
    ticks = [((at - low) / (high - low), f"{10.0**at:,g}") for at in powers]
    return Scale(lambda value: (math.log10(value) - low) / (high - low) if value and value > 0 else None, ticks)


def _names(values: Sequence[Any], *, reverse: bool) -> Scale:
    order = list(dict.fromkeys(str(value) for value in values))
    order = order[::-1] if reverse else order
    places = {name: (at + 0.5) / len(order) for at, name in enumerate(order)}
    return Scale(lambda value: places.get(str(value)), [(at, name) for name, at in places.items()])


def _dates(values: Sequence[Any]) -> Scale:
    moments = sorted({_moment(value) for value in values if value})
    if not moments:
        return Scale(lambda _value: None, [])
    first, last = moments[0], moments[-1]
    step = min((b - a for a, b in pairwise(moments)), default=86_400.0)
    low, high = first - step / 2, last + step / 2
    every = max(1, math.ceil(len(moments) / ENOUGH))
    form = "%d %b" if step >= 86_400 else "%d %b %H:%M"  # noqa: PLR2004 - a day
    ticks = [
        ((at - low) / (high - low), datetime.fromtimestamp(at, UTC).strftime(form))
        for at in moments[:: max(every, len(moments) // ENOUGH)]
    ]
    return Scale(lambda value: (_moment(value) - low) / (high - low) if value else None, ticks)


def _moment(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
