"""Does a reader let errors pass? A sequential test on planted wrong outputs, whose error rates hold however often one looks.

Wald's sequential probability ratio test (Wald 1945, "Sequential Tests of Statistical Hypotheses", sections 3.2 and 3.4): an
attentive reader catches 85 % of what is planted, one who waves answers through at most half of it. Looking after every answer
with a fixed-sample test instead would sooner or later accuse everybody.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

ATTENTIVE, STAMPING = 0.85, 0.50
FALSE_ALARM, OVERLOOKED = 0.01, 0.05
CAUGHT = math.log(STAMPING / ATTENTIVE)
MISSED = math.log((1 - STAMPING) / (1 - ATTENTIVE))
ACCUSE = math.log((1 - OVERLOOKED) / FALSE_ALARM)
CLEAR = math.log(OVERLOOKED / (1 - FALSE_ALARM))


@dataclass(frozen=True, slots=True)
class Watch:
    """Where the test stands after some answers. ``evidence`` is the log-likelihood ratio since the reader was last cleared."""

    flagged: bool
    evidence: float
    answers: int
    caught: int
    cleared: int

    @property
    def share(self) -> float:
        """How far the evidence has come towards an accusation: 0 to 1."""
        return min(1.0, max(0.0, self.evidence / ACCUSE))


@dataclass(frozen=True, slots=True)
class Step:
    """One answer and what it does to the evidence; ``cleared`` where it ends a stretch in the reader's favour."""

    caught: bool
    evidence: float
    flagged: bool
    cleared: bool


def path(answers: Iterable[bool]) -> list[Step]:
    """The way of the test, answer by answer, as far as the accusation."""
    steps: list[Step] = []
    evidence = 0.0
    for right in answers:
        evidence += CAUGHT if right else MISSED
        steps.append(Step(right, evidence, flagged=evidence >= ACCUSE, cleared=evidence <= CLEAR))
        if steps[-1].flagged:
            return steps
        evidence = 0.0 if steps[-1].cleared else evidence
    return steps


def watch(answers: Iterable[bool]) -> Watch:
    """Read the answers to planted wrong outputs in order: True where the error was caught. Once flagged, always flagged.

    Whoever is cleared is watched anew from there, so that care which wears off is seen as well.
    """
    steps = path(answers)
    last = steps[-1] if steps else Step(caught=False, evidence=0.0, flagged=False, cleared=False)
    return Watch(
        flagged=last.flagged,
        evidence=0.0 if last.cleared else last.evidence,
        answers=len(steps),
        caught=sum(step.caught for step in steps),
        cleared=sum(step.cleared for step in steps),
    )
