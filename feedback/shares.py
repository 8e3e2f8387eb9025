"""A share of counted things, with its exact 95 % interval (Clopper and Pearson, Biometrika 26 (1934) 404-413)."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import special

TAIL = 0.025


@dataclass(frozen=True, slots=True)
class Share:
    """``part`` of ``whole``; without anything counted there is no value and the bounds are 0 and 1."""

    part: int
    whole: int

    @property
    def value(self) -> float | None:
        return self.part / self.whole if self.whole else None

    @property
    def low(self) -> float:
        return float(special.betaincinv(self.part, self.whole - self.part + 1, TAIL)) if self.part else 0.0

    @property
    def high(self) -> float:
        if self.part == self.whole:
            return 1.0
        return float(special.betaincinv(self.part + 1, self.whole - self.part, 1 - TAIL))
