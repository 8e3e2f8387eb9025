"""Writes what followed the demo's decisions: effects that left, samples read, news from downstream, corrections."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from cases import outbox, schemas
from cases.models import Effect, EffectAttempt
from feedback.models import Correction, OutcomeReport, Sample
from hitl_project.demo import oversight
from hitl_project.demo.book import Book, a_moment_after, acted_at, acts, written
from hitl_project.demo.history import Life, News, Verdict
from review.route import told_of

DEAD_FOR = timedelta(days=4)  # the customer system has not answered since
GAVE_UP_AFTER = 10
UNREACHABLE = "crm.harbourandpine.example: the name does not resolve"


def write_effects(book: Book) -> None:
    """What left for each verdict that took effect, and the tries it took."""
    effects = written(Effect, (effect for life in book.history.lives for effect in _effects(book, life)))
    written(EffectAttempt, (each for effect in effects for each in _tries(effect)))


def _effects(book: Book, life: Life) -> Iterator[Effect]:
    for at, verdict in enumerate(life.verdicts):
        before = life.verdicts[at - 1] if at else None
        if before is not None and acts(before):
            reopened = _effect(book, life, verdict, _reopened_at(verdict))
            yield _told(reopened, book, "case.reopened", {"reason": "reported_error"})
        if acts(verdict) and (before is None or _says(before) != _says(verdict)):
            yield from _acting(book, life, verdict, before)


def _acting(book: Book, life: Life, verdict: Verdict, before: Verdict | None) -> Iterator[Effect]:
    told = told_of(book.decision(verdict))
    if before is not None:
        overridden = {**told, "supersedes": told_of(book.decision(before))["decision"]}
        yield _told(_effect(book, life, verdict, acted_at(verdict)), book, "decision.overridden", overridden)
    effect = _named(_effect(book, life, verdict, acted_at(verdict)), "case.decided", told, target="log")
    action = book.case_types[life.case.case_type].action
    effect.action, effect.options, effect.blocking = action["backend"], action, True
    effect.next_attempt_at = effect.created_at + oversight.grace(life.case.case_type)
    yield _delivered(effect, at=verdict.closed_at) if verdict.closed_at else effect


def _effect(book: Book, life: Life, verdict: Verdict, at: datetime) -> Effect:
    case = book.cases[life.number]
    body = {"case": {**outbox.told_of(case), "version": verdict.version}}
    return Effect(case=case, case_version=verdict.version, body=body, next_attempt_at=at, created_at=at)


def _named(effect: Effect, event: str, data: dict[str, Any], *, target: str) -> Effect:
    effect.event, effect.body = event, {**effect.body, **data}
    effect.key = f"case-{effect.case_id}-v{effect.case_version}-{event}-{target}"
    return effect


def _told(effect: Effect, book: Book, event: str, data: dict[str, Any]) -> Effect:
    """A webhook to the shop's customer system."""
    _named(effect, event, data, target=book.endpoint.key)
    effect.action, effect.endpoint, effect.blocking = "webhook", book.endpoint, False
    if effect.created_at < book.history.now - DEAD_FOR:
        return _delivered(effect, at=a_moment_after(effect.created_at))
    effect.status, effect.attempts, effect.last_error = Effect.Status.DEAD, GAVE_UP_AFTER, UNREACHABLE
    return effect


def _delivered(effect: Effect, *, at: datetime) -> Effect:
    effect.status, effect.attempts, effect.delivered_at = Effect.Status.DELIVERED, 1, at
    return effect


def _tries(effect: Effect) -> Iterator[EffectAttempt]:
    fine = effect.status == Effect.Status.DELIVERED
    said = "written to the log" if effect.action == "log" else "200 OK"
    for number in range(1, effect.attempts + 1):
        yield EffectAttempt(
            effect=effect,
            number=number,
            at=(effect.delivered_at or a_moment_after(effect.created_at)) + timedelta(minutes=(number - 1) ** 3),
            succeeded=fine,
            status=200 if fine and effect.endpoint else None,
            detail=said if fine else effect.last_error,
            elapsed_ms=3 if effect.action == "log" else 140,
        )


def _says(verdict: Verdict) -> tuple[bool, Any]:
    return verdict.outcome == "reject", verdict.output


def _reopened_at(verdict: Verdict) -> datetime:
    return verdict.stay.opened_at if verdict.stay else verdict.at


def write_feedback(book: Book) -> None:
    """Samples, outcome reports, and the corrections that came of them and of overrides."""
    lives = book.history.lives
    read = [life for life in lives if life.reading]
    samples = dict(
        zip((life.number for life in read), written(Sample, (_sample(book, life) for life in read)), strict=True)
    )
    heard = [life for life in lives if life.news]
    reports = dict(
        zip(
            (life.number for life in heard),
            written(OutcomeReport, (_report(book, life) for life in heard)),
            strict=True,
        )
    )
    corrections = [row for life in lives for row in _corrections(book, life, samples, reports)]
    written(Correction, sorted(corrections, key=lambda row: row.created_at))


def _sample(book: Book, life: Life) -> Sample:
    reading = life.reading
    assert reading is not None  # noqa: S101 - the caller chose those that were read
    return Sample(
        case=book.cases[life.number],
        decision=book.decision(reading.verdict),
        prediction=book.predictions.get(life.number),
        probability=book.policies[life.case.case_type].sample_rate,
        automated=reading.automated,
        first_answer=reading.first,
        final_answer=reading.final,
        correct=reading.correct,
        read_by=book.users[reading.person.username],
        active_seconds=reading.seconds,
        read_at=reading.at,
    )


def _report(book: Book, life: Life) -> OutcomeReport:
    news = life.news
    assert news is not None  # noqa: S101 - the caller chose those that were heard of
    return OutcomeReport(
        case=book.cases[life.number],
        decision=book.decision(news.verdict),
        correct=news.correct,
        output=news.output,
        source=news.source,
        note=news.note,
        reported_by=book.sender,
        reported_at=news.at,
    )


def _corrections(
    book: Book, life: Life, samples: dict[int, Sample], reports: dict[int, OutcomeReport]
) -> Iterator[Correction]:
    for verdict in life.verdicts:
        if verdict.override and verdict.stay and not verdict.stay.blind:
            given_by = book.user(verdict.stay.person)
            row = _correction(book, life, "override", verdict.output, verdict.at, given_by=given_by)
            row.decision, row.why = book.decision(verdict), verdict.note
            yield row
    reading = life.reading
    if reading and not reading.correct and life.answer and life.answer.output:
        reader = book.users[reading.person.username]
        row = _correction(book, life, "sample", reading.final, reading.at, given_by=reader)
        row.sample, row.decision, row.why = samples[life.number], book.decision(reading.verdict), reading.note
        yield row
    if life.news and not life.news.correct:
        yield _reported(book, life, life.news, reports[life.number])


def _reported(book: Book, life: Life, news: News, report: OutcomeReport) -> Correction:
    row = _correction(book, life, "outcome", news.output, news.at, given_by=book.sender)
    row.report, row.decision, row.why = report, book.decision(news.verdict), news.note
    row.before, row.label_before = news.verdict.output, schemas.label_of(news.verdict.output)
    return row


def _correction(book: Book, life: Life, source: str, after: Any, at: datetime, *, given_by: Any) -> Correction:
    prediction = book.predictions.get(life.number)
    return Correction(
        case=book.cases[life.number],
        case_type_id=book.cases[life.number].case_type_id,
        source=source,
        prediction=prediction,
        before=prediction.output if prediction else None,
        after=after,
        label_before=prediction.label if prediction else "",
        label_after=schemas.label_of(after),
        given_by=given_by,
        created_at=at,
    )
