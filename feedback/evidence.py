"""The way of the sequential test as a picture and a table: each planted answer, and where it took the evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from feedback.models import Planting
from feedback.watching import ACCUSE, CLEAR, Step, path

WIDTH, HEIGHT, MARGIN = 640, 200, 16
LOWEST, HIGHEST = CLEAR - 0.5, ACCUSE + 1.5


@dataclass(frozen=True, slots=True)
class Dot:
    """One answer in the picture."""

    x: float
    y: float
    step: Step
    planting: Planting


@dataclass(frozen=True, slots=True)
class Trail:
    """The dots with the line through them, and the heights of the two bounds and of no evidence at all."""

    dots: Sequence[Dot]
    line: str
    accuse_y: float
    clear_y: float
    nothing_y: float
    accuse: float = ACCUSE
    clear: float = CLEAR
    width: int = WIDTH
    height: int = HEIGHT


def trail(plantings: Sequence[Planting]) -> Trail:
    steps = path(bool(planting.caught) for planting in plantings)
    apart = (WIDTH - 2 * MARGIN) / max(len(steps), 1)
    dots = [
        Dot(round(MARGIN + apart * number, 1), _height(step.evidence), step, planting)
        for number, (step, planting) in enumerate(zip(steps, plantings, strict=False), start=1)
    ]
    points = [(float(MARGIN), _height(0.0))]
    for dot in dots:
        points.append((dot.x, dot.y))
        if dot.step.cleared:  # watched anew from here
            points.append((dot.x, _height(0.0)))
    return Trail(dots, " ".join(f"{x},{y}" for x, y in points), _height(ACCUSE), _height(CLEAR), _height(0.0))


def _height(evidence: float) -> float:
    share = (min(max(evidence, LOWEST), HIGHEST) - LOWEST) / (HIGHEST - LOWEST)
    return round(HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN), 1)
