"""Writes the demo's cases, predictions, tasks and decisions as the product would have written them at the time."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from cases import schemas
from cases.arrivals import digest_of as content_digest
from cases.classifiers.base import Answer
from cases.classify import prediction_of
from cases.envelope import CaseIn, ContextItem, Evidence, PredictionIn
from cases.models import Case, Prediction
from cases.models.choices import Priority
from hitl_project.demo.book import Book, a_moment_after, acts, written
from hitl_project.demo.cases import DemoCase
from hitl_project.demo.history import Life, Stay, Verdict
from review.models import Approval, Decision, ReviewTask
from review.shown import digest_of

SOURCES = {
    "support-email": "mailroom",
    "refund-request": "refund-engine",
    "document-tag": "scanner",
    "receipt": "receipt-reader",
    "reply": "draft-writer",
}
NUMBERED = {
    "support-email": "sup",
    "refund-request": "ref",
    "document-tag": "doc",
    "receipt": "rec",
    "reply": "rep",
}


def envelope(case: DemoCase, external_id: str) -> CaseIn:
    """A made-up case as an integration sends it."""
    return CaseIn(
        case_type=case.case_type,
        source=SOURCES[case.case_type],
        external_id=external_id,
        payload=case.payload,
        priority=case.priority,  # type: ignore[arg-type]
        requester=case.requester,
        context=[ContextItem(**item) for item in case.context],
        prediction=_sent(case.proposal) if case.proposal else None,
        metadata=dict(case.metadata),
    )


def _sent(found: dict[str, Any]) -> PredictionIn:
    """What an engine says, as the API takes it."""
    plain = {name: value for name, value in found.items() if name in PredictionIn.__struct_fields__}
    known = Evidence.__struct_fields__
    spans = [Evidence(**{name: span[name] for name in span if name in known}) for span in found["evidence"]]
    return PredictionIn(**{**plain, "evidence": spans})


def write_cases(book: Book) -> None:
    """The cases under the numbers that the coin was drawn with, and what the machine said about them."""
    lives = book.history.lives
    book.cases = {row.pk: row for row in written(Case, (_case(book, life) for life in lives))}
    said = [life for life in lives if life.answer is not None and (life.routed_at or life.case.proposal)]
    written(Prediction, (_prediction(life, life.tried, at=life.created_at) for life in said if life.tried))
    rows = written(Prediction, (_prediction(life, life.answer, at=a_moment_after(life.created_at)) for life in said))
    book.predictions = {row.case_id: row for row in rows}


def _case(book: Book, life: Life) -> Case:
    sent = envelope(life.case, f"{NUMBERED[life.case.case_type]}-{life.number:06d}")
    salt = secrets.token_hex(16)
    last = life.verdicts[-1] if life.verdicts and life.state in ("decided", "closed") else None
    waits = last is not None and not acts(last)
    row = Case(
        pk=life.number,
        case_type=book.case_types[life.case.case_type],
        source=sent.source,
        external_id=sent.external_id,
        sender=book.sender,
        priority=Priority[life.case.priority.upper()],
        requester=sent.requester,
        payload=sent.payload,
        context=life.case.context,
        metadata=dict(life.case.metadata),
        salt=salt,
        content_digest=content_digest(salt, sent.content()),
        state=life.state,
        version=life.version,
        lease_until=None if waits else life.created_at,
        created_at=life.created_at,
        routed_at=life.routed_at,
        due_at=life.due_at,
        reason=life.reason,
        decided_at=last.at if last else None,
        closed_at=last.closed_at if last else None,
    )
    if life.routed_at and life.answer:
        row.label, row.confidence = _label(life), life.answer.confidence
        row.sampled = life.sampled
        row.sample_probability = book.policies[life.case.case_type].sample_rate
    return row


def _label(life: Life) -> str:
    if life.verdicts:
        return schemas.label_of(life.verdicts[-1].output)
    return life.answer.label if life.answer else ""


def _prediction(life: Life, answer: Answer | None, *, at: datetime) -> Prediction:
    assert answer is not None  # noqa: S101 - the caller chose those with an answer
    row = prediction_of(life.number, answer)
    row.created_at = at
    return row


def write_work(book: Book) -> None:
    """Stays in queues, decisions in the order of their versions, and second approvals."""
    stays = [(life, stay) for life in book.history.lives for stay in life.stays]
    rows = written(ReviewTask, (_task(book, life, stay) for life, stay in stays))
    book.tasks = {id(stay): row for (_, stay), row in zip(stays, rows, strict=True)}
    for generation in _generations(book.history.lives):
        made = written(Decision, [_decision(book, life, at) for life, at in generation])
        book.decisions |= {id(life.verdicts[at]): row for (life, at), row in zip(generation, made, strict=True)}
    written(Approval, _approvals(book))


def _generations(lives: Iterable[Life]) -> Iterator[list[tuple[Life, int]]]:
    """First verdicts, then second ones, and so on: a later decision points at the one before."""
    at, rest = 0, [life for life in lives if life.verdicts]
    while rest:
        yield [(life, at) for life in rest]
        at, rest = at + 1, [life for life in rest if len(life.verdicts) > at + 1]


def _task(book: Book, life: Life, stay: Stay) -> ReviewTask:
    done = stay.closed_at is not None
    sampled = stay.reason == "sample"
    return ReviewTask(
        case=book.cases[life.number],
        case_type_id=book.cases[life.number].case_type_id,
        language=life.case.language,
        label=book.cases[life.number].label,
        queue=book.queues[stay.queue],
        policy=book.policies[life.case.case_type],
        reason=stay.reason,
        note=stay.note,
        trace=stay.trace,
        blind=stay.blind,
        first_answer=stay.first_answer if done and stay.blind else None,
        priority=Priority.LOW if sampled else book.cases[life.number].priority,
        opened_at=stay.opened_at,
        due_at=stay.due_at,
        assignee=book.user(stay.person) if done or stay.put_down in ("held", "given") else None,
        claimed_at=stay.claimed_at if done or stay.put_down else None,
        lease_until=stay.closed_at or stay.lease_until or stay.opened_at,
        lease_token=1 if done or stay.claimed_at else 0,
        hold_reason=stay.hold_reason,
        closed_at=stay.closed_at,
        ending=stay.ending,
    )


def _decision(book: Book, life: Life, at: int) -> Decision:
    verdict = life.verdicts[at]
    case, stay = book.cases[life.number], verdict.stay
    prediction = book.predictions.get(life.number)
    task = book.task(stay) if stay else None
    return Decision(
        case=case,
        case_version=verdict.version,
        task=task,
        policy=book.policies[life.case.case_type],
        prediction=prediction,
        supersedes=book.decision(life.verdicts[at - 1]) if at else None,
        outcome=verdict.outcome,
        output=verdict.output,
        label=schemas.label_of(verdict.output),
        override=verdict.override,
        shown=verdict.shown,
        held=verdict.held,
        decided_by=book.user(stay.person) if stay else None,
        reason=verdict.note[:200] if verdict.outcome == "reject" else "",
        note=verdict.note,
        digest=digest_of(task, case, prediction) if task else "",
        active_seconds=verdict.seconds,
        decided_at=verdict.at,
    )


def _approvals(book: Book) -> Iterator[Approval]:
    for verdict in _verdicts(book):
        if verdict.approval:
            given = verdict.approval
            by = book.users[given.person.username]
            told = {"approved": given.approved, "note": given.note, "at": given.at}
            yield Approval(decision=book.decision(verdict), by=by, **told)


def _verdicts(book: Book) -> Iterator[Verdict]:
    return (verdict for life in book.history.lives for verdict in life.verdicts)
