"""Cases in: a batch of checked cases becomes rows, each once, however often and from how many sides it is sent."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence

import msgspec
from django.contrib.auth.models import User
from django.db import connection
from django.utils.translation import gettext as _

from cases import bells, bulk, plugins, schemas
from cases.arrivals import CREATED, INVALID, Arrival, Outcome, digest_of, recognised, source_of, told_apart
from cases.audit import Journal, journal
from cases.clock import from_now, read_moment
from cases.envelope import CaseIn, PredictionIn, check_identifier
from cases.errors import Invalid, Refused, TooLarge
from cases.models import Case, CaseType, Prediction
from cases.models.choices import Priority, State

LONGEST_KEY = 200
PRIORITIES = {priority.name.lower(): priority.value for priority in Priority}

COLUMNS = {
    "case_type_id": "bigint",
    "source": "text",
    "external_id": "text",
    "idempotency_key": "text",
    "sender_id": "bigint",
    "priority": "smallint",
    "requester": "text",
    "payload": "jsonb",
    "context": "jsonb",
    "metadata": "jsonb",
    "salt": "text",
    "content_digest": "text",
}
NEW = {
    "state": State.RECEIVED.value,
    "version": 1,
    "attempts": 0,
    "lease_token": "",
    "label": "",
    "reason": "",
    "sampled": False,
}
PREDICTION_COLUMNS = {
    "case_id": "bigint",
    "output": "jsonb",
    "label": "text",
    "confidence": "double precision",
    "rationale": "text",
    "evidence": "jsonb",
    "model": "text",
    "model_version": "text",
    "fields": "jsonb",
}
NEW_PREDICTION = {
    "alternatives": "[]",
    "out_of_scope": False,
    "suspicious": False,
    "tokens": "{}",
    "latency_ms": 0,
    "error": "",
}


def ingest(items: Sequence[CaseIn | Refused], *, sender: User, origin: str, keys: Sequence[str] = ()) -> list[Outcome]:
    """Take a batch in, in one transaction, and tell of each item what became of it, in order.

    ``keys`` are idempotency keys, one per item, or none at all. An item that was refused before stays refused.

    Raises: Invalid when an idempotency key is not usable.
    """
    for key in keys:
        check_key(key)
    types = _types(items)
    outcomes: dict[int, Outcome] = {}
    arrivals: list[Arrival] = []
    for index, item in enumerate(items):
        if errors := _errors(item, types):
            outcomes[index] = Outcome(index, INVALID, errors=errors, too_large=isinstance(item, TooLarge))
        elif isinstance(item, CaseIn):
            arrivals.append(_arrival(index, item, sender=sender, key=keys[index] if keys else ""))
    if arrivals:
        outcomes |= _take_in(arrivals, types=types, sender=sender, origin=origin)
    return [outcomes[index] for index in range(len(items))]


def check_key(key: str) -> None:
    """Refuse an idempotency key that is too long or holds odd characters.

    Raises: Invalid.
    """
    if len(key) > LONGEST_KEY:
        message = _("At most %(limit)d characters.") % {"limit": LONGEST_KEY}
        raise Invalid(_("The Idempotency-Key is not usable."), errors={"Idempotency-Key": [message]})
    check_identifier(key, path="Idempotency-Key")


def prediction_errors(prediction: PredictionIn, case_type: CaseType, *, path: str) -> dict[str, list[str]]:
    """What in a prediction's output does not obey the case type's schema, by JSON path."""
    errors: dict[str, list[str]] = {}
    for problem in schemas.problems(case_type.output_schema, prediction.output):
        errors.setdefault(f"{path}.{problem.path}".rstrip("."), []).append(problem.message)
    return errors


def store_predictions(predictions: Mapping[int, PredictionIn]) -> None:
    """Write predictions by case id. The newest of a case is the one that counts."""
    rows = [
        (
            case_id,
            msgspec.json.encode(given.output).decode(),
            schemas.label_of(given.output)[:200],
            given.confidence,
            given.rationale,
            msgspec.json.encode(given.evidence).decode(),
            given.model,
            given.model_version,
            msgspec.json.encode(given.fields or {}).decode(),
        )
        for case_id, given in predictions.items()
    ]
    bulk.insert(Prediction, PREDICTION_COLUMNS, rows, constants=NEW_PREDICTION)


def _types(items: Iterable[CaseIn | Refused]) -> dict[str, CaseType]:
    """The case types that the items name, with what ingestion needs of them; raw, since every case sent in asks this."""
    keys = sorted({item.case_type for item in items if isinstance(item, CaseIn)})
    if not keys:
        return {}
    places = ", ".join(["%s"] * len(keys))
    sql = f"SELECT id, key, classifier, output_schema FROM cases_casetype WHERE key IN ({places})"  # noqa: S608 - placeholders
    with connection.cursor() as cursor:
        cursor.execute(sql, keys)
        rows = cursor.fetchall()
    return {
        key: CaseType(pk=number, key=key, classifier=classifier, output_schema=json.loads(schema))
        for number, key, classifier, schema in rows
    }


def _errors(item: CaseIn | Refused, types: Mapping[str, CaseType]) -> Mapping[str, Sequence[str]]:
    if isinstance(item, Refused):
        return item.errors or {"body": [item.message]}
    case_type = types.get(item.case_type)
    if case_type is None:
        return {"case_type": [_("There is no case type '%(key)s'.") % {"key": item.case_type}]}
    return prediction_errors(item.prediction, case_type, path="prediction.output") if item.prediction else {}


def _arrival(index: int, case: CaseIn, *, sender: User, key: str) -> Arrival:
    return Arrival(index=index, case=case, source=source_of(case, sender), key=key, content=case.content())


def _take_in(
    arrivals: list[Arrival], *, types: Mapping[str, CaseType], sender: User, origin: str
) -> dict[int, Outcome]:
    first, repeats = told_apart(arrivals)
    with journal(actor=sender, origin=origin) as log:
        _insert(first, types=types, sender=sender)
        created = [arrival for arrival in first if arrival.case_id is not None]
        _follow_up(created, types=types, log=log)
    outcomes = {
        arrival.index: Outcome(arrival.index, CREATED, arrival.case_id, created_at=arrival.created_at)
        for arrival in created
    }
    late = [arrival for arrival in first if arrival.case_id is None] + repeats
    return outcomes | recognised(late, sender=sender)


def _insert(arrivals: Iterable[Arrival], *, types: Mapping[str, CaseType], sender: User) -> None:
    """Insert, and note the new ids. A row that is there already, or being written by somebody else, is left alone."""
    by_salt: dict[str, Arrival] = {}
    for arrival in arrivals:
        arrival.salt = secrets.token_hex(16)
        arrival.digest = digest_of(arrival.salt, arrival.content)
        by_salt[arrival.salt] = arrival
    rows = [_row(arrival, types[arrival.case.case_type].pk, sender.pk) for arrival in by_salt.values()]
    returning = ("id", "salt", "created_at")
    for case_id, salt, at in bulk.insert(Case, COLUMNS, rows, constants=NEW, skip_conflicts=True, returning=returning):
        by_salt[salt].case_id = case_id
        by_salt[salt].created_at = read_moment(at)


def _row(arrival: Arrival, case_type_id: int, sender_id: int) -> tuple[object, ...]:
    case = arrival.case
    return (
        case_type_id,
        arrival.source,
        case.external_id,
        arrival.key,
        sender_id,
        PRIORITIES[case.priority],
        case.requester,
        msgspec.json.encode(case.payload).decode(),
        msgspec.json.encode(case.context).decode(),
        msgspec.json.encode(case.metadata).decode(),
        arrival.salt,
        arrival.digest,
    )


def _follow_up(created: Sequence[Arrival], *, types: Mapping[str, CaseType], log: Journal) -> None:
    if not created:
        return
    for arrival in created:
        log("case.received", case_id=arrival.case_id, data={"source": arrival.source, "digest": arrival.digest})
    store_predictions({a.case_id: a.case.prediction for a in created if a.case.prediction and a.case_id is not None})
    _let_wait(created, types)
    bells.ring(State.RECEIVED)


def _let_wait(created: Sequence[Arrival], types: Mapping[str, CaseType]) -> None:
    """Where the answer comes from outside and later, the pipeline leaves the case alone for that long."""
    for case_type in types.values():
        seconds = _wait_seconds(case_type)
        ids = [a.case_id for a in created if a.case_id and a.case.case_type == case_type.key and not a.case.prediction]
        if seconds and ids:
            Case.objects.filter(pk__in=ids).update(lease_until=from_now(seconds=seconds))


def _wait_seconds(case_type: CaseType) -> float:
    try:
        return float(getattr(plugins.classifier(case_type.classifier), "wait_seconds", 0))
    except Exception:  # noqa: BLE001 - a classifier that cannot be made is the pipeline's to report, never the sender's
        return 0.0
