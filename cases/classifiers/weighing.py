"""Counts of features as a sparse matrix, weighed by how telling each feature is (TF-IDF), and scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.sparse import csr_matrix, vstack

from cases.classifiers.ngrams import Counts, Floats, Ints, Vocabulary, chunks, counted


@dataclass(frozen=True, slots=True)
class Weights:
    """What was learnt: a row per feature, a column per label. ``total`` is the sum of each row."""

    idf: Floats
    weights: Floats
    bias: Floats
    total: Floats = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "total", self.weights.sum(axis=1))


def matrix_of(counts: Counts, width: int) -> csr_matrix:
    """One row per text of the batch, one column per feature."""
    ends = np.searchsorted(counts.text, np.arange(len(counts.units) + 1)).astype(np.int32)
    return csr_matrix((counts.count, counts.feature.astype(np.int32), ends), shape=(len(counts.units), width))


def learnt_counts(texts: Sequence[str], vocabulary: Vocabulary) -> csr_matrix:
    """The counts of all texts, with every feature met on the way added to a growing vocabulary."""
    parts: list[csr_matrix] = []  # only the cells of a batch are kept; where each was met takes ten times as much
    for chunk in chunks(texts):
        batch = counted(chunk, vocabulary)
        parts.append(matrix_of(batch, len(vocabulary.numbers)))
    for part in parts:
        part.resize(part.shape[0], len(vocabulary.numbers))
    return vstack(parts, format="csr")


def document_counts(counts: csr_matrix) -> Ints:
    """In how many texts each feature was met."""
    met: Ints = np.bincount(counts.indices, minlength=counts.shape[1])
    return met


def rarity(counts: csr_matrix, *, at_least: int) -> Floats:
    """The inverse document frequency of each feature; 0, which takes it out, where fewer than ``at_least`` texts have it."""
    met = document_counts(counts)
    weights = np.log((1 + counts.shape[0]) / (1 + met)) + 1
    return np.where(met >= at_least, weights, 0).astype(np.float32)


def weighed(counts: csr_matrix, idf: Floats) -> csr_matrix:
    """TF-IDF with dampened repeats, each text of length 1 (or 0, when nothing in it is known). Cells stay where they are."""
    values = np.log(counts.data) + np.float32(1)
    values *= idf[counts.indices]
    row = np.repeat(np.arange(counts.shape[0], dtype=np.int32), np.diff(counts.indptr))
    lengths = np.sqrt(np.bincount(row, weights=values * values, minlength=counts.shape[0]))
    lengths[lengths == 0] = 1
    values /= lengths.astype(np.float32)[row]
    return csr_matrix((values, counts.indices, counts.indptr), shape=counts.shape)


def scores_of(counts: csr_matrix, learnt: Weights) -> tuple[csr_matrix, Floats]:
    """The weighed texts, and for each the score of every label."""
    rows = weighed(counts, learnt.idf)
    scores: Floats = rows @ learnt.weights + learnt.bias
    return rows, scores
