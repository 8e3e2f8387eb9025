"""What every page of the reports is made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from django.contrib.auth.models import User

from metrics.cards import Card, Tile
from metrics.charts.base import Chart, Look, Table, marked
from metrics.loading import EVERYTHING
from metrics.report import Report


@dataclass(frozen=True, slots=True)
class Ask:
    """Everything a page is made from."""

    report: Report
    look: Look
    reader: User
    everybody: bool = False  # may see each person's figures, not only their own


@dataclass(slots=True)
class Page:
    """What stands on a page, from the top."""

    cards: Sequence[Card] = ()
    tiles: Sequence[Tile] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[Table] = ()
    notes: Sequence[str] = ()
    empty: bool = False

    def every_table(self) -> Iterable[Table]:
        """Those under the charts too."""
        yield from (chart.table for chart in self.charts)
        yield from self.tables


@dataclass(frozen=True, slots=True)
class Kind:
    """A page of the reports: its name, what it reads and how it is made."""

    key: str
    title: object
    lead: object
    make: Callable[[Ask], Page]
    needs: frozenset[str] = EVERYTHING
    filters: tuple[str, ...] = ()
    measures: tuple[str, ...] = field(default=())


def drawn(charts: Iterable[Chart | None], look: Look) -> list[Chart]:
    """The charts there are, with the changes marked on their axes of time."""
    return [marked(chart, look) for chart in charts if chart is not None]
