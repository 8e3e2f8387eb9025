"""One made-up case, and the one door to all kinds of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

Output = dict[str, Any]
PRIORITIES = {"urgent": 3, "high": 12, "normal": 65, "low": 20}


@dataclass(frozen=True, slots=True)
class DemoCase:
    """An input whose right answer is known. ``difficulty`` is easy, plain, long, ambiguous or out_of_scope.

    ``proposal`` is what an outside engine said, ``{"output", "confidence", "rationale"}``, where one is in front of the case type.
    """

    case_type: str
    payload: dict[str, Any]
    true_output: Output
    requester: str
    priority: str
    difficulty: str
    context: list[dict[str, str]] = field(default_factory=list)
    proposal: dict[str, Any] | None = None


Maker = Callable[[Random], DemoCase]


def priority(rng: Random, *, pressing: bool = False) -> str:
    """A priority with the shop's usual mix; pressing cases come in higher."""
    if pressing:
        return rng.choices(["urgent", "high", "normal"], weights=[2, 5, 3])[0]
    return rng.choices(list(PRIORITIES), weights=list(PRIORITIES.values()))[0]
