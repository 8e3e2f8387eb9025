from metrics.models.base import Rollup, RollupCursor, RollupQuerySet, Span, StaleHour
from metrics.models.digests import Digest, DigestSubscription
from metrics.models.machine import CertaintyRollup, CheckRollup, LabelRollup, MachineRollup, SampleRollup, VersionRollup
from metrics.models.work import FlowRollup, PersonRollup, SourceRollup, WorkRollup

__all__ = [
    "CertaintyRollup",
    "CheckRollup",
    "Digest",
    "DigestSubscription",
    "FlowRollup",
    "LabelRollup",
    "MachineRollup",
    "PersonRollup",
    "Rollup",
    "RollupCursor",
    "RollupQuerySet",
    "SampleRollup",
    "SourceRollup",
    "Span",
    "StaleHour",
    "VersionRollup",
    "WorkRollup",
]
