"""RQ entry points of the alerts, apart from those of the rollups: each may run twice, late, or beside itself."""

from __future__ import annotations

from metrics.alerting.watching import watch
from metrics.models import Kind


def watch_quick() -> int:
    """The kinds that may turn within seconds."""
    return watch(quick=True)


def watch_all() -> int:
    return watch()


def watch_workers() -> int:
    """Called by the scheduler itself, for when nobody is there to take a job."""
    return watch(only=Kind.NO_WORKER)
