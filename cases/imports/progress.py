"""How far an import has come, so that a second run goes on where the first one was stopped.

Kept through Django's storage under a digest of the file and of what is made of it. Losing it costs time only: rows that
are here already are recognised.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage


class Progress:
    def __init__(self, path: Path, *, purpose: str) -> None:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        digest.update(purpose.encode())
        self.name = f"imports/{digest.hexdigest()}.json"

    def line(self) -> int:
        """The last line that is done, or 0."""
        try:
            with default_storage.open(self.name) as file:
                return int(json.load(file)["line"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0

    def done_to(self, line: int) -> None:
        self.finished()
        default_storage.save(self.name, ContentFile(json.dumps({"line": line}).encode()))

    def finished(self) -> None:
        default_storage.delete(self.name)
