"""The pages of the reports, in the order of their navigation."""

from __future__ import annotations

from metrics.pages import deeper, everyday
from metrics.pages.base import Ask, Kind, Page

_FOUND = {kind.key: kind for kind in (*everyday.KINDS, *deeper.KINDS)}
ORDER = ("overview", "throughput", "quality", "time", "people", "models", "cost")
KINDS: dict[str, Kind] = {key: _FOUND[key] for key in ORDER}

__all__ = ["KINDS", "Ask", "Kind", "Page"]
