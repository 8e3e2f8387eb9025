"""Pictures without a picture library: a typewriter of five by seven dots, a till receipt on a desk, and the writing of PNG."""

from __future__ import annotations

import struct
import unicodedata
import zlib
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Field = NDArray[np.floating[Any]]
FIRST = " "
# Five columns for each character from the space on, each column a byte with its lowest bit on top.
GLYPHS = bytes.fromhex(
    "0000000000 00005f0000 0007000700 147f147f14 242a7f2a12 2313086462 3649562050 0008070300 001c224100 0041221c00"
    "2a1c7f1c2a 08083e0808 0080703000 0808080808 0000606000 2010080402 3e5149453e 00427f4000 7249494946 2141494d33"
    "1814127f10 2745454539 3c4a494931 4121110907 3649494936 464949291e 0000140000 0040340000 0008142241 1414141414"
    "0041221408 0201590906 3e415d594e 7c1211127c 7f49494936 3e41414122 7f4141413e 7f49494941 7f09090901 3e41415173"
    "7f0808087f 00417f4100 2040413f01 7f08142241 7f40404040 7f021c027f 7f0408107f 3e4141413e 7f09090906 3e4151215e"
    "7f09192946 2649494932 03017f0103 3f4040403f 1f2040201f 3f4038403f 6314081463 0304780403 6159494d43 007f414141"
    "0204081020 004141417f 0402010204 4040404040 0003070800 2054547840 7f28444438 3844444428 384444287f 3854545418"
    "00087e0902 18a4a49c78 7f08040478 00447d4000 2040403d00 7f10284400 00417f4000 7c04780478 7c08040478 3844444438"
    "fc18242418 18242418fc 7c08040408 4854545424 04043f4424 3c4040207c 1c2040201c 3c4030403c 4428102844 4c9090907c"
    "4464544c44 0008364100 0000770000 0041360800 0201020402"
)
POUND = bytes.fromhex("487e494942")
CELL, LINE = 6, 10  # dots from one character, and from one line, to the next
SCALE = 2
MARGIN, DESK = 34, 40


def receipt(lines: Sequence[str], *, seed: int) -> bytes:
    """A till receipt, scanned a little askew, as PNG."""
    paper = 250 - 205 * _soft(typed(lines))
    paper = np.pad(paper, ((MARGIN, MARGIN + 12), (MARGIN, MARGIN)), constant_values=248)
    scan = np.pad(paper, DESK, constant_values=112)
    slant = (seed % 9 - 4) / 120
    rows = np.arange(scan.shape[0])
    shifts = np.rint(slant * (rows - rows[-1] / 2)).astype(int)
    columns = (np.arange(scan.shape[1])[None, :] - shifts[:, None]) % scan.shape[1]
    light = np.linspace(1.02, 0.93, scan.shape[1])[None, :]
    return png(np.clip(np.take_along_axis(scan, columns, axis=1) * light, 0, 255).astype(np.uint8))


def typed(lines: Sequence[str]) -> Field:
    """Lines of text as a field of 0 and 1, in even columns."""
    width = max((len(line) for line in lines), default=1)
    field = np.zeros((len(lines) * LINE, width * CELL))
    for row, line in enumerate(lines):
        for column, letter in enumerate(_plain(line)):
            field[row * LINE : row * LINE + 8, column * CELL : column * CELL + 5] = _glyph(letter)
    return np.kron(field, np.ones((SCALE, SCALE)))


@cache
def _glyph(letter: str) -> Field:
    at = (ord(letter) - ord(FIRST)) * 5
    columns = POUND if letter == "£" else GLYPHS[at : at + 5]
    bits = np.unpackbits(np.frombuffer(columns, dtype=np.uint8)[:, None], axis=1, bitorder="little")
    return bits.T.astype(float)


def _plain(line: str) -> str:
    """What the typewriter has keys for."""
    bare = unicodedata.normalize("NFKD", line)
    return "".join(
        letter if letter == "£" or " " <= letter <= "~" else "?"
        for letter in bare
        if letter < "\u0300" or letter > "\u036f"
    )


def _soft(field: Field) -> Field:
    """Edges as a scanner sees them."""
    padded = np.pad(field, 1)
    near = padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]
    return 0.68 * field + 0.08 * near


def png(picture: Picture) -> bytes:
    """A picture of grey (two dimensions) or colour (three) as PNG."""
    height, width = picture.shape[:2]
    colour = 2 if picture.ndim == 3 else 0  # noqa: PLR2004 - height, width, channels
    flat = picture.reshape(height, -1)
    rows = np.zeros((height, flat.shape[1] + 1), dtype=np.uint8)
    rows[:, 0], rows[0, 1:] = 2, flat[0]  # each row as its difference from the one above: even areas become zeros
    rows[1:, 1:] = flat[1:] - flat[:-1]
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
