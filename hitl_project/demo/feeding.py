"""Live cases for the demonstration, taken in by the product's own ingestion."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from random import Random

import structlog
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connections
from django.utils import timezone

from cases.attachments import attach
from cases.errors import Conflict
from cases.ingest import ingest
from cases.models import Case
from hitl_project.demo.cases import DemoCase
from hitl_project.demo.generator import source
from hitl_project.demo.grammar import dice
from hitl_project.demo.people import of_role
from hitl_project.demo.rows import SOURCES, envelope

logger = structlog.get_logger(__name__)

MIX = {"support-email": 6, "refund-request": 2, "document-tag": 3, "receipt": 1, "reply": 1}
PATIENCE = 5.0  # seconds to wait when the database does not answer


def feed(stopped: threading.Event, *, every: float, limit: int = 0) -> int:
    """Send cases in, ``every`` so many seconds on average, until ``stopped`` is set or ``limit`` is reached.

    Returns how many were sent. A database that is away is waited for.
    """
    began = int(time.time())
    rng = dice(began)
    sent = 0
    for number, case in enumerate(_cases(began, rng), start=1):
        if stopped.wait(rng.uniform(0.4, 1.6) * every) or (limit and sent >= limit):
            break
        sent += _send(case, f"live-{began}-{number}", stopped)
    return sent


def _cases(seed: int, rng: Random) -> Iterator[DemoCase]:
    sources = {key: source(key, seed) for key in MIX}
    while True:
        yield sources[rng.choices(list(MIX), weights=list(MIX.values()))[0]](timezone.now())


def _send(case: DemoCase, external_id: str, stopped: threading.Event) -> int:
    try:
        sender = User.objects.get(username=of_role("integration")[0].username)
        ingest([envelope(case, external_id)], sender=sender, origin="api")
        _enclose(case, external_id, sender)
    except DatabaseError as error:
        logger.warning("demo_case_waits", error=str(error))
        connections.close_all()
        stopped.wait(PATIENCE)
        return 0
    return 1


def _enclose(case: DemoCase, external_id: str, sender: User) -> None:
    """Send the files after; a case that was decided meanwhile does without."""
    row = Case.objects.get(source=SOURCES[case.case_type], external_id=external_id)
    for paper in case.papers:
        upload = SimpleUploadedFile(paper.name, paper.content(), paper.content_type)
        with contextlib.suppress(Conflict):
            attach(row, upload, user=sender, origin="api")
