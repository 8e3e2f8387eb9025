"""received → classified: a batch of cases is put to their classifiers. Whatever goes wrong becomes an answer with an error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from time import monotonic
from typing import Any

import structlog
from django.conf import settings

from cases import bells, bulk, plugins, schemas
from cases.audit import journal
from cases.classifiers.base import Answer, Classifier, ClassifierError, Question
from cases.leases import Leased, give_back, lease_batch, put_back
from cases.models import Case, CaseType, Prediction
from cases.models.choices import State
from cases.transitions import move

logger = structlog.get_logger(__name__)
STORABLE = schemas.checker({})


def classify_batch() -> bool:
    """Classify one batch. Returns whether more may be waiting."""
    leased = lease_batch(State.RECEIVED, size=settings.PIPELINE_BATCH)
    if not leased.cases:
        return False
    if leased.full:
        bells.ring(State.RECEIVED)
    given = _given_predictions(leased.cases)
    answers = _exhausted([case for case in leased.cases if case.pk not in given])
    waiting = [case for case in leased.cases if case.pk not in given and case.pk not in answers]
    answers |= _ask(waiting, token=leased.token)
    record(leased, answers=answers, given=given)
    return True


def _given_predictions(cases: Sequence[Case]) -> dict[int, Prediction]:
    """The newest prediction of each case that came with one."""
    rows = Prediction.objects.filter(case__in=[case.pk for case in cases]).order_by("id")
    return {row.case_id: row for row in rows}


def _exhausted(cases: Sequence[Case]) -> dict[int, Answer]:
    limit: int = settings.PIPELINE_ATTEMPTS
    gave_up = Answer(output=None, error=f"given up after {limit} attempts: the classifier did not survive this case")
    return {case.pk: gave_up for case in cases if case.attempts > limit}


def _ask(cases: Sequence[Case], *, token: str) -> dict[int, Answer]:
    answers: dict[int, Answer] = {}
    by_type = sorted(cases, key=lambda case: case.case_type_id)
    for _, group in groupby(by_type, key=lambda case: case.case_type_id):
        answers |= _ask_one_type(_at_once(list(group), token=token), token=token)
    return answers


def _at_once(cases: list[Case], *, token: str) -> list[Case]:
    """As many as the classifier takes at a time (its ``batch_size``), so that a slow one keeps within the lease."""
    try:
        backend: object = plugins.classifier(cases[0].case_type.classifier)
    except Exception:  # noqa: BLE001 - one that cannot even be made is met again, and told of, where it is asked
        return cases
    size = getattr(backend, "batch_size", None) or len(cases)
    give_back(cases[size:], token=token)
    return cases[:size]


def _ask_one_type(cases: list[Case], *, token: str) -> dict[int, Answer]:
    case_type = cases[0].case_type
    started = monotonic()
    try:
        found = _classified(case_type, cases)
    except Exception as error:  # noqa: BLE001 - a plug-in may raise anything; it must end at a person, not in a log
        return _failed(cases, error, token=token)
    spent = int((monotonic() - started) * 1000 / len(cases))
    return {case.pk: checked(answer, case_type, spent=spent) for case, answer in zip(cases, found, strict=True)}


def _classified(case_type: CaseType, cases: list[Case]) -> list[Answer]:
    backend: Classifier = plugins.classifier(case_type.classifier)
    questions = [Question(case_id=case.pk, payload=case.payload, context=case.context) for case in cases]
    found = list(backend.classify(case_type.brief(), questions))
    if len(found) != len(cases):
        raise ClassifierError(f"{len(found)} answers to {len(cases)} questions", permanent=True)
    return found


def _failed(cases: list[Case], error: Exception, *, token: str) -> dict[int, Answer]:
    """Cases with attempts left go back to wait; the others go on to a person with the reason."""
    # The text of a plug-in's own exception may quote the case; it is kept with the prediction, not in the log.
    why = str(error) if isinstance(error, ClassifierError | plugins.UnknownAlias) else type(error).__name__
    told = {"case_type": cases[0].case_type.key, "error": why, "case_ids": [case.pk for case in cases]}
    logger.warning("classifier_failed", **told)
    permanent = isinstance(error, plugins.UnknownAlias) or getattr(error, "permanent", False)
    last = [case for case in cases if permanent or case.attempts >= settings.PIPELINE_ATTEMPTS]
    put_back([case for case in cases if case not in last], token=token)
    text = f"{type(error).__name__}: {error}"[:2000]
    return {case.pk: Answer(output=None, error=text) for case in last}


def checked(answer: object, case_type: CaseType, *, spent: int = 0) -> Answer:
    """The answer itself where it is sound, else an answer that says what is wrong with it, at confidence 0.

    ``spent`` (ms) is its latency where it tells none.
    """
    if not isinstance(answer, Answer):
        return Answer(output=None, error=f"the classifier answered with a {type(answer).__name__}", latency_ms=spent)
    if unfit := _unfit(answer):
        return Answer(output=None, error="; ".join(unfit), latency_ms=spent)
    told = answer if answer.latency_ms else replace(answer, latency_ms=spent)
    if told.error or told.output is None:
        return replace(told, output=None, confidence=0.0, error=told.error or "the classifier gave no output")
    wrong = _faults(told, case_type)
    return replace(told, output=None, confidence=0.0, error="; ".join(wrong)) if wrong else told


def _faults(answer: Answer, case_type: CaseType) -> list[str]:
    faults = [f"{path}: {text}" for path, text in schemas.problems(case_type.output_schema, answer.output)][:5]
    told = {
        "confidence": answer.confidence,
        **{f"confidence in {path}": share for path, share in answer.fields.items()},
    }
    return faults + [fault for name, share in told.items() for fault in _not_a_share(name, share)][:5]


def _unfit(answer: Answer) -> list[str]:
    """What could not be stored beside the output: NUL, half characters, what is no JSON. One such answer must not
    take its batch down."""
    texts = {name: getattr(answer, name) for name in ("label", "rationale", "model", "model_version", "error")}
    faults = [f"{name} is not a text" for name, text in texts.items() if not isinstance(text, str)]
    try:
        lists = {name: list(map(dict, getattr(answer, name))) for name in ("evidence", "alternatives")}
        beside = {**texts, **lists, "tokens": dict(answer.tokens), "fields": dict(answer.fields)}
        beside["raw_confidence"] = answer.raw_confidence
    except (TypeError, ValueError) as error:
        return [*faults, f"the answer is not of the right shape: {error}"]
    return faults + [f"{path}: {text}" for path, text in STORABLE(beside)][:5]


def _not_a_share(name: str, share: Any) -> list[str]:
    if isinstance(share, bool) or not isinstance(share, int | float) or not math.isfinite(share):
        return [f"{name} is not a number"]
    return [] if 0 <= share <= 1 else [f"{name} {share} is not between 0 and 1"]


def record(leased: Leased, *, answers: dict[int, Answer], given: dict[int, Prediction]) -> list[int]:
    """Write the predictions and move the cases on, those that are still ours."""
    made = {case_id: prediction_of(case_id, answer) for case_id, answer in answers.items()}
    newest = given | made
    rows = {pk: {"label": row.label, "confidence": row.confidence} for pk, row in newest.items()}
    with journal(actor="pipeline", origin="worker") as log:
        won = move(
            rows, source=State.RECEIVED, target=State.CLASSIFIED, log=log, token=leased.token, data=_audited(newest)
        )
        bulk.create([made[case_id] for case_id in won if case_id in made])
    return won


def prediction_of(case_id: int, answer: Answer) -> Prediction:
    """The row of an answer, not yet saved."""
    output = dict(answer.output) if answer.output is not None else None
    return Prediction(
        case_id=case_id,
        output=output,
        label=(answer.label or (schemas.label_of(output) if output else ""))[:200],
        confidence=answer.confidence,
        raw_confidence=answer.raw_confidence,
        fields=dict(answer.fields),
        rationale=answer.rationale,
        evidence=list(answer.evidence),
        alternatives=list(answer.alternatives),
        out_of_scope=answer.out_of_scope,
        suspicious=answer.suspicious,
        model=answer.model[:120],
        model_version=answer.model_version[:64],
        cost=answer.cost,
        tokens=dict(answer.tokens),
        latency_ms=answer.latency_ms,
        error=answer.error,
    )


def _audited(predictions: dict[int, Prediction]) -> dict[int, dict[str, object]]:
    """What the journal keeps of a prediction: never the content, which may have to be erased."""
    return {
        case_id: {
            "label": row.label,
            "confidence": row.confidence,
            "model": row.model,
            "model_version": row.model_version,
            "failed": bool(row.error),
        }
        for case_id, row in predictions.items()
    }
