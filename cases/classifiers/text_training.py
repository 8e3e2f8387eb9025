"""Learn a text model from labelled examples, and refuse to hand over one that has learnt nothing."""

from __future__ import annotations

import time
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse import csr_matrix

from cases.classifiers.calibration import (
    Reals,
    best_temperature,
    ceiling,
    expected_calibration_error,
    probabilities,
    scope_mark,
)
from cases.classifiers.ngrams import Floats, Ints, Vocabulary
from cases.classifiers.weighing import Weights, document_counts, learnt_counts, rarity, scores_of, weighed

MIN_EXAMPLES = 20
"""Fewer labelled texts teach nothing that could be trusted or even checked."""

_FOLDS, _FOLDS_OF_PLENTY, _PLENTY = 5, 3, 5_000  # with plenty, a third held out still leaves enough to learn from
_CAUTION = 1.06
"""Times the best temperature. The final model has seen more than those that were held against unseen examples, and scores
higher; without this it claims up to 0.7 points more than it holds above 0.8. Too sure acts wrongly, too modest costs a look."""

_STRENGTH = 20.0
_TOLERANCES = (1e-2, 1e-4)
_MAX_ROUNDS = 60
_MANY = 200  # from so many examples on, what only one of them has is noise
_MAX_COLUMNS = 200_000
_MAX_WEIGHTS = 30_000_000  # labels × features: 120 MB


class NotEnoughExamples(ValueError):
    """There is too little to learn from; more labelled examples are needed."""


class TrainingFailed(RuntimeError):
    """Training ended, but what came out is no better than always guessing the commonest label."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """All that training yields. ``report`` holds plain figures about it, fit for JSON."""

    vocabulary: Vocabulary
    labels: tuple[str, ...]
    learnt: Weights
    temperature: float
    ceiling: float
    scope_mark: float
    report: dict[str, Any]


def learn(texts: Sequence[str], labels: Sequence[str], *, seed: int, out_of_scope: Sequence[str] = ()) -> Lesson:
    """Learn from labelled texts; ``out_of_scope`` are texts known to have none of the labels, never trained on.

    The same examples in the same order and the same seed give the same lesson on the same machine.

    Raises: NotEnoughExamples, TrainingFailed.
    """
    started = time.monotonic()
    names, truth = _checked(texts, labels)
    vocabulary, counts = _vocabulary(texts, len(names))
    least = _least(len(texts))
    held_out, unseen = _held_out_scores(counts, truth, least=least, seed=seed)
    _require_better_than_guessing(unseen.argmax(axis=1), truth[held_out], what="on examples held out")
    idf = rarity(counts, at_least=least)
    learnt, rounds = _fitted(weighed(counts, idf), truth, idf, seed=seed)
    temperature = _CAUTION * best_temperature(unseen, truth[held_out])
    raw = probabilities(unseen)
    report = _report(unseen, truth[held_out], temperature) | {
        "examples": len(texts),
        "labels": dict(sorted(Counter(labels).items())),
        "features": len(vocabulary.numbers),
        "rounds": rounds,
        "seed": seed,
        "seconds": round(time.monotonic() - started, 1),
    }
    mark = scope_mark(raw.max(axis=1), _raw_maxima(out_of_scope, vocabulary, learnt))
    return Lesson(vocabulary, names, learnt, temperature, ceiling(len(held_out)), mark, report)


def _checked(texts: Sequence[str], labels: Sequence[str]) -> tuple[tuple[str, ...], Ints]:
    if len(texts) != len(labels):
        raise ValueError(f"{len(texts)} texts but {len(labels)} labels")
    if len(texts) < MIN_EXAMPLES:
        raise NotEnoughExamples(f"{len(texts)} labelled examples; at least {MIN_EXAMPLES} are needed")
    repeated = sum(count > 1 for count in Counter(labels).values())
    if repeated <= 1:
        raise NotEnoughExamples(f"{repeated} labels have two or more examples; at least 2 labels must")
    names = tuple(sorted(set(labels)))
    number = {name: at for at, name in enumerate(names)}
    return names, np.array([number[label] for label in labels], dtype=np.int64)


def _least(examples: int) -> int:
    return 2 if examples >= _MANY else 1


def _vocabulary(texts: Sequence[str], labels: int) -> tuple[Vocabulary, csr_matrix]:
    """The features worth keeping, in alphabetical order, and their counts in every text."""
    everything = Vocabulary(growing=True)
    counts = learnt_counts(texts, everything)
    names = list(everything.numbers)
    met = document_counts(counts)
    kept = np.flatnonzero(met >= _least(len(texts)))
    most = min(_MAX_COLUMNS, _MAX_WEIGHTS // labels)
    if len(kept) > most:
        kept = kept[np.argsort(-met[kept], kind="stable")[:most]]
    if not len(kept):
        raise NotEnoughExamples("the examples hold no words to learn from")
    columns = sorted(kept.tolist(), key=names.__getitem__)
    return Vocabulary({names[column]: at for at, column in enumerate(columns)}), counts[:, columns].sorted_indices()


def _folds(truth: Ints, seed: int) -> Ints:
    """The fold in which each example is held out; -1 for the only example of a label, which every fold must know."""
    fold = np.full(len(truth), -1, dtype=np.int64)
    order = np.random.default_rng(seed).permutation(len(truth))
    folds = _FOLDS if len(truth) < _PLENTY else _FOLDS_OF_PLENTY
    dealt = 0
    for label in range(int(truth.max()) + 1):
        own = order[truth[order] == label]
        if len(own) > 1:
            fold[own] = (np.arange(len(own)) + dealt) % folds
            dealt += len(own)
    return fold


def _held_out_scores(counts: csr_matrix, truth: Ints, *, least: int, seed: int) -> tuple[Ints, Floats]:
    """For each example that can be held out, its row and the scores given by a model that has not seen it.

    Each fold weighs features by its own examples alone, so that an unseen text is as strange to it as a real one will be.
    """
    fold = _folds(truth, seed)
    scores = np.zeros((counts.shape[0], int(truth.max()) + 1), dtype=np.float32)
    for number in range(int(fold.max()) + 1):
        inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        if len(outside):
            idf = rarity(counts[inside], at_least=least)
            learnt, _ = _fitted(weighed(counts[inside], idf), truth[inside], idf, seed=seed)
            scores[outside] = scores_of(counts[outside], learnt)[1]
    held_out = np.flatnonzero(fold >= 0)
    return held_out, scores[held_out]


def _fitted(rows: csr_matrix, truth: Ints, idf: Floats, *, seed: int) -> tuple[Weights, int]:
    """Fit, and fit again more strictly when the solver stopped before it had learnt what it was shown.

    saga measures its progress by the largest change of a weight; when that is small from the start it stops after a round
    and says that all went well.
    """
    for tolerance in _TOLERANCES:
        learnt, rounds = _solved(rows, truth, idf, tolerance=tolerance, seed=seed)
        said = (rows @ learnt.weights + learnt.bias).argmax(axis=1)
        if _better_than_guessing(said, truth):
            return learnt, rounds
    raise TrainingFailed(_message(said, truth, "on the very examples it was trained on"))


def _solved(rows: csr_matrix, truth: Ints, idf: Floats, *, tolerance: float, seed: int) -> tuple[Weights, int]:
    # Here, because no other process needs it and loading it takes a second.
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    solver = LogisticRegression(solver="saga", C=_STRENGTH, tol=tolerance, max_iter=_MAX_ROUNDS, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # stopping early is harmless; what was learnt is checked
        solver.fit(_without_zeros(rows), truth)
    weights, bias = np.asarray(solver.coef_), np.asarray(solver.intercept_)
    if len(bias) == 1:  # two labels are solved as one; give each its half
        weights, bias = np.vstack([-weights / 2, weights / 2]), np.concatenate([-bias / 2, bias / 2])
    columns = np.ascontiguousarray(weights.T, dtype=np.float32)
    return Weights(idf, columns, bias.astype(np.float32)), int(np.max(solver.n_iter_))


def _without_zeros(rows: csr_matrix) -> csr_matrix:
    lean = rows.copy()
    lean.eliminate_zeros()
    return lean


def _better_than_guessing(said: Ints, truth: Ints) -> bool:
    """Clearly more often right than the commonest label would be; or no less often, and clearly better label by label."""
    counts = np.bincount(truth)
    usual = float(counts.max()) / len(truth)
    right = float((said == truth).mean())
    margin = max(0.02, 2 * float(np.sqrt(usual * (1 - usual) / len(truth))))
    present = np.flatnonzero(counts)
    recall = float(np.mean([(said[truth == label] == label).mean() for label in present]))
    return right >= min(usual + margin, 0.999) or (right >= usual and recall >= 1 / len(present) + 0.1)


def _require_better_than_guessing(said: Ints, truth: Ints, *, what: str) -> None:
    if not _better_than_guessing(said, truth):
        raise TrainingFailed(_message(said, truth, what))


def _message(said: Ints, truth: Ints, what: str) -> str:
    right, usual = float((said == truth).mean()), float(np.bincount(truth).max()) / len(truth)
    return (
        f"the model is right {right:.1%} of the time {what}; always guessing the commonest label is right {usual:.1%}"
    )


def _raw_maxima(texts: Sequence[str], vocabulary: Vocabulary, learnt: Weights) -> Reals:
    if not texts:
        return np.zeros(0)
    counts = learnt_counts(texts, vocabulary)
    maxima: Reals = probabilities(scores_of(counts, learnt)[1]).max(axis=1)
    return maxima


def _report(unseen: Floats, truth: Ints, temperature: float) -> dict[str, Any]:
    """How the model did on examples held out, before and after calibration."""
    right = unseen.argmax(axis=1) == truth
    raw, calibrated = probabilities(unseen), probabilities(unseen, temperature=temperature)
    return {
        "accuracy": round(float(right.mean()), 4),
        "calibration_error_raw": round(expected_calibration_error(raw.max(axis=1), right), 4),
        "calibration_error": round(expected_calibration_error(calibrated.max(axis=1), right), 4),
        "temperature": round(temperature, 4),
    }
