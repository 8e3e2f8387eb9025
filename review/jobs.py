"""RQ's entry points of the review app."""

from __future__ import annotations

from cases import bells
from cases.jobs import JOB_SECONDS
from cases.models.choices import State
from review.breach import see_late_tasks, warn_holders
from review.claims import note_expired
from review.route import route_batch


def route() -> None:
    bells.drain(State.CLASSIFIED, route_batch, seconds=JOB_SECONDS)


def expire() -> None:
    """Write down the claims whose lease has run out; the tasks themselves are free the moment it does."""
    note_expired()


def breaches() -> None:
    """Tell who holds a task that is due soon, and see the tasks that have become late."""
    warn_holders()
    see_late_tasks(seconds=JOB_SECONDS)
