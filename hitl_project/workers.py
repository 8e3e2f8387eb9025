"""The RQ worker of this project."""

from __future__ import annotations

from rq import SimpleWorker


class Worker(SimpleWorker):
    """Runs jobs in its own process: a fork per job costs six times the job. The supervisor replaces a worker that dies."""
