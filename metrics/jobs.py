"""RQ entry points."""

from __future__ import annotations

from metrics import rollup


def roll_up() -> int:
    """Bring the reports up to date, unless the last run was so long that a pause is due."""
    return rollup.roll_up() if rollup.is_due() else 0
