"""Loads the demonstration: its organisation, its people, and thirty days of history through the product's own tables."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

from django.core.files.storage import default_storage
from django.core.management.color import no_style
from django.db import connection, transaction
from django.db.models import Max

from cases.models import Case, CaseType, WebhookEndpoint
from feedback.jobs import take_fingerprints
from hitl_project.configuration import applying, reading
from hitl_project.demo import (
    accounts,
    aftermath,
    alarms,
    enclosures,
    known,
    ledger,
    lessons,
    oversight,
    quality,
    rows,
    talk,
)
from hitl_project.demo.book import Book
from hitl_project.demo.history import History
from hitl_project.demo.people import of_role
from hitl_project.demo.simulation import DAYS, simulate
from metrics.rollup import rebuild
from review import coin
from review.models import Policy, Queue

SEED = 1871
Tell = Callable[[str], None]


def load(*, now: datetime, tell: Tell, days: int = DAYS, seed: int = SEED) -> int:
    """Load it once. Returns how many cases were written, 0 when the demo was here already.

    The history is all there or not at all: it is played first and written in one transaction.
    """
    if is_loaded():
        return 0
    with ThreadPoolExecutor(max_workers=2) as pool:
        hashes = accounts.begin_hashing(pool)
        tell("playing thirty days of history, training the models on it")
        first = (Case.objects.aggregate(last=Max("pk"))["last"] or 0) + 1
        history = simulate(now=now, seed=seed, first_number=first, draw=coin.draw, days=days)
        tell("writing it down")
        _write(history, hashes, start=now - timedelta(days=days))
    tell("summing it up for the reports")
    rebuild()
    alarms.raise_alerts(now)
    take_fingerprints()
    return len(history.lives)


def is_loaded() -> bool:
    """Whether the demo's own cases are there."""
    return Case.objects.filter(
        source__in=rows.SOURCES.values(), sender__username=of_role("integration")[0].username
    ).exists()


def _write(history: History, hashes: accounts.Hashes, *, start: datetime) -> None:
    files: list[str] = []
    try:
        with transaction.atomic():
            book = _open_book(history, hashes, start=start)
            files += lessons.write_lessons(book)
            rows.write_cases(book)
            enclosures.write_files(book, files)
            for write in (rows.write_work, aftermath.write_effects, aftermath.write_feedback, talk.write_notes):
                write(book)
            ledger.write_events(book)
            _follow_ids()
            talk.write_desk(book)
            talk.propose(book)
            known.plant_known(book)
            quality.set_up(book.users["sanjay"], now=history.now)
    except BaseException:
        _remove(files)
        raise


def _open_book(history: History, hashes: accounts.Hashes, *, start: datetime) -> Book:
    people = accounts.make_people(hashes)
    document = reading.read(oversight.FILE.read_bytes())
    applying.apply(document, origin="demo", reason="The demonstration organisation.")
    _backdate(start)
    active = Policy.objects.filter(status=Policy.Status.ACTIVE).select_related("case_type")
    return Book(
        history=history,
        users=people,
        case_types={case_type.key: case_type for case_type in CaseType.objects.all()},
        policies={policy.case_type.key: policy for policy in active},
        queues={queue.key: queue for queue in Queue.objects.all()},
        endpoint=WebhookEndpoint.objects.get(key="crm"),
        sender=people[of_role("integration")[0].username],
    )


def _backdate(start: datetime) -> None:
    """What is configured now was in force when the history began."""
    keys = [each["key"] for each in oversight.organisation()["case_types"]]
    CaseType.objects.filter(key__in=keys).update(created_at=start, updated_at=start)
    Policy.objects.filter(case_type__key__in=keys).update(created_at=start, activated_at=start)
    WebhookEndpoint.objects.filter(key="crm").update(created_at=start)


def _follow_ids() -> None:
    """Cases were written under numbers of our own: let the database count on from there."""
    with connection.cursor() as cursor:
        for statement in connection.ops.sequence_reset_sql(no_style(), [Case]):
            cursor.execute(statement)


def _remove(files: list[str]) -> None:
    for name in files:
        with contextlib.suppress(OSError):
            default_storage.delete(name)
