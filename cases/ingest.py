"""Cases in: a batch of checked cases becomes rows, each once, however often and from how many sides it is sent."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import attrgetter

import msgspec
from django.contrib.auth.models import User
from django.db.models import Q
from django.utils.translation import gettext as _

from cases import bells, bulk, plugins, schemas
from cases.access import visible
from cases.audit import Journal, journal
from cases.clock import from_now
from cases.envelope import CaseIn, PredictionIn, check_identifier
from cases.errors import Invalid, Refused
from cases.models import Case, CaseType, Prediction
from cases.models.choices import Priority, State

CREATED, EXISTING, CONFLICT, INVALID = "created", "existing", "conflict", "invalid"
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
}
NEW_PREDICTION = {
    "alternatives": "[]",
    "out_of_scope": False,
    "suspicious": False,
    "tokens": "{}",
    "latency_ms": 0,
    "error": "",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item. ``case_id`` is None where there is no case, or where it is not the sender's to know.

    ``too_large`` tells apart the one refusal that has a status of its own.
    """

    index: int
    status: str
    case_id: int | None = None
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    too_large: bool = False


@dataclass(slots=True)
class _Arrival:
    """One item on its way in."""

    index: int
    case: CaseIn
    source: str
    key: str
    content: bytes
    salt: str = ""
    digest: str = ""
    case_id: int | None = None

    def names(self) -> list[tuple[str, str, str]]:
        """Under which names it would be recognised."""
        by_source = [("source", self.source, self.case.external_id)] if self.case.external_id else []
        return by_source + ([("key", "", self.key)] if self.key else [])

    def order(self) -> tuple[str, str, str]:
        return self.source, self.case.external_id, self.key


@dataclass(frozen=True, slots=True)
class _Twin:
    """A case that is already there under one of an arrival's names."""

    case_id: int
    salt: str
    digest: str
    shown: bool


def ingest(items: Sequence[CaseIn | Refused], *, sender: User, origin: str, keys: Sequence[str] = ()) -> list[Outcome]:
    """Take a batch in, in one transaction, and tell of each item what became of it, in order.

    ``keys`` are idempotency keys, one per item, or none at all. An item that was refused before stays refused.

    Raises: Invalid when an idempotency key is not usable.
    """
    for key in keys:
        check_key(key)
    types = _types(items)
    outcomes: dict[int, Outcome] = {}
    arrivals: list[_Arrival] = []
    for index, item in enumerate(items):
        if errors := _errors(item, types):
            outcomes[index] = Outcome(index, INVALID, errors=errors, too_large=getattr(item, "status", 0) == 413)
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


def digest_of(salt: str, content: bytes) -> str:
    """Salted, so that the digest that outlives an erasure tells nothing about what was erased."""
    return hmac.new(salt.encode(), content, hashlib.sha256).hexdigest()


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
        )
        for case_id, given in predictions.items()
    ]
    bulk.insert(Prediction, PREDICTION_COLUMNS, rows, constants=NEW_PREDICTION)


def _types(items: Iterable[CaseIn | Refused]) -> dict[str, CaseType]:
    keys = {item.case_type for item in items if isinstance(item, CaseIn)}
    return {case_type.key: case_type for case_type in CaseType.objects.filter(key__in=keys)}


def _errors(item: CaseIn | Refused, types: Mapping[str, CaseType]) -> Mapping[str, Sequence[str]]:
    if isinstance(item, Refused):
        return item.errors or {"body": [item.message]}
    case_type = types.get(item.case_type)
    if case_type is None:
        return {"case_type": [_("There is no case type '%(key)s'.") % {"key": item.case_type}]}
    return prediction_errors(item.prediction, case_type, path="prediction.output") if item.prediction else {}


def _arrival(index: int, case: CaseIn, *, sender: User, key: str) -> _Arrival:
    source = case.source or sender.get_username()[:120]
    return _Arrival(index=index, case=case, source=source, key=key, content=case.content())


def _take_in(
    arrivals: list[_Arrival], *, types: Mapping[str, CaseType], sender: User, origin: str
) -> dict[int, Outcome]:
    first, repeats = _told_apart(arrivals)
    with journal(actor=sender, origin=origin) as log:
        _insert(first, types=types, sender=sender)
        created = [arrival for arrival in first if arrival.case_id is not None]
        _follow_up(created, types=types, log=log)
    outcomes = {arrival.index: Outcome(arrival.index, CREATED, arrival.case_id) for arrival in created}
    late = [arrival for arrival in first if arrival.case_id is None] + repeats
    return outcomes | _recognised(late, sender=sender)


def _told_apart(arrivals: Iterable[_Arrival]) -> tuple[list[_Arrival], list[_Arrival]]:
    """Those to insert, and those that repeat a name of an earlier one in the same batch.

    Two batches that share names must insert them in the same order, or each would wait for the other for ever.
    """
    seen: set[tuple[str, str, str]] = set()
    first, repeats = [], []
    for arrival in arrivals:
        names = arrival.names()
        (repeats if seen.intersection(names) else first).append(arrival)
        seen.update(names)
    return sorted(first, key=_Arrival.order), repeats


def _insert(arrivals: Iterable[_Arrival], *, types: Mapping[str, CaseType], sender: User) -> None:
    """Insert, and note the new ids. A row that is there already, or being written by somebody else, is left alone."""
    by_salt: dict[str, _Arrival] = {}
    for arrival in arrivals:
        arrival.salt = secrets.token_hex(16)
        arrival.digest = digest_of(arrival.salt, arrival.content)
        by_salt[arrival.salt] = arrival
    rows = [_row(arrival, types[arrival.case.case_type].pk, sender.pk) for arrival in by_salt.values()]
    for case_id, salt in bulk.insert(Case, COLUMNS, rows, constants=NEW, skip_conflicts=True, returning=("id", "salt")):
        by_salt[salt].case_id = case_id


def _row(arrival: _Arrival, case_type_id: int, sender_id: int) -> tuple[object, ...]:
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


def _follow_up(created: Sequence[_Arrival], *, types: Mapping[str, CaseType], log: Journal) -> None:
    if not created:
        return
    for arrival in created:
        log("case.received", case_id=arrival.case_id, data={"source": arrival.source, "digest": arrival.digest})
    store_predictions({a.case_id: a.case.prediction for a in created if a.case.prediction and a.case_id is not None})
    _let_wait(created, types)
    bells.ring(State.RECEIVED)


def _let_wait(created: Sequence[_Arrival], types: Mapping[str, CaseType]) -> None:
    """Where the answer comes from outside and later, the pipeline leaves the case alone for that long."""
    for case_type in types.values():
        seconds = _wait_seconds(case_type)
        ids = [a.case_id for a in created if a.case.case_type == case_type.key and a.case.prediction is None]
        if seconds and ids:
            Case.objects.filter(pk__in=ids).update(lease_until=from_now(seconds=seconds))


def _wait_seconds(case_type: CaseType) -> float:
    try:
        return float(getattr(plugins.classifier(case_type.classifier), "wait_seconds", 0))
    except Exception:  # noqa: BLE001 - a classifier that cannot be made is the pipeline's to report, never the sender's
        return 0.0


def _recognised(late: Sequence[_Arrival], *, sender: User) -> dict[int, Outcome]:
    """Compare each repeat with the case that has its name. The row is committed by now: the insert waited for it."""
    twins = _twins(late, sender=sender) if late else {}
    outcomes = {}
    for arrival in late:
        found = [twins[name] for name in arrival.names() if name in twins]
        same = all(twin.salt and twin.digest == digest_of(twin.salt, arrival.content) for twin in found)
        one_case = len({twin.case_id for twin in found}) == 1
        if same and one_case and found[0].shown:
            outcomes[arrival.index] = Outcome(arrival.index, EXISTING, found[0].case_id)
        else:
            outcomes[arrival.index] = _conflict(arrival, found[0] if found else None)
    return outcomes


def _conflict(arrival: _Arrival, twin: _Twin | None) -> Outcome:
    name = "external_id" if arrival.case.external_id else "Idempotency-Key"
    message = _("A case with this name and other content is here already. Send the same content, or another name.")
    return Outcome(arrival.index, CONFLICT, twin.case_id if twin and twin.shown else None, {name: [message]})


def _twins(late: Iterable[_Arrival], *, sender: User) -> dict[tuple[str, str, str], _Twin]:
    rows = list(
        Case.objects.filter(_named_like(late, sender)).only(
            "source", "external_id", "idempotency_key", "sender_id", "salt", "content_digest"
        )
    )
    foreign = [row.pk for row in rows if row.sender_id != sender.pk]
    shown = (
        set(visible(sender, Case.objects.filter(pk__in=foreign), "cases.view_case").values_list("pk", flat=True))
        if foreign
        else set()
    )
    twins: dict[tuple[str, str, str], _Twin] = {}
    for row in rows:
        twin = _Twin(row.pk, row.salt, row.content_digest, row.sender_id == sender.pk or row.pk in shown)
        twins["source", row.source, row.external_id] = twin
        if row.sender_id == sender.pk and row.idempotency_key:
            twins["key", "", row.idempotency_key] = twin
    return twins


def _named_like(late: Iterable[_Arrival], sender: User) -> Q:
    by_source: dict[str, list[str]] = {}
    keys = []
    for arrival in late:
        if arrival.case.external_id:
            by_source.setdefault(arrival.source, []).append(arrival.case.external_id)
        if arrival.key:
            keys.append(arrival.key)
    condition = Q(sender=sender, idempotency_key__in=keys) if keys else Q(pk__in=[])
    for source, external_ids in by_source.items():
        condition |= Q(source=source, external_id__in=external_ids)
    return condition
