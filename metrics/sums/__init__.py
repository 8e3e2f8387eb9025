"""The sums of one case type over some hours, straight from the base tables: exact, and the same however often they run.

A module per question that a page asks.
"""

from collections.abc import Callable, Iterable

from metrics import models
from metrics.sums.base import Slice
from metrics.sums.certainty import certainty, labels, samples
from metrics.sums.flow import flow, sources, versions
from metrics.sums.machine import machine
from metrics.sums.people import checks, people
from metrics.sums.work import pace, work

Summed = Callable[[Slice], Iterable[models.Rollup]]

TABLES: dict[str, tuple[type[models.Rollup], Summed]] = {
    "flow": (models.FlowRollup, flow),
    "source": (models.SourceRollup, sources),
    "work": (models.WorkRollup, work),
    "pace": (models.PaceRollup, pace),
    "person": (models.PersonRollup, people),
    "machine": (models.MachineRollup, machine),
    "version": (models.VersionRollup, versions),
    "sample": (models.SampleRollup, samples),
    "check": (models.CheckRollup, checks),
    "certainty": (models.CertaintyRollup, certainty),
    "label": (models.LabelRollup, labels),
}

__all__ = ["TABLES", "Slice", "work"]
