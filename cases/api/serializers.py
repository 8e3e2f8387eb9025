"""How a case, its events and its files look from outside."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from cases.models import Attachment, AuditEvent, Case, Prediction
from cases.models.choices import Priority

API_ROOT = "/api/v1"
HIDDEN_WHEN_BLIND = ("label", "confidence", "reason")


def case_body(case: Case, *, concealed: bool, base: str = "") -> dict[str, Any]:
    """A case as the API shows it. ``concealed`` leaves out what the machine said and why a person is asked.

    ``base`` (scheme and host) makes its address absolute. Whether it was sampled is never told: who knows reads otherwise.
    """
    body = {
        "id": case.pk,
        "url": f"{base}{API_ROOT}/cases/{case.pk}/",
        "state": case.state,
        "case_type": case.case_type.key,
        "source": case.source,
        "external_id": case.reference or None,
        "priority": Priority(case.priority).name.lower(),
        "requester": case.requester or None,
        "label": case.label or None,
        "confidence": case.confidence,
        "reason": case.reason or None,
        "version": case.version,
        "created_at": moment(case.created_at),
        "routed_at": moment(case.routed_at),
        "due_at": moment(case.due_at),
        "decided_at": moment(case.decided_at),
        "closed_at": moment(case.closed_at),
    }
    return body | dict.fromkeys(HIDDEN_WHEN_BLIND) if concealed else body


def event_body(event: AuditEvent, *, concealed: bool) -> dict[str, Any]:
    """One line of the timeline. What was noted with it may tell what the machine said, so a blind reader gets none of it."""
    return {
        "id": event.pk,
        "at": moment(event.at),
        "action": event.action,
        "actor": event.actor,
        "origin": event.origin,
        "object_type": event.object_type or None,
        "object_id": event.object_id,
        "data": {} if concealed else event.data,
    }


def attachment_body(attachment: Attachment, *, base: str = "") -> dict[str, Any]:
    return {
        "id": attachment.pk,
        "url": f"{base}{API_ROOT}/cases/{attachment.case_id}/attachments/{attachment.pk}/",
        "name": attachment.name,
        "content_type": attachment.content_type,
        "size": attachment.size,
        "sha256": attachment.sha256,
        "created_at": moment(attachment.created_at),
    }


def prediction_body(prediction: Prediction) -> dict[str, Any]:
    """A prediction as the API shows it, to those from whom the machine's answer is not concealed."""
    return {
        "id": prediction.pk,
        "output": prediction.output,
        "label": prediction.label or None,
        "confidence": prediction.confidence,
        "raw_confidence": prediction.raw_confidence,
        "fields": prediction.fields,
        "rationale": prediction.rationale,
        "evidence": prediction.evidence,
        "alternatives": prediction.alternatives,
        "out_of_scope": prediction.out_of_scope,
        "suspicious": prediction.suspicious,
        "model": prediction.model,
        "model_version": prediction.model_version,
        "error": prediction.error or None,
        "latency_ms": prediction.latency_ms,
        "cost": float(prediction.cost) if prediction.cost is not None else None,
        "created_at": moment(prediction.created_at),
    }


def moment(value: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z") if value else None
