"""Regular expressions from configuration: compiled by RE2, so that no pattern and no text can take long."""

from __future__ import annotations

import functools
from typing import Any

import re2
from django.utils.translation import gettext as _

MAX_PATTERN = 500
MAX_TEXT = 300_000  # above the largest payload, so that nothing is hidden behind padding
MAX_MEMORY = 1 << 20  # of one compiled pattern: counted repetitions multiply


def pattern_problem(pattern: Any) -> str:
    """Why this is no usable pattern, or an empty text."""
    if not isinstance(pattern, str) or not pattern or len(pattern) > MAX_PATTERN:
        return _("A pattern is a text of 1 to %(limit)d characters.") % {"limit": MAX_PATTERN}
    try:
        _compiled(pattern)
    except (re2.error, UnicodeError) as error:
        reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
        return _("This pattern cannot be used (look-around and back references are not): %(reason)s") % {
            "reason": reason
        }
    return ""


def found(pattern: str, text: str) -> bool:
    """Whether the pattern occurs anywhere in the text. A pattern that cannot be used is found nowhere."""
    if pattern_problem(pattern):
        return False
    return _compiled(pattern).search(text[:MAX_TEXT].encode("utf-8", "replace")) is not None


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = MAX_MEMORY
    return re2.compile(pattern.encode("utf-8"), options)
