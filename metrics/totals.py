"""What happened in a time, added up: the figures that every measure is computed from."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cases.models.choices import Reason
from metrics.histograms import Histogram
from metrics.intervals import Stratum
from metrics.models import CheckRollup, FlowRollup, SampleRollup, WorkRollup
from review.models import Policy

Route = tuple[str, str]  # mode and reason; no reason means that policy decided
AUTOMATED = frozenset({"", str(Reason.SAMPLE)})


@dataclass(slots=True)
class Totals:
    """Sums over some case types and some time. Counts of cases, tasks and decisions; seconds of human time."""

    hours: float = 0.0  # of clock
    received: int = 0
    routes: Counter[Route] = field(default_factory=Counter)
    closures: Counter[Route] = field(default_factory=Counter)
    tasks: Counter[str] = field(default_factory=Counter)  # the counters of WorkRollup by name
    human_seconds: float = 0.0
    active: Histogram = field(default_factory=Histogram)
    blind: Histogram = field(default_factory=Histogram)
    waiting: Histogram = field(default_factory=Histogram)
    coins: dict[tuple[float, bool], Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    checks: dict[float, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))  # by their chance

    @property
    def routed(self) -> int:
        return self.routes.total()

    @property
    def escalated(self) -> int:
        return escalated(self.routes)

    @property
    def closed(self) -> int:
        return self.closures.total()

    @property
    def routed_by_choice(self) -> Counter[Route]:
        """Routes where the mode leaves a choice: validator mode sends every case to a person."""
        return Counter({route: n for route, n in self.routes.items() if route[0] != Policy.Mode.VALIDATOR})

    @property
    def settled(self) -> int:
        """Tasks decided, or due and still open."""
        return self.tasks["met"] + self.tasks["late"] + self.tasks["unmet"]

    def strata(self, *, automated_only: bool) -> list[Stratum]:
        """The cases by their chance to be sampled."""
        merged: dict[float, Counter[str]] = defaultdict(Counter)
        for (probability, automated), counts in self.coins.items():
            if automated or not automated_only:
                merged[probability].update(counts)
        return [Stratum(p, counts["decided"], counts["read"], counts["wrong"]) for p, counts in sorted(merged.items())]


def checked_strata(checks: Mapping[float, Counter[str]]) -> list[Stratum]:
    """The checked decisions of people; each stands for as many as its chance to be checked says."""
    return [Stratum(p, 0, counts["checked"], counts["wrong"]) for p, counts in sorted(checks.items())]


def escalated(routes: Counter[Route]) -> int:
    """How many of the routed cases went to a person for another reason than the sample."""
    return sum(count for (_mode, reason), count in routes.items() if reason not in AUTOMATED)


def total(
    flow: Iterable[FlowRollup],
    work: Iterable[WorkRollup],
    samples: Iterable[SampleRollup],
    checks: Iterable[CheckRollup],
    *,
    hours: float,
) -> Totals:
    """Add up rows. `hours` is the clock time they stand for."""
    totals = Totals(hours=hours)
    for row in flow:
        totals.received += row.received
        totals.routes[row.mode, row.reason] += row.routed
        totals.closures[row.mode, row.reason] += row.closed
    _add_work(totals, list(work))
    for sample in samples:
        totals.human_seconds += sample.seconds
        counts = totals.coins[sample.probability, sample.automated]
        counts.update(decided=sample.decided, read=sample.read, wrong=sample.wrong)
    for check in checks:
        totals.checks[check.probability].update(checked=check.checked, wrong=check.wrong)
    return totals


def merged(parts: Iterable[Totals]) -> Totals:
    """Several times as one."""
    every = list(parts)
    whole = looked_at(every)
    for part in every:
        whole.hours += part.hours
        whole.received += part.received
        whole.human_seconds += part.human_seconds
        for mine, theirs in ((whole.routes, part.routes), (whole.closures, part.closures)):
            mine.update(theirs)
    for name in ("active", "blind", "waiting"):
        setattr(whole, name, Histogram.merged(getattr(part, name) for part in every))
    return whole


def looked_at(parts: Iterable[Totals]) -> Totals:
    """Of several times as one what people did and what was looked at afterwards, and nothing else."""
    whole = Totals()
    for part in parts:
        whole.tasks.update(part.tasks)
        for key, counts in part.coins.items():
            whole.coins[key].update(counts)
        for chance, counts in part.checks.items():
            whole.checks[chance].update(counts)
    return whole


COUNTERS = ("opened", "ended", "met", "late", "unmet", "shown", "overrides", "checked", "wrong")


def _add_work(totals: Totals, rows: list[WorkRollup]) -> None:
    for row in rows:
        totals.human_seconds += row.active_seconds
        totals.tasks.update({name: getattr(row, name) for name in COUNTERS})
    for name in ("active", "blind", "waiting"):
        setattr(totals, name, Histogram.added(getattr(row, name) for row in rows))
