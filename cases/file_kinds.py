"""What a file is, told from its bytes and never from its name, and whether it is of a kind that is taken."""

from __future__ import annotations

import io
import re
import unicodedata
import zipfile
from typing import NamedTuple

from django.utils.translation import gettext as _

from cases import strict_json
from cases.errors import Invalid


class Kind(NamedTuple):
    content_type: str
    extension: str
    inline: bool = False


PDF = Kind("application/pdf", ".pdf", inline=True)
TEXT = Kind("text/plain", ".txt")
BY_MAGIC: list[tuple[re.Pattern[bytes], Kind]] = [
    (re.compile(rb"%PDF-\d"), PDF),
    (re.compile(rb"\x89PNG\r\n\x1a\n"), Kind("image/png", ".png", inline=True)),
    (re.compile(rb"\xff\xd8\xff"), Kind("image/jpeg", ".jpg", inline=True)),
    (re.compile(rb"GIF8[79]a"), Kind("image/gif", ".gif", inline=True)),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), Kind("image/webp", ".webp", inline=True)),
]
BY_PART = {
    "word/document.xml": Kind("application/vnd.openxmlformats-officedocument.wordprocessingml.document", ".docx"),
    "xl/workbook.xml": Kind("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", ".xlsx"),
}
BY_TEXT_NAME = {
    ".csv": Kind("text/csv", ".csv"),
    ".eml": Kind("message/rfc822", ".eml"),
    ".json": Kind("application/json", ".json"),
}
INLINE = {kind.content_type for _magic, kind in BY_MAGIC if kind.inline}
ALSO = {".jpg": {".jpg", ".jpeg"}, ".txt": {".txt", ".log", ".md"}}
MARKUP = re.compile(r"\s*<(!doctype|!--|\?xml|html|head|body|svg|script|iframe|math|[a-z]+:)", re.IGNORECASE)
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")
MOST_PARTS = 2000
MOST_UNPACKED = 200 * 1024 * 1024
MOST_RATIO = 200
LONGEST_NAME = 120


def kind_of(content: bytes, *, name: str) -> Kind:
    """The kind of a file. The name only tells apart kinds of plain text.

    Raises: Invalid for a kind that is not taken, and for archives made to do harm.
    """
    for magic, kind in BY_MAGIC:
        if magic.match(content):
            return kind
    if content.startswith(b"PK\x03\x04"):
        return _office_kind(content)
    return _text_kind(content, extension=_extension(name))


def clean_name(name: str, *, kind: Kind) -> str:
    """A name without directories, invisible characters or a misleading ending."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    visible = "".join(c for c in last if c.isprintable() and c not in '<>:"|?*').strip(" .")
    stem = (
        visible[: -len(_extension(visible))]
        if _extension(visible) in ALSO.get(kind.extension, {kind.extension})
        else visible
    )
    ending = _extension(visible) if stem != visible else kind.extension
    return (stem.strip(" .")[:LONGEST_NAME] or "file") + ending


def refused(message: str) -> Invalid:
    return Invalid(_("The file is not taken."), errors={"file": [message]})


def check_archive(content: bytes) -> zipfile.ZipFile:
    """A zip archive that can be unpacked without harm.

    Raises: Invalid.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError) as error:
        raise refused(_("The file is damaged.")) from error
    unpacked = sum(part.file_size for part in parts)
    if len(parts) > MOST_PARTS or unpacked > MOST_UNPACKED or unpacked > MOST_RATIO * max(len(content), 1024):
        raise refused(_("The file would unpack to far more than its size."))
    if any(part.filename.startswith(("/", "\\")) or ".." in part.filename or part.flag_bits & 1 for part in parts):
        raise refused(_("The file holds locked parts, or parts with paths that lead elsewhere."))
    return archive


def _office_kind(content: bytes) -> Kind:
    names = set(check_archive(content).namelist())
    if "[Content_Types].xml" in names and not any(name.lower().endswith("vbaproject.bin") for name in names):
        for part, kind in BY_PART.items():
            if part in names:
                return kind
    raise refused(_taken())


def _text_kind(content: bytes, *, extension: str) -> Kind:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise refused(_taken()) from error
    if (
        not text.strip()
        or CONTROLS.search(text)
        or MARKUP.match(text)
        or extension in (".html", ".htm", ".svg", ".xml", ".xhtml")
    ):
        raise refused(_taken())
    kind = BY_TEXT_NAME.get(extension, TEXT)
    if kind.extension == ".json":
        _check_json(content)
    return kind


def _check_json(content: bytes) -> None:
    try:
        strict_json.read(content.removeprefix(b"\xef\xbb\xbf"))
    except strict_json.NotJsonError as error:
        raise refused(str(error)) from error


def _extension(name: str) -> str:
    dot = name.rfind(".")
    return name[dot:].lower() if dot > 0 else ""


def _taken() -> str:
    return _("Files of this kind are not taken. Send PDF, PNG, JPEG, GIF, WebP, text, CSV, JSON, e-mail, DOCX or XLSX.")
