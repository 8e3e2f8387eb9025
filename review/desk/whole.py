"""A whole input as one plain text, for payloads too long for the page."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from review.desk.text import plainly


def whole_of(payload: Any, context: Any) -> str:
    """Everything that came in, one heading per part; texts as they are, all else as JSON. Unseen characters are named."""
    parts = [*_parts("payload", payload), *_parts("context", context)]
    return plainly("\n\n".join(f"{path}\n{'─' * len(path)}\n{text}" for path, text in parts)) + "\n"


def _parts(path: str, value: Any) -> Iterator[tuple[str, str]]:
    """The texts of an object or a list by their path; what is nested deeper stays together."""
    if isinstance(value, Mapping):
        named = [(f"{path}.{key}", part) for key, part in value.items()]
    elif isinstance(value, list):
        named = [(f"{path}[{at}]", part) for at, part in enumerate(value)]
    else:
        named = [(path, value)]
    for name, part in named:
        yield name, part if isinstance(part, str) else json.dumps(part, ensure_ascii=False, indent=2)
