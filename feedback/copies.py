"""The copy under which a known case is planted: new in everything that its reader could tell it by."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from cases.audit import Journal
from cases.models import Attachment, AuditEvent, Case, Prediction
from cases.models.choices import Reason, State
from feedback.models import GoldCase, Planting
from review.models import Policy, Queue, ReviewTask
from review.route import finding_of, view_of
from review.routing import PolicyView, Route, choose_route
from review.shown import newest_prediction
from review.tasks import due_at, language_of

ORDINARY = (Reason.LOW_CONFIDENCE, Reason.VALIDATION)
ARRIVAL = ("case.received", "case.classified", "case.predicted", "attachment.added")
SHORTEST, LONGEST = (
    timedelta(seconds=1),
    timedelta(minutes=2),
)  # from coming in to a queue, of a case on its ordinary way
MOST_EVENTS = 20
NO_SAMPLE = 1.0  # the coin that draws no sample
KEPT = ("case_type_id", "source", "priority", "requester", "payload", "context", "metadata", "salt", "content_digest")


@dataclass(frozen=True, slots=True)
class Way:
    """How a known case would come to a person today, and with which confidence of the machine."""

    gold: GoldCase
    said: Prediction
    route: Route


def way_of(gold: GoldCase, *, policy: Policy, view: PolicyView) -> Way | None:
    """The way on which the policy in force would bring it to a person; None where that is no ordinary one."""
    said = said_of(gold, confidence=_unsure(gold, view))
    route = choose_route(view, finding_of(gold.case, said), NO_SAMPLE)
    return Way(gold, said, route) if route.queue is not None and route.reason in ORDINARY else None


def ways(golds: Sequence[GoldCase], policy: Policy) -> Iterator[Way]:
    view = view_of(policy)
    for gold in golds:
        found = way_of(gold, policy=policy, view=view)
        if found is not None:
            yield found


def said_of(gold: GoldCase, *, confidence: float) -> Prediction:
    """What the machine said, with the answer that is to be shown; never saved."""
    kept = newest_prediction(gold.case) or Prediction(case=gold.case)
    if gold.shown != kept.output:
        kept.evidence, kept.alternatives, kept.rationale, kept.fields = [], [], "", {}
    kept.output, kept.label = gold.shown, str(gold.shown.get("label", ""))[:200]
    kept.out_of_scope = False
    kept.confidence, kept.raw_confidence, kept.error, kept.suspicious = confidence, confidence, "", False
    return kept


def shown_of(planting: Planting) -> Prediction:
    """What the copy shows as the machine's answer: as old as the copy, and by the model that answered its neighbours."""
    copy, gold = planting.copy or planting.gold.case, planting.gold
    said = said_of(gold, confidence=copy.confidence if copy.confidence is not None else gold.confidence)
    late = said.created_at - gold.case.created_at if said.pk else timedelta(0)
    said.pk, said.case = planting.prediction_number, copy
    said.created_at = copy.created_at + min(max(late, timedelta(0)), _took(copy))
    nearby = Prediction.objects.filter(
        case__case_type=copy.case_type_id, pk__lt=planting.prediction_number or 0, error=""
    )
    newest = nearby.order_by("-id").values_list("model", "model_version").first()
    said.model, said.model_version = newest or (said.model, said.model_version)
    return said


def put(
    way: Way, *, policy: Policy, queue: Queue, log: Journal, reader_id: int | None = None, now: datetime | None = None
) -> Planting:
    """Copy the case, put the copy into the queue, and note down how it came in. Within a verb's transaction."""
    at = now or timezone.now()
    copy = _copied(way, policy=policy, reader_id=reader_id, now=at)
    number = _number(copy)
    task = ReviewTask.objects.create(
        case=copy,
        case_type_id=copy.case_type_id,
        language=language_of(copy),
        label=copy.label,
        queue=queue,
        policy=policy,
        reason=way.route.reason,
        trace=way.route.trace,
        priority=copy.priority,
        opened_at=at,
        due_at=due_at(policy, priority=copy.priority, since=copy.created_at),
        planted=True,
    )
    wrong = way.gold.shown != way.gold.output
    planting = Planting.objects.create(
        gold=way.gold, case_type_id=copy.case_type_id, task=task, copy=copy, prediction_number=number, wrong=wrong
    )
    routed = {"policy": policy.number, "reason": way.route.reason, "queue": queue.key}
    for event in (*_arrival(planting, way, copy, _copy_files(way.gold.case, copy)), _routed(at, routed)):
        shown = {
            name: getattr(event, name) for name in ("action", "actor", "origin", "object_type", "object_id", "data")
        }
        told = {"gold": way.gold.pk, "at": event.at.isoformat(), **shown}
        log("gold.planted", case_id=copy.pk, subject=planting, data=told)
    return planting


def arrival_of(planting: Planting) -> list[AuditEvent]:
    """How the copy came in, as its journal would tell it had it been a new case; the oldest first."""
    noted = AuditEvent.objects.filter(case_id=planting.copy_id, action="gold.planted").order_by("id")
    return [_as_new(event) for event in noted]


def _copied(way: Way, *, policy: Policy, reader_id: int | None, now: datetime) -> Case:
    original = way.gold.case
    came = now - min(max(_took(original), SHORTEST), LONGEST)
    copy = Case(
        **{name: getattr(original, name) for name in KEPT},
        idempotency_key=_reference_like(original),
        state=State.IN_REVIEW,
        label=way.said.label,
        confidence=way.said.confidence,
        reason=way.route.reason,
        sample_probability=policy.sample_rate,
        created_at=came,
        routed_at=now,
        due_at=due_at(policy, priority=original.priority, since=came),
        copy_of=original,
        copy_for_id=reader_id,
    )
    copy.save()
    return copy


def _unsure(gold: GoldCase, view: PolicyView) -> float:
    """The confidence that is shown: below the threshold, where a higher one would have been decided without a person."""
    threshold = view.threshold_for(str(gold.shown.get("label", "")))
    if view.mode != Policy.Mode.EXCEPTION_HANDLER or gold.confidence < threshold:
        return gold.confidence
    return round(threshold * random.Random(gold.pk).uniform(0.8, 0.98), 3)  # noqa: S311 - no secret


def _number(copy: Case) -> int:
    """A number that no other prediction will ever bear: the next one, taken and left empty."""
    row = Prediction.objects.create(case=copy, error="taken")
    number = row.pk
    row.delete()
    return int(number)


def _reference_like(original: Case) -> str:
    """An id like those that the sender gives nowadays, to be shown in place of the original's. It finds nothing."""
    rows = Case.objects.filter(case_type=original.case_type_id, source=original.source)
    newest = rows.order_by("-id").values_list("external_id", flat=True).first() if original.external_id else ""
    head, digits, tail = re.fullmatch(r"(.*?)([0-9a-f]*[0-9][0-9a-f]*)?([^0-9]*)", newest or "", re.DOTALL).groups()  # type: ignore[union-attr]  # it matches anything
    if digits and digits.isdecimal():
        return f"{head}{int(digits) + random.randint(1, 9):0{len(digits)}}{tail}"  # noqa: S311 - no secret
    return head + "".join(random.choice("0123456789abcdef") for _one in digits or "") + tail  # noqa: S311 - no secret


def _copy_files(original: Case, copy: Case) -> list[Attachment]:
    files = []
    for file in Attachment.objects.filter(case=original).order_by("id"):
        late = min(max(file.created_at - original.created_at, timedelta(0)), SHORTEST)
        same = {name: getattr(file, name) for name in ("name", "content_type", "size", "sha256")}
        kept = Attachment(case=copy, created_at=copy.created_at + late, **same)
        kept.file.name = file.file.name  # the same content, which is never written to
        kept.save()
        files.append(kept)
    return files


def _arrival(planting: Planting, way: Way, copy: Case, files: Sequence[Attachment]) -> Iterator[AuditEvent]:
    """How the original came in, told of the copy."""
    original, of_hash = way.gold.case, {file.sha256: file.pk for file in files}
    rows = AuditEvent.objects.filter(case_id=original.pk, action__in=ARRIVAL).order_by("id")
    for event in rows[:MOST_EVENTS]:
        event.at = copy.created_at + min(max(event.at - original.created_at, timedelta(0)), _took(copy))
        about = {"attachment": of_hash.get(str(event.data.get("sha256"))), "prediction": planting.prediction_number}
        event.object_id = about.get(event.object_type)
        if event.action in ("case.classified", "case.predicted"):
            event.data = _retold(event.data, way.said)
        yield event


def _routed(at: datetime, routed: dict[str, Any]) -> AuditEvent:
    return AuditEvent(at=at, action="case.in_review", actor="pipeline", origin="worker", data=routed)


def _took(case: Case) -> timedelta:
    return (case.routed_at or case.created_at) - case.created_at


def _retold(data: dict[str, Any], said: Prediction) -> dict[str, Any]:
    new = {"label": said.label, "confidence": said.confidence, "failed": False}
    return {name: new.get(name, value) for name, value in data.items()}


def _as_new(event: AuditEvent) -> AuditEvent:
    shown = {name: value for name, value in event.data.items() if name not in ("gold", "at")}
    return AuditEvent(pk=event.pk, at=datetime.fromisoformat(event.data["at"]), case_id=event.case_id, **shown)
