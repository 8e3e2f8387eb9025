"""Case text as what it is, hostile: its strings by path, cleaned of what cannot be seen, and a nose for injections."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cases.classifiers.base import Question
from cases.patterns import MAX_TEXT, found

MAX_DEPTH = 32
OVERLAP = 1_000
SHORTEST_VALUE = 3  # characters of a value that count as found in a quote
# Tag characters and direction overrides have no place in a case; other invisible characters are merely removed.
SMUGGLED = re.compile("[\U000e0000-\U000e007f\u202d\u202e]")
HIDDEN = ("Cf", "Cs", "Co", "Cn")
# On text in lower case with single spaces. A hit sends a case to a person, so a false alarm costs a look, no more.
SIGNS = (
    r"\b(ignore|disregard|forget|override|bypass)\b.{0,40}\b(instruction|prompt|guideline|directive|rule|polic(y|ies)\b)",
    r"\b(ignorier\w*|vergiss|ignorez|oubliez|ignora|ignore)\b.{0,40}\b(anweisung|vorgabe|instrucc?ion|consigne)",
    r"\b(system|developer) (prompt|message|instruction)",
    r"\byou are (now|no longer)\b.{0,40}\b(assistant|ai|model|bot|mode|dan)\b",
    r"\b(reviewer|approver|moderator|assistant|classifier|model|system|ai) ?: ?.{0,60}(approv|already|ignore|confidence)",
    r"\b(legal|compliance|management|supervisor|security|finance)\b.{0,20}\b(has|have|already)\b.{0,20}\bapproved\b",
    r"\bconfidence\b.{0,15}(\b1[.,]0|\b100 ?%|\b0?[.,]99)",
    r"\b(respond|reply|answer|output|return)\b.{0,30}\b(only|exactly|with)\b.{0,30}\b(json|label|confidence)\b",
    r"\b(classify|label|mark)\b.{0,20}\b(this|it)\b.{0,20}\bas\b.{0,40}\b(confidence|regardless|no matter)\b",
    r"<\|[a-z_]+\|>|\[/?inst\]|</?(system|assistant|user|instructions?)>|#{2,} ?(system|instruction|assistant)",
    r"\bcase-[0-9a-f]{16}\b|\bjailbreak\b|\bdo anything now\b|\bas an? (ai|large language) (model|assistant)\b",
)


def leaves(question: Question) -> Iterator[tuple[str, Any]]:
    """Every text, number and truth value of a case with its path, as in ``payload.items[0].name``."""
    yield from _walk("payload", question.payload, 0)
    yield from _walk("context", list(question.context), 0)


def texts(question: Question) -> list[tuple[str, str]]:
    """Only the texts."""
    return [(path, value) for path, value in leaves(question) if isinstance(value, str)]


def is_suspicious(question: Question) -> bool:
    """Whether the case reads as if it spoke to a machine. It may only ever make a case go to a person."""
    everything = "\n".join(f"{path}: {value}" for path, value in texts(question))
    if SMUGGLED.search(everything):
        return True
    plain = " ".join(unicodedata.normalize("NFKC", visible(everything)).casefold().split())
    pieces = [plain[start : start + MAX_TEXT] for start in range(0, max(len(plain), 1), MAX_TEXT - OVERLAP)]
    return any(found(sign, piece) for piece in pieces for sign in SIGNS)


def visible(text: str) -> str:
    """The text without invisible, unassigned and control characters; line breaks and tabs stay."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char
        for char in text
        if char in "\n\t" or (unicodedata.category(char) not in HIDDEN and unicodedata.category(char) != "Cc")
    )


def spans_of(
    quotes: Sequence[str], question: Question, output: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Where each quote stands word for word in the case; a quote that stands nowhere was made up and is dropped.

    A quote that holds the value of exactly one field of the output supports that field: told from the texts, not by the model.
    """
    spans = []
    for quote in quotes:
        place = next(((path, text.find(quote)) for path, text in texts(question) if quote in text), None)
        if place:
            supported = {"supports": name} if (name := _supported(quote, output or {})) else {}
            spans.append(
                {"field": place[0], "start": place[1], "end": place[1] + len(quote), "weight": 1.0} | supported
            )
    return spans


def _supported(quote: str, output: Mapping[str, Any]) -> str:
    """The one field whose value stands in a quote, or an empty name. Short values stand everywhere and say too little."""
    said = quote.casefold()
    held = [
        name
        for name, value in output.items()
        if isinstance(value, str | int | float)
        and not isinstance(value, bool)
        and len(word := str(value).casefold().strip()) >= SHORTEST_VALUE
        and re.search(rf"(?<!\w){re.escape(word)}(?!\w)", said)
    ]
    return str(held[0]) if len(held) == 1 else ""


def _walk(path: str, value: Any, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(value, str | bool | int | float):
        yield path, value
    elif depth < MAX_DEPTH and isinstance(value, Mapping):
        for key, item in value.items():
            yield from _walk(f"{path}.{key}", item, depth + 1)
    elif depth < MAX_DEPTH and isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield from _walk(f"{path}[{position}]", item, depth + 1)
