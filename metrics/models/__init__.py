from metrics.models.alerts import Alert, AlertChannel, AlertEvent, AlertRule, Kind, Severity
from metrics.models.base import MINUTE, Rollup, RollupCursor, RollupQuerySet, Span, StaleSpan
from metrics.models.digests import Digest, DigestSubscription
from metrics.models.machine import CertaintyRollup, CheckRollup, LabelRollup, MachineRollup, SampleRollup, VersionRollup
from metrics.models.work import FlowRollup, PaceRollup, PersonRollup, SourceRollup, WorkRollup

__all__ = [
    "MINUTE",
    "Alert",
    "AlertChannel",
    "AlertEvent",
    "AlertRule",
    "CertaintyRollup",
    "CheckRollup",
    "Digest",
    "DigestSubscription",
    "FlowRollup",
    "Kind",
    "LabelRollup",
    "MachineRollup",
    "PaceRollup",
    "PersonRollup",
    "Rollup",
    "RollupCursor",
    "RollupQuerySet",
    "SampleRollup",
    "Severity",
    "SourceRollup",
    "Span",
    "StaleSpan",
    "VersionRollup",
    "WorkRollup",
]
