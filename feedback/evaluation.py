"""How a model does on held-out examples, and whether it is better than another one on the same."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from scipy import special

from cases.classifiers.calibration import expected_calibration_error
from cases.classifiers.text_model import Guess, TextModel

LEAST_HELD_OUT = 20
LEAST_LIKELY = 1e-3  # what a label counts that is not among the model's first six
SIGNIFICANCE = 0.05


@dataclass(frozen=True, slots=True)
class Score:
    """``right`` and ``surprise`` (negative log-likelihood of the truth, in nats) go example by example."""

    right: tuple[bool, ...]
    surprise: tuple[float, ...]
    confidence: tuple[float, ...]
    said: tuple[str, ...] = ()

    @property
    def accuracy(self) -> float:
        return sum(self.right) / len(self.right) if self.right else 0.0

    @property
    def log_loss(self) -> float:
        return sum(self.surprise) / len(self.surprise) if self.surprise else math.inf

    def summary(self) -> dict[str, Any]:
        """Plain figures for a model's card."""
        if not self.right:
            return {"held_out": 0}
        return {
            "held_out": len(self.right),
            "accuracy": round(self.accuracy, 4),
            "log_loss": round(self.log_loss, 4),
            "calibration_error": round(float(expected_calibration_error(self.confidence, self.right)), 4),
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether a candidate may replace the model at work, and why (not). ``against`` is the number of the model it was held against.

    ``compared`` is false where there was nothing to compare with, or too little to compare on.
    """

    better: bool
    why: str
    only_candidate_right: int = 0
    only_active_right: int = 0
    p_worse: float = 1.0
    compared: bool = False
    against: int | None = None

    def summary(self) -> dict[str, Any]:
        return asdict(self)


def score(model: TextModel, texts: Sequence[str], labels: Sequence[str]) -> Score:
    """Put a model to examples it was not trained on."""
    guesses = model.predict(texts, evidence=False) if texts else []
    return Score(
        right=tuple(guess.label == label for guess, label in zip(guesses, labels, strict=True)),
        surprise=tuple(-math.log(_likelihood(guess, label)) for guess, label in zip(guesses, labels, strict=True)),
        confidence=tuple(guess.confidence for guess in guesses),
        said=tuple(guess.label for guess in guesses),
    )


def _likelihood(guess: Guess, label: str) -> float:
    told = {guess.label: guess.confidence, **dict(guess.alternatives)}
    return max(told.get(label, 0.0), LEAST_LIKELY)


def chance_if_not_worse(*, lost: int, gained: int) -> float:
    """The exact paired test (McNemar 1947): how likely so many lost answers are, of those that differ, if neither is worse."""
    return float(special.bdtrc(lost - 1, gained + lost, 0.5)) if lost else 1.0


def compare(candidate: Score, active: Score | None, *, against: int | None = None) -> Comparison:
    """Better means: the truth surprises it less on average, and it is not significantly less often right.

    The mean log-likelihood is the sharper of the two measures (a proper scoring rule; Gneiting & Raftery 2007, section 4.1); the paired
    exact test on the answers that differ (McNemar 1947) guards against a model that is surer and wronger.
    """
    if active is None:
        return Comparison(better=True, why="there is no model at work yet")
    if len(candidate.right) < LEAST_HELD_OUT:
        return Comparison(
            better=False,
            why=f"only {len(candidate.right)} held-out examples; {LEAST_HELD_OUT} are needed to compare",
            against=against,
        )
    gained = sum(new and not old for new, old in zip(candidate.right, active.right, strict=True))
    lost = sum(old and not new for new, old in zip(candidate.right, active.right, strict=True))
    p_worse = chance_if_not_worse(lost=lost, gained=gained)
    better = candidate.log_loss < active.log_loss and p_worse > SIGNIFICANCE
    why = f"log loss {candidate.log_loss:.4f} against {active.log_loss:.4f}, accuracy {candidate.accuracy:.4f} against {active.accuracy:.4f}"
    return Comparison(
        better=better,
        why=why,
        only_candidate_right=gained,
        only_active_right=lost,
        p_worse=round(p_worse, 6),
        compared=True,
        against=against,
    )
