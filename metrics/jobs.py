"""RQ entry points."""

from __future__ import annotations

from metrics import rollup

LATE_SECONDS = 1


def roll_up() -> int:
    """Bring the reports up to date: what happens now at once, news about older hours as there is time."""
    return rollup.roll_up(late=LATE_SECONDS)
