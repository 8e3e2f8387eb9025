"""PDF pages as pictures.

Two ways were open: the browser's own viewer in a frame, and pictures drawn here. Pictures won. A frame runs the file's scripts,
forms and links inside the desk, asks for a content policy without the sandbox, does not exist on phones, and cannot be zoomed,
rotated or reached by the desk's keys; a picture of a page does nothing at all, and works like every other picture. The price is
a native library that reads hostile files, which is why it runs in a process of its own under hard bounds (`pdf_child`).
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
from pathlib import Path
from typing import NamedTuple

from django.utils.translation import gettext as _

from cases.errors import Conflict, Invalid, Missing

CHILD = Path(__file__).with_name("pdf_child.py")
PATIENCE = 12  # seconds of the clock; the child itself may use eight of the processor
MOST_PAGES = 500
AT_ONCE = 2
SIGNATURE = b"\x89PNG\r\n\x1a\n"
_seats = threading.BoundedSemaphore(AT_ONCE)


class Page(NamedTuple):
    """A drawn page: a PNG, and how many pages the file has."""

    png: bytes
    of: int


def page_of(content: bytes, number: int) -> Page:
    """The page of that number, from 1.

    Raises: Missing for a page that is not there, Invalid for a file that cannot be drawn within the bounds, Conflict while too
    many others are being drawn.
    """
    if not 1 <= number <= MOST_PAGES:
        raise Missing(_("There is no such page."))
    if not _seats.acquire(timeout=PATIENCE):
        raise Conflict(_("Too many pages are being drawn at this moment; try again."))
    try:
        told = _asked(content, number)
    finally:
        _seats.release()
    head, _line, png = told.partition(b"\n")
    count = head.split(b" ", 1)[0]
    if not png.startswith(SIGNATURE) or not count.isdigit():
        raise Invalid(_unshown())
    return Page(png, min(int(count[:9]), MOST_PAGES))


def _asked(content: bytes, number: int) -> bytes:
    """The child's answer, through a file: so the kernel's bound on the size of files holds for it too."""
    command = [sys.executable, "-I", "-B", str(CHILD), str(number - 1)]
    with tempfile.TemporaryFile() as answer:
        try:
            subprocess.run(
                command,
                input=content,
                stdout=answer,
                stderr=subprocess.DEVNULL,
                timeout=PATIENCE,
                env={},
                cwd="/",
                check=True,
            )
        except (subprocess.SubprocessError, OSError) as error:
            raise Invalid(_unshown()) from error
        answer.seek(0)
        return answer.read()


def _unshown() -> str:
    return _("The page cannot be shown: the file is damaged, locked or too heavy.")
