"""From scores to probabilities that mean what they say, and the mark below which a text is none of the known labels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar

Reals = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

BINS = 15
IN_SCOPE_MISTAKEN = 0.05
"""The share of texts within scope that may be taken for out of scope when only such texts are known."""

_COLDEST, _HOTTEST = 0.05, 20.0


def probabilities(scores: npt.ArrayLike, *, temperature: float = 1.0) -> Reals:
    """Softmax of each row; a temperature below 1 sharpens, one above 1 flattens. A score of -inf gets probability 0."""
    heated = np.asarray(scores, dtype=np.float64) / temperature
    heated -= heated.max(axis=1, keepdims=True)
    np.exp(heated, out=heated)
    heated /= heated.sum(axis=1, keepdims=True)
    return heated


def best_temperature(scores: npt.ArrayLike, truth: Ints) -> float:
    """The temperature that makes the true labels (column numbers) of unseen texts most likely.

    Each text counts as though it had, with the chance of one mistake more than was seen, just any label: a few texts that all
    went well do not make the model certain.
    """
    known = np.asarray(scores, dtype=np.float64)
    rows, doubt = np.arange(len(truth)), 1 - ceiling(len(truth))

    def surprise(log_temperature: float) -> float:
        surprises = -np.log(np.maximum(probabilities(known, temperature=float(np.exp(log_temperature))), 1e-12))
        return float((1 - doubt) * surprises[rows, truth].mean() + doubt * surprises.mean())

    found = minimize_scalar(surprise, bounds=(np.log(_COLDEST), np.log(_HOTTEST)), method="bounded")
    return float(np.exp(found.x))


def ceiling(examples: int) -> float:
    """The highest confidence that so many unseen examples can bear out, had all gone well (the rule of succession)."""
    return 1 - 1 / (examples + 2)


def expected_calibration_error(confidence: npt.ArrayLike, correct: npt.ArrayLike, *, bins: int = BINS) -> float:
    """The mean distance between confidence and the share that was right, over bins of (nearly) equally many answers.

    0 is perfect. Answers are sorted by confidence and cut into ``bins`` runs; a run counts by how many answers it holds.
    """
    sure, right = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    if not len(sure):
        return 0.0
    runs = np.array_split(np.argsort(sure, kind="stable"), min(bins, len(sure)))
    return float(sum(abs(sure[run].mean() - right[run].mean()) * len(run) for run in runs) / len(sure))


def scope_mark(within: npt.ArrayLike, without: npt.ArrayLike = ()) -> float:
    """The raw maximum below which a text counts as out of scope.

    ``within`` holds the raw maxima of unseen texts that have one of the labels, ``without`` of texts that have none. With only
    the first, the mark lets IN_SCOPE_MISTAKEN of them be mistaken. With both, it is where most of either side are told apart.
    """
    inside, outside = np.sort(np.asarray(within, dtype=np.float64)), np.sort(np.asarray(without, dtype=np.float64))
    if not len(outside):
        return float(np.quantile(inside, IN_SCOPE_MISTAKEN)) if len(inside) else 0.0
    marks = np.concatenate([inside, outside])
    caught = np.searchsorted(outside, marks, side="left") / len(outside)
    mistaken = np.searchsorted(inside, marks, side="left") / max(len(inside), 1)
    return float(marks[np.argmax(caught - mistaken)])
