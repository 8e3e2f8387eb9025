"""One made-up case, and the one door to all kinds of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from hitl_project.demo.papers import Paper

Output = dict[str, Any]
PRIORITIES = {"urgent": 3, "high": 12, "normal": 65, "low": 20}


@dataclass(frozen=True, slots=True)
class DemoCase:
    """An input whose right answer is known. ``difficulty`` is easy, plain, long, ambiguous or out_of_scope.

    ``proposal`` is what an outside engine said, in the words of the API's prediction, where one is in front of the case
    type. ``papers`` are the files that come with it.
    """

    case_type: str
    payload: dict[str, Any]
    true_output: Output
    requester: str
    priority: str
    difficulty: str
    context: list[dict[str, str]] = field(default_factory=list)
    proposal: dict[str, Any] | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    papers: tuple[Paper, ...] = ()

    @property
    def language(self) -> str:
        return self.metadata.get("language", "")


Maker = Callable[[Random, datetime], DemoCase]


def priority(rng: Random, *, pressing: bool = False) -> str:
    """A priority with the shop's usual mix; pressing cases come in higher."""
    if pressing:
        return rng.choices(["urgent", "high", "normal"], weights=[2, 5, 3])[0]
    return rng.choices(list(PRIORITIES), weights=list(PRIORITIES.values()))[0]


def spans(texts: dict[str, str], wanted: list[tuple[str, str, str]]) -> list[dict[str, Any]]:
    """Evidence: where a phrase stands in the text at a path, and which field of the answer it supports.

    ``wanted`` holds (path, phrase, field); what is not there is left out.
    """
    return [
        {"field": path, "start": at, "end": at + len(phrase), "weight": 1.0, "supports": supported}
        for path, phrase, supported in wanted
        if phrase and (at := texts[path].find(phrase)) >= 0
    ]
