"""The files that came with a case, as a reader meets them: pictures and pages to look at, everything else to download."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.utils.translation import gettext as _

from cases.file_kinds import PDF
from cases.models import Attachment

PICTURE, PAGES, OTHER = "picture", "pages", "other"
LARGEST_THUMB = 1024 * 1024  # bytes: a larger picture is loaded only to be looked at
PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


@dataclass(frozen=True, slots=True)
class File:
    """A file and how it is shown. What it says about itself is checked again when it is opened."""

    id: int
    name: str
    content_type: str
    size: int
    shown_as: str
    kind: str

    @property
    def thumb(self) -> bool:
        """Whether it is small enough to stand beside its name."""
        return self.shown_as == PICTURE and self.size <= LARGEST_THUMB


def files_of(attachments: Iterable[Attachment]) -> list[File]:
    """The files in the order in which they came."""
    return [
        File(row.pk, row.name, row.content_type, row.size, _shown_as(row.content_type), kind_in_words(row.content_type))
        for row in attachments
    ]


def _shown_as(content_type: str) -> str:
    if content_type in PICTURES:
        return PICTURE
    return PAGES if content_type == PDF.content_type else OTHER


def kind_in_words(content_type: str) -> str:
    """A type of file in words that a person uses."""
    words = {
        "application/pdf": _("PDF"),
        "image/png": _("PNG picture"),
        "image/jpeg": _("JPEG picture"),
        "image/gif": _("GIF picture"),
        "image/webp": _("WebP picture"),
        "text/plain": _("text"),
        "text/csv": _("CSV table"),
        "application/json": _("JSON"),
        "message/rfc822": _("e-mail"),
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document": _("Word document"),
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": _("Excel workbook"),
    }
    return words.get(content_type, content_type or _("file"))
