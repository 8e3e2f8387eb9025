"""Writes the files that came with the demo's cases."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator

from django.core.files.base import ContentFile

from cases.models import Attachment
from hitl_project.demo.book import Book, written
from hitl_project.demo.history import Life
from hitl_project.demo.papers import Paper


def write_files(book: Book, made: list[str]) -> None:
    """Every file and its row. ``made`` is told the name of each file, for whoever has to remove them again."""
    rows = written(Attachment, _attachments(book, made))
    for row in rows:
        book.files.setdefault(row.case_id, []).append(row)


def _attachments(book: Book, made: list[str]) -> Iterator[Attachment]:
    for life in book.history.lives:
        for paper in life.case.papers:
            row = _attachment(book, life, paper)
            made.append(str(row.file.name))
            yield row


def _attachment(book: Book, life: Life, paper: Paper) -> Attachment:
    content = paper.content()
    row = Attachment(
        case=book.cases[life.number],
        name=paper.name,
        content_type=paper.content_type,
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        created_at=life.created_at,
    )
    row.file.save(secrets.token_hex(16), ContentFile(content), save=False)
    return row
