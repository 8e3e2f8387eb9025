"""Telling arrivals apart: which items of a batch are new, and which are a case that is here already."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils.translation import gettext as _

from cases.access import visible
from cases.envelope import CaseIn
from cases.models import Case

CREATED, EXISTING, CONFLICT, INVALID = "created", "existing", "conflict", "invalid"
Name = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one item. ``case_id`` is None where there is no case, or where it is not the sender's to know.

    ``too_large`` tells apart the one refusal that has a status of its own; ``created_at`` is told of new cases.
    """

    index: int
    status: str
    case_id: int | None = None
    errors: Mapping[str, Sequence[str]] = field(default_factory=dict)
    too_large: bool = False
    created_at: datetime | None = None


@dataclass(slots=True)
class Arrival:
    """One item on its way in."""

    index: int
    case: CaseIn
    source: str
    key: str
    content: bytes
    salt: str = ""
    digest: str = ""
    case_id: int | None = None
    created_at: datetime | None = None

    def names(self) -> list[Name]:
        """Under which names it would be recognised."""
        by_source = [("source", self.source, self.case.external_id)] if self.case.external_id else []
        return by_source + ([("key", "", self.key)] if self.key else [])

    def order(self) -> Name:
        return self.source, self.case.external_id, self.key


@dataclass(frozen=True, slots=True)
class _Twin:
    """A case that is already there under one of an arrival's names."""

    case_id: int
    source: str
    external_id: str
    salt: str
    digest: str
    shown: bool

    def same_as(self, arrival: Arrival) -> bool:
        """The same case sent again: an idempotency key that comes with another name does not make it so."""
        named = (self.source, self.external_id) == (arrival.source, arrival.case.external_id)
        return named and bool(self.salt) and self.digest == digest_of(self.salt, arrival.content)


def source_of(case: CaseIn, sender: User) -> str:
    """Where a case comes from: what it says, else who sends it."""
    return case.source or sender.get_username()[:120]


def digest_of(salt: str, content: bytes) -> str:
    """Salted, so that the digest that outlives an erasure tells nothing about what was erased."""
    return hmac.new(salt.encode(), content, hashlib.sha256).hexdigest()


def told_apart(arrivals: Iterable[Arrival]) -> tuple[list[Arrival], list[Arrival]]:
    """Those to insert, and those that repeat a name of an earlier one in the same batch.

    Two batches that share names must insert them in the same order, or each would wait for the other for ever.
    """
    seen: set[Name] = set()
    first: list[Arrival] = []
    repeats: list[Arrival] = []
    for arrival in arrivals:
        names = arrival.names()
        (repeats if seen.intersection(names) else first).append(arrival)
        seen.update(names)
    return sorted(first, key=Arrival.order), repeats


def recognised(late: Sequence[Arrival], *, sender: User) -> dict[int, Outcome]:
    """Compare each repeat with the case that has its name. The row is committed by now: the insert waited for it."""
    twins = _twins(late, sender=sender) if late else {}
    outcomes = {}
    for arrival in late:
        found = [twins[name] for name in arrival.names() if name in twins]
        same = all(twin.same_as(arrival) for twin in found)
        one_case = len({twin.case_id for twin in found}) == 1
        if same and one_case and found[0].shown:
            outcomes[arrival.index] = Outcome(arrival.index, EXISTING, found[0].case_id)
        else:
            outcomes[arrival.index] = _conflict(arrival, found[0] if found else None)
    return outcomes


def _conflict(arrival: Arrival, twin: _Twin | None) -> Outcome:
    name = "external_id" if arrival.case.external_id else "Idempotency-Key"
    message = _("A case with this name and other content is here already. Send the same content, or another name.")
    return Outcome(arrival.index, CONFLICT, twin.case_id if twin and twin.shown else None, {name: [message]})


def _twins(late: Iterable[Arrival], *, sender: User) -> dict[Name, _Twin]:
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
    twins: dict[Name, _Twin] = {}
    for row in rows:
        seen = row.sender_id == sender.pk or row.pk in shown
        twin = _Twin(row.pk, row.source, row.external_id, row.salt, row.content_digest, seen)
        twins["source", row.source, row.external_id] = twin
        if row.sender_id == sender.pk and row.idempotency_key:
            twins["key", "", row.idempotency_key] = twin
    return twins


def _named_like(late: Iterable[Arrival], sender: User) -> Q:
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
