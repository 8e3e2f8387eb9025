"""An index of texts by the words they share, in memory: a few milliseconds a question among a hundred thousand texts.

Words are numbers (`terms_of`), texts are sets of them. Two texts are alike by the cosine of their sets, each word weighing
ln((1 + n) / (1 + df)) + 1, as in Manning, Raghavan, Schütze, "Introduction to Information Retrieval", section 6.2–6.3.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt

from cases.classifiers.ngrams import folded, units_of

Terms = npt.NDArray[np.uint32]
MOST_TERMS = 96
SHORTEST = 3
LEAST_ALIKE = 0.12
# The tail that is not yet part of the index is read one by one; beyond this share of it everything is built anew.
TAIL_SHARE, TAIL_LEAST = 0.05, 200


class Alike(NamedTuple):
    """A text of the index by its key, and how alike it is: 0 to 1, 1 for the same words."""

    key: int
    score: float


def terms_of(text: str) -> Terms:
    """The words of a text as sorted numbers without repeats.

    Of a long text only the longest words are kept: the longer a word, the rarer it is (Zipf, 1935), and it is the rare
    ones by which texts are told apart.
    """
    words = {folded(unit.written) for unit in units_of(text) if unit.is_word}
    longest = sorted((word for word in words if len(word) >= SHORTEST), key=lambda word: (-len(word), word))
    return np.unique(np.array([crc32(word.encode()) for word in longest[:MOST_TERMS]], dtype=np.uint32))


@dataclass(frozen=True, slots=True)
class _Built:
    """Postings: text numbers by word, ``texts[starts[w]:starts[w + 1]]`` for the word ``words[w]``."""

    words: Terms
    starts: npt.NDArray[np.int64]
    texts: npt.NDArray[np.int32]
    weights: npt.NDArray[np.float32]
    norms: npt.NDArray[np.float32]


class Index:
    """Texts by key, in the order in which they were added. Adding is cheap; a question may build anew what has grown."""

    def __init__(self) -> None:
        self._keys: list[int] = []
        self._terms: list[Terms] = []
        self._built = _build([])

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, key: int, terms: Terms) -> None:
        self._keys.append(key)
        self._terms.append(terms)

    def alike(self, terms: Terms, *, limit: int, without: int | None = None) -> list[Alike]:
        """The most alike texts, the best first; of a key that was added twice only its newest text counts."""
        if not len(terms) or not self._keys:
            return []
        if len(self._keys) - len(self._built.norms) > max(TAIL_LEAST, TAIL_SHARE * len(self._keys)):
            self._built = _build(self._terms)
        scores = self._scores(terms)
        best = (
            np.argsort(-scores, kind="stable")[: 4 * limit + 4] if len(scores) <= limit else _top(scores, 4 * limit + 4)
        )
        found: dict[int, Alike] = {}
        for position in best:
            key, score = self._keys[position], float(scores[position])
            if score >= LEAST_ALIKE and key != without:
                found.setdefault(key, Alike(key, min(1.0, score)))
        return list(found.values())[:limit]

    def _scores(self, terms: Terms) -> npt.NDArray[np.float32]:
        built, count = self._built, len(self._built.norms)
        scores = np.zeros(len(self._keys), dtype=np.float32)
        weights = _weights_in(built, terms)
        for word in _known(built, terms):
            scores[built.texts[built.starts[word] : built.starts[word + 1]]] += built.weights[word] ** 2
        norm = float(np.sqrt((weights**2).sum()))
        scores[:count] /= built.norms * norm
        for position in range(count, len(self._keys)):
            scores[position] = self._tail_score(terms, weights, self._terms[position])
        return scores

    def _tail_score(self, terms: Terms, weights: npt.NDArray[np.float32], other: Terms) -> float:
        shared = np.isin(terms, other, assume_unique=True)
        norms = np.sqrt((weights**2).sum() * (_weights_in(self._built, other) ** 2).sum())
        return float((weights[shared] ** 2).sum() / norms) if norms else 0.0


def _top(scores: npt.NDArray[np.float32], count: int) -> npt.NDArray[np.int64]:
    best = np.argpartition(-scores, min(count, len(scores) - 1))[:count]
    return best[np.argsort(-scores[best], kind="stable")]


def _build(texts: Sequence[Terms]) -> _Built:
    lengths = np.fromiter((len(terms) for terms in texts), dtype=np.int64, count=len(texts))
    every = np.concatenate(texts) if texts else np.empty(0, dtype=np.uint32)
    order = np.argsort(every, kind="stable")
    words, first, counts = np.unique(every[order], return_index=True, return_counts=True)
    weights = (np.log((1 + len(texts)) / (1 + counts)) + 1).astype(np.float32)
    numbers = np.repeat(np.arange(len(texts), dtype=np.int32), lengths)[order]
    squares = np.bincount(numbers, weights=np.repeat(weights, counts) ** 2, minlength=len(texts))
    norms = np.sqrt(np.maximum(squares, 1e-9)).astype(np.float32)
    return _Built(words, np.append(first, len(every)).astype(np.int64), numbers, weights, norms)


def _known(built: _Built, terms: Terms) -> npt.NDArray[np.int64]:
    """The positions among the index's words of those terms that it knows."""
    at = np.searchsorted(built.words, terms)
    inside = at < len(built.words)
    known: npt.NDArray[np.int64] = at[inside][built.words[at[inside]] == terms[inside]]
    return known


def _weights_in(built: _Built, terms: Terms) -> npt.NDArray[np.float32]:
    """What each term weighs; one that no text has weighs as much as a word met nowhere."""
    weights = np.full(len(terms), np.log(1 + len(built.norms)) + 1, dtype=np.float32)
    at = np.minimum(np.searchsorted(built.words, terms), max(len(built.words) - 1, 0))
    if len(built.words):
        known = built.words[at] == terms
        weights[known] = built.weights[at[known]]
    return weights
