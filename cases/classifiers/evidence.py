"""Which words of a text made the model say what it said, and where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np

from cases.classifiers.calibration import Reals
from cases.classifiers.ngrams import Counts, Floats, Ints, Unit
from cases.classifiers.weighing import Weights

MOST_SPANS = 3
_MOST_WORDS = 5  # in one span; the whole text is evidence of nothing
_WORTH_SHOWING = 0.25  # of the weight of the heaviest word


class Evidence(NamedTuple):
    """``text[start:end]`` spoke for the label; ``weight`` is its part, in (0, 1], of all that did."""

    start: int
    end: int
    weight: float


def evidence_of(counts: Counts, values: Floats, learnt: Weights, chosen: Ints) -> list[list[Evidence]]:
    """The strongest spans of each text for the label (a column of the weights) chosen for it, best first.

    ``values`` are the weighed cells of ``counts``. What a cell adds to the chosen label's score beyond what it adds to the
    others on average goes in equal parts to the units in which it was met; neighbouring words that weigh enough join.
    """
    added = values * _edge(learnt, counts.feature, chosen[counts.text])
    parts = (added / counts.count)[counts.cell] * counts.share
    ends = list(accumulate((len(own) for own in counts.units), initial=0))
    spoken = np.bincount(counts.unit, weights=parts, minlength=ends[-1]).tolist()
    return [
        _best_spans(own, spoken[first:last]) for own, (first, last) in zip(counts.units, pairwise(ends), strict=True)
    ]


def _edge(learnt: Weights, feature: Ints, label: Ints) -> Reals:
    """By how much each feature favours its label over the mean of the other labels."""
    labels = len(learnt.bias)
    edge: Reals = (learnt.weights[feature, label] * labels - learnt.total[feature]) / (labels - 1)
    return edge


def _best_spans(units: Sequence[Unit], weights: Sequence[float]) -> list[Evidence]:
    words = [(unit, weight) for unit, weight in zip(units, weights, strict=True) if unit.is_word]
    favour = sum(weight for _, weight in words if weight > 0)
    if favour <= 0:
        return []
    least = _WORTH_SHOWING * max(weight for _, weight in words)
    spans = sorted(_joined(words, least), key=lambda span: (-span.weight, span.start))[:MOST_SPANS]
    return [Evidence(span.start, span.end, round(span.weight / favour, 3)) for span in spans]


def _joined(words: Sequence[tuple[Unit, float]], least: float) -> list[Evidence]:
    """Runs of neighbouring words that each weigh at least ``least``."""
    spans: list[Evidence] = []
    length = 0
    for unit, weight in words:
        if weight < least:
            length = 0
        elif 0 < length < _MOST_WORDS:
            spans[-1] = Evidence(spans[-1].start, unit.end, spans[-1].weight + weight)
            length += 1
        else:
            spans.append(Evidence(unit.start, unit.end, weight))
            length = 1
    return spans
