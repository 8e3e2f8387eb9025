"""Seals the journal in hash-chained batches and verifies it.

A seal keeps, for each event of its run, the id and 16 bytes of the event's SHA-256, and a digest over those and the seal
before it. A changed, missing or added event shows as the first leaf that differs. A chain that was rewritten as a whole shows only
against a head that was kept elsewhere: `verify` returns it to be written down.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from django.db import transaction

from cases.audit import SEAL_LOCK, lock, settled_id
from cases.models import AuditEvent, AuditSeal

RUN = 10_000
LEAF = struct.Struct(">q16s")


@dataclass(frozen=True, slots=True)
class Verdict:
    """``broken`` is the id of the first event that is not as it was sealed, or None."""

    events: int
    sealed: int
    head: str
    broken: int | None = None
    why: str = ""


def seal() -> int:
    """Seal what has settled since the last seal. Returns how many events were sealed."""
    settled = settled_id(AuditEvent)
    sealed = 0
    with transaction.atomic():
        lock("pg_advisory_xact_lock", SEAL_LOCK)  # a row lock would hand the second sealer the old end of the chain
        last = AuditSeal.objects.order_by("-id").first()
        start = last.last_event if last else 0
        head = last.digest if last else ""
        while events := list(AuditEvent.objects.filter(pk__gt=start, pk__lte=settled).order_by("pk")[:RUN]):
            head = _seal_run(events, previous=head)
            start, sealed = events[-1].pk, sealed + len(events)
    return sealed


def _seal_run(events: list[AuditEvent], *, previous: str) -> str:
    leaves = b"".join(_leaf(event) for event in events)
    made = AuditSeal.objects.create(
        first_event=events[0].pk,
        last_event=events[-1].pk,
        count=len(events),
        leaves=leaves,
        previous=previous,
        digest=_digest(previous, leaves),
    )
    return made.digest


def _digest(previous: str, leaves: bytes) -> str:
    return hashlib.sha256(previous.encode() + leaves).hexdigest()


def _leaf(event: AuditEvent) -> bytes:
    content = [
        event.pk,
        event.at.isoformat(),
        event.action,
        event.actor,
        event.actor_id,
        event.origin,
        event.case_id,
        event.object_type,
        event.object_id,
        event.request_id,
        event.data,
    ]
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return LEAF.pack(event.pk, hashlib.sha256(text.encode()).digest()[:16])


def verify() -> Verdict:
    """Compare every sealed event with its seal, and every seal with the one before it."""
    head, sealed, after = "", 0, 0
    for seal_row in AuditSeal.objects.order_by("id").iterator(chunk_size=20):
        leaves = bytes(seal_row.leaves)
        if seal_row.previous != head or seal_row.digest != _digest(head, leaves):
            return Verdict(
                AuditEvent.objects.count(), sealed, head, seal_row.first_event, "the chain of seals is broken here"
            )
        broken = _first_difference(leaves, _present_leaves(after, seal_row.last_event))
        if broken is not None:
            return Verdict(AuditEvent.objects.count(), sealed, head, broken, "this event is not as it was sealed")
        head, sealed, after = seal_row.digest, sealed + seal_row.count, seal_row.last_event
    return Verdict(AuditEvent.objects.count(), sealed, head)


def _present_leaves(after: int, until: int) -> Iterator[bytes]:
    events = AuditEvent.objects.filter(pk__gt=after, pk__lte=until).order_by("pk")
    return (_leaf(event) for event in events.iterator(chunk_size=2000))


def _first_difference(sealed: bytes, present: Iterable[bytes]) -> int | None:
    expected = [sealed[start : start + LEAF.size] for start in range(0, len(sealed), LEAF.size)]
    found = list(present)
    for left, right in zip(expected, found, strict=False):
        if left != right:
            return min(_event_of(left), _event_of(right))
    if len(expected) != len(found):
        longer = expected if len(expected) > len(found) else found
        return _event_of(longer[min(len(expected), len(found))])
    return None


def _event_of(leaf: bytes) -> int:
    event_id: int = LEAF.unpack(leaf)[0]
    return event_id
