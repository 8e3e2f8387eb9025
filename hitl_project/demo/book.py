"""What the demo's rows refer to, and the rows themselves while they are being written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from django.contrib.auth.models import User
from django.db import models

from cases.models import Attachment, Case, CaseType, Prediction, WebhookEndpoint
from hitl_project.demo.history import History, Stay, Verdict
from hitl_project.demo.people import Person
from review.models import Decision, Note, Policy, Queue, ReviewTask

BATCH = 500
M = TypeVar("M", bound=models.Model)


@dataclass(slots=True)
class Book:
    """Everything by the key under which the history knows it."""

    history: History
    users: dict[str, User]
    case_types: dict[str, CaseType]
    policies: dict[str, Policy]
    queues: dict[str, Queue]
    endpoint: WebhookEndpoint
    sender: User
    cases: dict[int, Case] = field(default_factory=dict)
    files: dict[int, list[Attachment]] = field(default_factory=dict)
    notes: dict[int, list[Note]] = field(default_factory=dict)
    predictions: dict[int, Prediction] = field(default_factory=dict)
    tasks: dict[int, ReviewTask] = field(default_factory=dict)
    decisions: dict[int, Decision] = field(default_factory=dict)

    def user(self, person: Person | None) -> User | None:
        return self.users[person.username] if person else None

    def task(self, stay: Stay) -> ReviewTask:
        return self.tasks[id(stay)]

    def decision(self, verdict: Verdict) -> Decision:
        return self.decisions[id(verdict)]


def written(model: type[M], rows: Iterable[M]) -> list[M]:
    """The rows, saved in batches, with their ids."""
    return model._default_manager.bulk_create(list(rows), batch_size=BATCH)


def acts(verdict: Verdict) -> bool:
    """Whether a verdict has taken effect: at once, or once a second person approved it."""
    return not verdict.held or (verdict.approval is not None and verdict.approval.approved)


def acted_at(verdict: Verdict) -> datetime:
    return verdict.approval.at if verdict.approval else verdict.at


def a_moment_after(at: datetime) -> datetime:
    return at + timedelta(seconds=1)
