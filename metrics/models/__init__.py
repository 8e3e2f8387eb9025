from metrics.models.base import MINUTE, Rollup, RollupCursor, RollupQuerySet, Span, StaleSpan
from metrics.models.machine import CertaintyRollup, CheckRollup, LabelRollup, MachineRollup, SampleRollup, VersionRollup
from metrics.models.work import FlowRollup, PersonRollup, SourceRollup, WorkRollup

__all__ = [
    "MINUTE",
    "CertaintyRollup",
    "CheckRollup",
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
    "StaleSpan",
    "VersionRollup",
    "WorkRollup",
]
