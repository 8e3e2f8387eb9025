"""Texts from variants: ``(a|b)`` is a choice, ``{name}`` a slot. Pure; every draw comes from the given generator."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import yaml

TEXTS = Path(__file__).parent / "texts"
CHOICE = re.compile(r"\(([^()]*)\)")
SLOT = re.compile(r"\{(\w+)\}")
NEIGHBOURS = {"a": "s", "e": "r", "i": "o", "n": "m", "o": "p", "r": "t", "s": "d", "t": "y", "u": "i", "l": "k"}

Slots = Mapping[str, str]


@cache
def texts(name: str) -> dict[str, Any]:
    """One file of variants; every block of lines is a list of its lines."""
    loaded: dict[str, Any] = yaml.safe_load((TEXTS / f"{name}.yaml").read_text(encoding="utf-8"))
    return {key: _lines(value) for key, value in loaded.items()}


def dice(seed: int | str) -> Random:
    """A generator of draws that repeat for the same seed."""
    return Random(seed)  # noqa: S311 - made-up texts, not secrets


def chance(share: float, rng: Random) -> bool:
    """True for a share of the draws."""
    return rng.random() < share


def _lines(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lines(inner) for key, inner in value.items()}
    return [line for line in str(value).split("\n") if line.strip()]


def expand(variant: str, slots: Slots, rng: Random) -> str:
    """One reading of a variant, with its slots filled and spaces tidied."""

    def chosen(match: re.Match[str]) -> str:
        return rng.choice(str(match[1]).split("|"))

    while CHOICE.search(variant):
        variant = CHOICE.sub(chosen, variant)
    filled = SLOT.sub(lambda match: slots[str(match[1])], variant)
    tidy = re.sub(r" +([.,?!]|$)", r"\1", re.sub(r" {2,}", " ", filled)).strip()
    return re.sub(r"\b([Aa]) (?=(?:oak|enamel)\b)", r"\1n ", tidy)


def line(variants: list[str], slots: Slots, rng: Random) -> str:
    """One of the variants, expanded; a lone full stop stands for nothing."""
    text = expand(rng.choice(variants), slots, rng)
    return "" if text == "." else text


def lines(variants: list[str], count: int, slots: Slots, rng: Random) -> list[str]:
    """Up to ``count`` different variants, expanded."""
    return [expand(variant, slots, rng) for variant in rng.sample(variants, min(count, len(variants)))]


def with_typos(text: str, rate: float, rng: Random) -> str:
    """The text with a share ``rate`` of its longer words mistyped."""

    def word(match: re.Match[str]) -> str:
        return _mistyped(match[0], rng) if chance(rate, rng) else match[0]

    return re.sub(r"\b[a-z]{4,}\b", word, text)


def _mistyped(word: str, rng: Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    slips: list[Callable[[], str]] = [
        lambda: word[:at] + word[at + 1 :],
        lambda: word[:at] + word[at] + word[at:],
        lambda: word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        lambda: word[:at] + NEIGHBOURS.get(word[at], word[at]) + word[at + 1 :],
    ]
    return rng.choice(slips)()
