"""How large a picture is, told from its first bytes, so that none is shown that would fill a browser's memory.

A picture of 100 kB may unpack to gigabytes. Only the four kinds that are shown are read, and nothing is unpacked for it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

HEAD = 512 * 1024  # bytes in which a JPEG's size is found even behind large previews and profiles
MOST_PIXELS = 80_000_000
LONGEST_SIDE = 30_000
FRAMES = re.compile(rb"\xff[\xc0-\xc3\xc5-\xc7\xc9-\xcb\xcd-\xcf]")


class Size(NamedTuple):
    width: int
    height: int

    @property
    def sane(self) -> bool:
        sides = 0 < self.width <= LONGEST_SIDE and 0 < self.height <= LONGEST_SIDE
        return sides and self.width * self.height <= MOST_PIXELS


def size_of(head: bytes, *, content_type: str) -> Size | None:
    """The size in pixels, or None where the bytes are no picture of that kind."""
    read = READERS.get(content_type)
    return read(head) if read else None


def _png(head: bytes) -> Size | None:
    if not head.startswith(b"\x89PNG\r\n\x1a\n") or head[12:16] != b"IHDR":
        return None
    return Size(_big(head[16:20]), _big(head[20:24]))


def _gif(head: bytes) -> Size | None:
    if head[:6] not in (b"GIF87a", b"GIF89a"):
        return None
    return Size(_little(head[6:8]), _little(head[8:10]))


def _webp(head: bytes) -> Size | None:
    if head[:4] != b"RIFF" or head[8:12] != b"WEBP":
        return None
    if head[12:16] == b"VP8X":
        return Size(1 + _little(head[24:27]), 1 + _little(head[27:30]))
    if head[12:16] == b"VP8L":
        bits = _little(head[21:25])
        return Size(1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF))
    return Size(_little(head[26:28]) & 0x3FFF, _little(head[28:30]) & 0x3FFF) if head[12:16] == b"VP8 " else None


def _jpeg(head: bytes) -> Size | None:
    """From the frame header, which comes after a chain of segments."""
    at = 2
    while head[:2] == b"\xff\xd8" and at + 9 <= len(head) and head[at] == 0xFF:  # noqa: PLR2004 - the marker byte
        if FRAMES.match(head, at):
            return Size(_big(head[at + 7 : at + 9]), _big(head[at + 5 : at + 7]))
        at += 2 + max(_big(head[at + 2 : at + 4]), 2)
    return None


def _big(raw: bytes) -> int:
    return int.from_bytes(raw, "big")


def _little(raw: bytes) -> int:
    return int.from_bytes(raw, "little")


READERS: dict[str, Callable[[bytes], Size | None]] = {
    "image/png": _png,
    "image/jpeg": _jpeg,
    "image/gif": _gif,
    "image/webp": _webp,
}
