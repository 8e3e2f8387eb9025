"""What came in, what the machine said, what has happened, what goes out."""

from cases.models.accounts import ApiToken
from cases.models.audit import AuditEvent, AuditSeal
from cases.models.case import Attachment, Case
from cases.models.case_type import CaseType
from cases.models.effect import Effect, EffectAttempt, WebhookEndpoint
from cases.models.prediction import Prediction

__all__ = [
    "ApiToken",
    "Attachment",
    "AuditEvent",
    "AuditSeal",
    "Case",
    "CaseType",
    "Effect",
    "EffectAttempt",
    "Prediction",
    "WebhookEndpoint",
]
