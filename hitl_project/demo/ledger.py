"""Writes the audit events of the demo's history, in the order in which everything happened."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import models

from cases.models import AuditEvent
from hitl_project.demo.book import Book, a_moment_after, acts, written
from hitl_project.demo.history import Life, Stay, Verdict


def write_events(book: Book) -> None:
    """Every event of every case, oldest first; ids then follow time, as they do in a living journal."""
    events = [event for life in book.history.lives for event in _Case(book, life).events()]
    written(AuditEvent, sorted(events, key=lambda event: event.at))


class _Case:
    """The events of one case."""

    def __init__(self, book: Book, life: Life) -> None:
        self.book = book
        self.life = life
        self.pipeline = "pipeline"

    def events(self) -> Iterator[AuditEvent]:
        life, case = self.life, self.book.cases[self.life.number]
        received = {"source": case.source, "digest": case.content_digest}
        yield self._event("case.received", life.created_at, self.book.sender, "api", data=received)
        for row in self.book.files.get(life.number, ()):
            told = {"sha256": row.sha256, "size": row.size, "content_type": row.content_type}
            yield self._event("attachment.added", life.created_at, self.book.sender, "api", subject=row, data=told)
        if life.routed_at is None:
            return
        yield self._event(
            "case.classified", a_moment_after(life.created_at), self.pipeline, "worker", data=self._said()
        )
        yield self._routed(life.routed_at)
        for stay in life.stays:
            yield from self._stay(stay)
        for verdict in life.verdicts:
            yield from self._verdict(verdict)
        yield from self._checks()

    def _said(self) -> dict[str, Any]:
        row = self.book.predictions[self.life.number]
        said = {"label": row.label, "confidence": row.confidence, "failed": bool(row.error)}
        return {**said, "model": row.model, "model_version": row.model_version}

    def _routed(self, at: datetime) -> AuditEvent:
        first = self.life.stays[0] if self.life.stays and self.life.stays[0].reason != "sample" else None
        data = {
            "policy": self.book.policies[self.life.case.case_type].number,
            "reason": first.reason if first else "",
            "queue": first.queue if first else "",
        }
        return self._event("case.in_review" if first else "case.decided", at, self.pipeline, "worker", data=data)

    def _stay(self, stay: Stay) -> Iterator[AuditEvent]:
        task = self.book.task(stay)
        if stay is not self.life.stays[0]:
            opened = {"queue": stay.queue, "reason": stay.reason}
            yield self._event("task.opened", stay.opened_at, self._opener(stay), "admin", subject=task, data=opened)
        person = self.book.user(stay.person)
        if stay.claimed_at is None or person is None:
            return
        yield self._event("task.claimed", stay.claimed_at, person, "admin", subject=task)
        if stay.put_down and stay.lease_until:
            data = {"until": stay.lease_until.isoformat()} if stay.put_down == "snoozed" else {}
            yield self._event(
                f"task.{stay.put_down}", a_moment_after(stay.claimed_at), person, "admin", subject=task, data=data
            )
        if stay.closed_at is None:
            return
        if task.first_answer is not None:
            yield self._event("task.answered_blind", stay.closed_at, person, "admin", subject=task)
        if stay.ending == "raised":
            onward = self.life.stays[self.life.stays.index(stay) + 1]
            yield self._event("task.raised", stay.closed_at, person, "admin", subject=task, data={"to": onward.queue})
        if stay.ending == "handed_over":
            onward = self.life.stays[self.life.stays.index(stay) + 1]
            to = onward.person.username if onward.person else onward.queue
            told = {"to": to, "from": person.pk}
            yield self._event("task.handed_over", stay.closed_at, person, "admin", subject=task, data=told)

    def _opener(self, stay: Stay) -> User | str:
        """Who put the case into a further queue: the one who raised or decided it, or who reported it wrong."""
        before = self.life.stays[self.life.stays.index(stay) - 1]
        if stay.reason == "reported_error" and self.life.news and self.life.news.at == stay.opened_at:
            return self.book.sender
        return self.book.user(before.person) or self.pipeline

    def _verdict(self, verdict: Verdict) -> Iterator[AuditEvent]:
        row, stay = self.book.decision(verdict), verdict.stay
        person = self.book.user(stay.person) if stay else None
        if stay and person:
            if verdict.version > 1:
                yield self._event("case.in_review", stay.opened_at, self._opener(stay), "admin")
            yield self._event("case.decided", verdict.at, person, "admin")
            data = {"outcome": verdict.outcome, "label": row.label, "held": verdict.held}
            yield self._event("decision.made", verdict.at, person, "admin", subject=row, data=data)
        if verdict.approval:
            given, by = verdict.approval, self.book.users[verdict.approval.person.username]
            action = "decision.approved" if given.approved else "decision.sent_back"
            yield self._event(action, given.at, by, "admin", subject=row, data={"note": bool(given.note)})
        if verdict.closed_at and acts(verdict):
            yield self._event("effect.delivered", verdict.closed_at, "outbox", "worker", data={"attempt": 1})
            yield self._event("case.closed", verdict.closed_at, "outbox", "worker")

    def _checks(self) -> Iterator[AuditEvent]:
        life, reading, news = self.life, self.life.reading, self.life.news
        if reading:
            reader = self.book.users[reading.person.username]
            told = {"automated": reading.automated, "correct": reading.correct}
            yield self._event("sample.taken", reading.at, reader, "admin", data=told)
        if news:
            heard = {"correct": news.correct, "source": news.source}
            yield self._event("outcome.reported", news.at, self.book.sender, "api", data=heard)
        for note in self.book.notes.get(life.number, ()):
            yield self._event("case.noted", note.at, note.author, "admin", subject=note)
        waiting = life.open_stay
        last = life.verdicts[-1].approval if life.verdicts else None
        if waiting and (waiting.reason == "reported_error" or (last and not last.approved)):
            yield self._event("case.in_review", waiting.opened_at, self._opener(waiting), "admin")

    def _event(
        self,
        action: str,
        at: datetime,
        actor: User | str,
        origin: str,
        *,
        subject: models.Model | None = None,
        data: dict[str, Any] | None = None,
    ) -> AuditEvent:
        return AuditEvent(
            at=at,
            action=action,
            actor=actor if isinstance(actor, str) else actor.get_username(),
            actor_id=None if isinstance(actor, str) else actor.pk,
            origin=origin,
            case_id=self.life.number,
            object_type=subject._meta.model_name or "" if subject else "",
            object_id=subject.pk if subject else None,
            data=data or {},
        )
