"""Photographs of damage as customers take them, drawn: a cracked plate, a scratched board, a torn cloth, a broken shade."""

# ruff: noqa: PLR2004 - a drawing is made of coordinates

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from hitl_project.demo.drawing import Field, png

HEIGHT, WIDTH = 330, 440
GLAZES = [(214, 222, 226), (196, 210, 188), (226, 214, 190), (160, 184, 196)]
CLOTHS = [(188, 176, 156), (148, 164, 172), (172, 140, 132), (198, 196, 186)]
Mask = NDArray[np.bool_]
Y, X = np.mgrid[0:HEIGHT, 0:WIDTH].astype(float)


def damage(kind: str, flaw: str, *, seed: int) -> bytes:
    """A product of this kind with its flaw, lying on somebody's table, as PNG."""
    return _photographed(kind, "stain" in flaw or "faded" in flaw, seed)


@cache
def _photographed(kind: str, stained: bool, seed: int) -> bytes:  # noqa: FBT001 - a key of the cache
    dice = np.random.default_rng(seed)
    picture = _table(dice)
    SCENES.get(kind, _plate)(picture, dice)
    if stained:
        _paint(picture, _blot(dice, 46), (120, 92, 70), 0.45)
    light = 1.06 - 0.28 * np.hypot(X - WIDTH * 0.35, Y - HEIGHT * 0.25)[..., None] / WIDTH
    return png(np.clip(picture * light, 0, 255).astype(np.uint8))


def _table(dice: np.random.Generator) -> Field:
    grain = np.sin(Y / dice.uniform(7, 12) + 2.2 * np.sin(X / dice.uniform(90, 160)))
    boards = np.where(Y % 110 < 2, -38, 0)
    wood: Field = np.array([139.0, 108, 80]) + (9 * grain + boards)[..., None]
    return wood


def _plate(picture: Field, dice: np.random.Generator) -> None:
    glaze = GLAZES[int(dice.integers(len(GLAZES)))]
    far = np.hypot(X - 220, (Y - 165) * 1.12)
    _paint(picture, np.hypot(X - 232, (Y - 176) * 1.12) < 150, (40, 32, 26), 0.4)
    _paint(picture, far < 148, glaze, 1)
    _paint(picture, np.abs(far - 104) < 3, (120, 130, 136), 0.35)
    _paint(picture, far < 100, (255, 255, 255), 0.18)
    _paint(picture, _near_line(_crack(dice, (220, 18), (246, 300)), 2.2) & (far < 148), (58, 50, 46), 0.9)
    _paint(picture, (np.hypot(X - 352, Y - 108) < dice.uniform(16, 26)) & (far < 148), (118, 92, 68), 1)


def _board(picture: Field, dice: np.random.Generator) -> None:
    grain = np.sin(X / 9 + 3 * np.sin(Y / 70))
    inside = (np.abs(X - 220) < 180) & (np.abs(Y - 165) < 122)
    _paint(picture, (np.abs(X - 230) < 182) & (np.abs(Y - 177) < 124), (30, 22, 16), 0.45)
    _paint(picture, inside, (176, 128, 78), 1)
    _paint(picture, inside & (grain > 0.72), (128, 86, 48), 0.45)
    for _ in range(4):
        x, y = dice.uniform(90, 240), dice.uniform(80, 240)
        _paint(picture, _near_line(_crack(dice, (x, y), (x + 120, y - 26)), 1.3) & inside, (238, 214, 178), 0.85)


def _cloth(picture: Field, dice: np.random.Generator) -> None:
    colour = CLOTHS[int(dice.integers(len(CLOTHS)))]
    inside = (np.abs(X - 220 + 6 * np.sin(Y / 34)) < 186) & (np.abs(Y - 165 + 5 * np.sin(X / 41)) < 132)
    _paint(picture, inside, colour, 1)
    _paint(picture, inside & ((X + Y) % 6 < 2), (90, 84, 78), 0.22)
    _paint(picture, inside & ((X - Y) % 6 < 2), (255, 252, 246), 0.2)
    tear = _near_line(_crack(dice, (180, 110), (262, 214)), 7)
    _paint(picture, tear, (96, 74, 56), 1)
    _paint(picture, _near_line(_crack(dice, (172, 118), (270, 208)), 1), (236, 230, 220), 0.8)


def _shade(picture: Field, dice: np.random.Generator) -> None:
    half = 70 + (Y - 40) * 0.36
    shade = (Y > 40) & (Y < 210) & (np.abs(X - 220) < half)
    _paint(picture, (np.abs(X - 220) < 7) & (Y > 200), (82, 84, 88), 1)
    _paint(picture, np.hypot((X - 220) / 2.6, Y - 290) < 24, (70, 72, 76), 1)
    _paint(picture, shade, (222, 206, 168), 1)
    _paint(picture, shade & (np.abs(X - 190) < half / 4), (255, 248, 226), 0.4)
    _paint(picture, _near_line(_crack(dice, (262, 44), (236, 206)), 2.4) & shade, (74, 58, 40), 0.95)


def _crack(
    dice: np.random.Generator, start: tuple[float, float], end: tuple[float, float]
) -> list[tuple[float, float]]:
    """A jagged line from one point to another."""
    steps = np.linspace(0, 1, 9)
    wild = dice.uniform(-13, 13, size=(9, 2)) * np.sin(np.pi * steps)[:, None]
    points = np.outer(1 - steps, start) + np.outer(steps, end) + wild
    return [(float(x), float(y)) for x, y in points]


def _near_line(points: list[tuple[float, float]], width: float) -> Mask:
    """Where the picture is within ``width`` of a line."""
    near = np.zeros((HEIGHT, WIDTH), dtype=bool)
    for (x1, y1), (x2, y2) in pairwise(points):
        rows, columns = _around(y1, y2, width), _around(x1, x2, width)
        x, y = X[rows, columns], Y[rows, columns]
        length = max((x2 - x1) ** 2 + (y2 - y1) ** 2, 1e-6)
        along = np.clip(((x - x1) * (x2 - x1) + (y - y1) * (y2 - y1)) / length, 0, 1)
        near[rows, columns] |= np.hypot(x - x1 - along * (x2 - x1), y - y1 - along * (y2 - y1)) < width
    return near


def _around(one: float, other: float, width: float) -> slice:
    return slice(max(0, int(min(one, other) - width - 1)), max(0, int(max(one, other) + width + 2)))


def _blot(dice: np.random.Generator, size: float) -> Mask:
    x, y = dice.uniform(150, 290), dice.uniform(110, 220)
    inside: Mask = np.hypot(X - x, (Y - y) * 1.3) < size + 7 * np.sin(np.arctan2(Y - y, X - x) * 5)
    return inside


def _paint(picture: Field, where: Mask, colour: tuple[float, float, float], cover: float) -> None:
    picture[where] = picture[where] * (1 - cover) + np.array(colour) * cover


SCENES: dict[str, Callable[[Field, np.random.Generator], None]] = {
    "tableware": _plate,
    "furniture": _board,
    "textile": _cloth,
    "light": _shade,
}
