"""The sums of one case type over some hours, straight from the base tables: exact, and the same however often they run.

A module per question that a page asks.
"""

from metrics.sums.base import Slice, hour
from metrics.sums.certainty import certainty, labels, samples
from metrics.sums.flow import flow, sources, versions
from metrics.sums.machine import machine
from metrics.sums.people import checks, people
from metrics.sums.work import work

__all__ = [
    "Slice",
    "certainty",
    "checks",
    "flow",
    "hour",
    "labels",
    "machine",
    "people",
    "samples",
    "sources",
    "versions",
    "work",
]
