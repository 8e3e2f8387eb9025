"""Words and pieces of words of a text, counted.

A text is cut into units: words and runs of punctuation, each with its place in the original text. All that is counted lies
within one unit (the word, and its runs of 2–5 characters) or joins two neighbours (the pair of words). So what a unit is made
of is worked out once and remembered, and what a unit weighed leads straight back to its place: folding and normalising happen
inside the unit and never move an offset.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain, pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]

MAX_CHARACTERS = 20_000
"""What lies beyond in one text is not read."""

MAX_FEATURES = 1_500_000
"""While learning, what is first met beyond this many different features is not counted."""

_CHUNK_TEXTS = 1_000
_CHUNK_CHARACTERS = 400_000
_REMEMBERED_UNITS = 60_000
_SIZES = range(2, 6)
_WORD = "\n"  # marks whole words; no unit holds white space, so no run of characters can look like it

_IDEOGRAPHS = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_MARKS = r"!-/:-@\[-`{-~\u00a1-\u00bf\u2000-\u206f\u3000-\u303f\uff00-\uff0f"
_LETTERS = rf"[^\s{_IDEOGRAPHS}{_MARKS}]{{1,40}}"
_UNIT = re.compile(rf"(?P<word>[{_IDEOGRAPHS}]|{_LETTERS}(?:['\u2019]{_LETTERS})?)|[{_MARKS}]{{1,8}}")


class Unit(NamedTuple):
    """One word or run of punctuation; ``text[start:end]`` of the original text, in characters."""

    written: str
    start: int
    end: int
    is_word: bool


def units_of(text: str) -> list[Unit]:
    """Every unit of the text, in order. Nothing beyond MAX_CHARACTERS is read."""
    found = _UNIT.finditer(text, 0, MAX_CHARACTERS)
    return [Unit(match.group(), match.start(), match.end(), match.lastgroup is not None) for match in found]


@lru_cache(maxsize=_REMEMBERED_UNITS)
def folded(written: str) -> str:
    """The unit as it is counted: without differences of case, width or composition."""
    return unicodedata.normalize("NFKC", written).casefold()


def pieces_of(unit: str) -> list[str]:
    """Every run of 2–5 characters of a folded unit with a space at either end; the space marks where a word ends."""
    padded = f" {unit} "
    return [padded[at : at + size] for size in _SIZES for at in range(len(padded) - size + 1)]


@dataclass(slots=True)
class Vocabulary:
    """Numbers for features. A growing one gives new features new numbers; a fixed one knows no others."""

    numbers: dict[str, int] = field(default_factory=dict)
    growing: bool = False
    _known: dict[str, Ints] = field(default_factory=dict)

    def features_of(self, written: str) -> Ints:
        """The numbers of what one unit is made of, repeats included."""
        known = self._known.get(written)
        if known is None:
            known = self._known[written] = self._worked_out(folded(written))
            if len(self._known) > _REMEMBERED_UNITS:
                self._known.clear()
        return known

    def pair(self, first: str, second: str) -> int:
        """The number of two neighbouring words, or -1 when unknown."""
        return self._number(f"{_WORD}{folded(first)}{_WORD}{folded(second)}")

    def _worked_out(self, unit: str) -> Ints:
        numbers = (self._number(feature) for feature in (_WORD + unit, *pieces_of(unit)))
        return np.array([number for number in numbers if number >= 0], dtype=np.int64)

    def _number(self, feature: str) -> int:
        number = self.numbers.get(feature, -1)
        if number < 0 and self.growing and len(self.numbers) < MAX_FEATURES:
            number = self.numbers[feature] = len(self.numbers)
        return number


@dataclass(frozen=True, slots=True)
class Counts:
    """How often each feature was met in each text of a batch, and in which unit.

    Cell ``c`` says that ``feature[c]`` was met ``count[c]`` times in ``text[c]``; cells are sorted by text, then feature.
    Occurrence ``i`` belongs to cell ``cell[i]`` and to unit ``unit[i]``, units being numbered through the batch, with
    ``share[i]``: a pair of words is met half in each of its words.
    """

    units: list[list[Unit]]
    text: Ints
    feature: Ints
    count: Floats
    cell: Ints
    unit: Ints
    share: Floats


def counted(texts: Sequence[str], vocabulary: Vocabulary) -> Counts:
    """Count the vocabulary's features in a batch of texts."""
    units = [units_of(text) for text in texts]
    every = list(chain.from_iterable(units))
    features = [vocabulary.features_of(unit.written) for unit in every]
    lengths = np.fromiter((len(known) for known in features), dtype=np.int64, count=len(features))
    pair_unit, pair_feature = _pairs(units, vocabulary)
    unit = np.concatenate([np.repeat(np.arange(len(every)), lengths), pair_unit])
    feature = np.concatenate([*features, pair_feature])
    share = np.ones(len(feature), dtype=np.float32)
    share[len(feature) - len(pair_feature) :] = 0.5
    return _gathered(units, unit, feature, share)


def _pairs(units: Sequence[Sequence[Unit]], vocabulary: Vocabulary) -> tuple[Ints, Ints]:
    """The units and features of all pairs of neighbouring words, each pair once for either word."""
    places: list[int] = []
    features: list[int] = []
    start = 0
    for own in units:
        words = [(start + at, unit.written) for at, unit in enumerate(own) if unit.is_word]
        start += len(own)
        for (left, first), (right, second) in pairwise(words):
            number = vocabulary.pair(first, second)
            if number >= 0:
                places += (left, right)
                features += (number, number)
    return np.array(places, dtype=np.int64), np.array(features, dtype=np.int64)


def _gathered(units: list[list[Unit]], unit: Ints, feature: Ints, share: Floats) -> Counts:
    text_of_unit = np.repeat(np.arange(len(units)), [len(own) for own in units])
    width = int(feature.max(initial=0)) + 1
    keys, cell = np.unique(text_of_unit[unit] * width + feature, return_inverse=True)
    count = np.bincount(cell, weights=share, minlength=len(keys)).astype(np.float32)
    return Counts(units, keys // width, keys % width, count, cell, unit, share)


def chunks(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in runs short enough to be read at once in bounded memory."""
    start = size = 0
    for at, text in enumerate(texts):
        length = min(len(text), MAX_CHARACTERS)
        if at > start and (at - start >= _CHUNK_TEXTS or size + length > _CHUNK_CHARACTERS):
            yield texts[start:at]
            start, size = at, 0
        size += length
    if start < len(texts):
        yield texts[start:]
