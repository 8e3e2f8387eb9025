"""Writes the demo's labelled examples and model versions, artifacts included."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import groupby

from django.core.files.base import ContentFile

from cases.models import AuditEvent
from feedback.models import LabelledExample, ModelVersion
from hitl_project.demo.book import Book, a_moment_after, written
from hitl_project.demo.history import Round

TRAINER = "training"


def write_lessons(book: Book) -> list[str]:
    """The examples the shop began with, and a version per training round. Returns the names of the files written."""
    written(LabelledExample, _examples(book))
    files: list[str] = []
    rounds = sorted(book.history.rounds, key=lambda held: held.case_type)
    for _, group in groupby(rounds, key=lambda held: held.case_type):
        versions = list(group)
        at_work = max(held.number for held in versions if held.promoted)
        for held in versions:
            row = _version(book, held, at_work=at_work)
            files += [str(row.artifact.name), str(row.judged.name)]
    written(AuditEvent, sorted(_events(book), key=lambda event: event.at))
    return files


def _examples(book: Book) -> Iterator[LabelledExample]:
    for number, (at, case) in enumerate(book.history.taught, start=1):
        yield LabelledExample(
            case_type=book.case_types[case.case_type],
            source="old-archive",
            external_id=f"old-{number:05d}",
            payload=case.payload,
            output=case.true_output,
            created_at=at,
        )


def _version(book: Book, held: Round, *, at_work: int) -> ModelVersion:
    status = ModelVersion.Status.RETIRED if held.promoted else ModelVersion.Status.REFUSED
    row = ModelVersion(
        case_type=book.case_types[held.case_type],
        number=held.number,
        status=ModelVersion.Status.ACTIVE if held.number == at_work else status,
        sha256=hashlib.sha256(held.artifact).hexdigest(),
        metrics=held.metrics,
        trained_on=held.trained_on,
        created_at=held.at,
        promoted_at=a_moment_after(held.at) if held.promoted else None,
    )
    row.artifact.save(f"{held.case_type}-{held.number}.model", ContentFile(held.artifact), save=False)
    row.judged.save(f"{held.case_type}-{held.number}.twin", ContentFile(held.twin), save=False)
    row.save()
    return row


def _events(book: Book) -> Iterator[AuditEvent]:
    for held in book.history.rounds:
        told = {"case_type": held.case_type, "number": held.number}
        data = {**told, **{name: held.metrics.get(name) for name in ("held_out", "accuracy", "log_loss")}}
        yield AuditEvent(at=held.at, action="model.trained", actor=TRAINER, origin="worker", data=data)
        if held.promoted:
            why = {**told, "reason": held.why}
            at = a_moment_after(held.at)
            yield AuditEvent(at=at, action="model.promoted", actor=TRAINER, origin="worker", data=why)
