"""Renders one page of the PDF on its standard input; run as a program of its own, never imported by the web process.

A PDF is the most hostile thing a case can carry, and PDFium is written in C++. So each page is drawn in a process that lives
for one page, knows no secret (an empty environment, isolated mode, no Django), and which the kernel stops at its bounds of
memory, processor time and output. It answers ``count width height`` on a line, then the pixels as a PNG; on any trouble it ends
with another code than 0 and says nothing.
"""

from __future__ import annotations

import contextlib
import os
import resource
import struct
import sys
import zlib

MEMORY = 768 * 1024 * 1024
SECONDS = 8
ANSWER = 32 * 1024 * 1024
MOST_PIXELS = 4_000_000
LONGEST_SIDE = 8_000
SHARPNESS = 2.0  # pixels per point, 144 dpi
COMPRESSION = 3


def bound() -> None:
    """Ask the kernel for an end to everything, before a byte of the file is read."""
    with contextlib.suppress(ValueError, OSError):  # macOS knows no such bound
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_FSIZE, (ANSWER, ANSWER))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def drawn(content: bytes, position: int) -> tuple[int, int, int, bytes]:
    """How many pages there are, and one of them: width, height, and rows of RGB."""
    import pypdfium2

    document = pypdfium2.PdfDocument(content)
    count = len(document)
    page = document[position]
    width, height = page.get_size()
    scale = min(SHARPNESS, (MOST_PIXELS / max(width * height, 1.0)) ** 0.5, LONGEST_SIDE / max(width, height, 1.0))
    bitmap = page.render(scale=scale, may_draw_forms=False, rev_byteorder=True, force_bitmap_format=2)
    rows = memoryview(bitmap.buffer).cast("B")
    size = bitmap.width * 3
    pixels = b"".join(
        b"\x00" + bytes(rows[at : at + size]) for at in range(0, bitmap.stride * bitmap.height, bitmap.stride)
    )
    return count, bitmap.width, bitmap.height, pixels


def png(width: int, height: int, rows: bytes) -> bytes:
    """Rows of RGB, each after a filter byte of 0, as a PNG."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, COMPRESSION)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )


def main() -> None:
    bound()
    count, width, height, rows = drawn(sys.stdin.buffer.read(), int(sys.argv[1]))
    sys.stdout.buffer.write(b"%d %d %d\n" % (count, width, height) + png(width, height, rows))
    sys.stdout.buffer.flush()
    os._exit(0)  # nothing to tidy: the process was made for this page


if __name__ == "__main__":
    main()
