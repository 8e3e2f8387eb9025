"""How often an error came back: the same wrong answer corrected to the same right one, by week and by the version at work.

What is counted are corrections, which are found only where somebody looked: with fewer cases or fewer readings there are
fewer of them. The comparison of two periods is the conditional test of two Poisson rates (Przyborowski and Wilenski,
Biometrika 31 (1940) 313–323), and it keeps silent where there is too little to compare.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from django.utils import timezone
from scipy import special

from cases.models import CaseType
from feedback.corrections import changed_fields
from feedback.models import Correction, ModelVersion, PromptVersion

WEEKS = 26
LOOKED_AT, LOOKED_INTO = 5_000, 1_000  # corrections by their labels, and with both outputs
MOST_VERSIONS = 8
# Less than a week, or fewer errors on both sides together, tells nothing.
LEAST_WEEKS, LEAST_ERRORS = 1.0, 5
DOUBT = 0.05
WEEK = timedelta(weeks=1)
Output = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Error:
    """What counts as the same error: one label in place of another, or, of the same label, one of these fields."""

    label_before: str
    label_after: str
    fields: frozenset[str]

    def is_in(self, label: str, before: Output = None, after: Output = None) -> bool:
        if label != self.label_after:
            return False
        return not self.fields or any(field.path in self.fields for field in changed_fields(before, after))


@dataclass(frozen=True, slots=True)
class Week:
    """The errors from a Monday (UTC) on."""

    begins: datetime
    errors: int


@dataclass(frozen=True, slots=True)
class Period:
    """The time a version was at work (``version`` is None before the first one), in weeks, with the errors in it."""

    version: ModelVersion | PromptVersion | None
    since: datetime
    until: datetime
    errors: int
    verdict: str = ""

    @property
    def weeks(self) -> float:
        return (self.until - self.since) / WEEK

    @property
    def per_week(self) -> float | None:
        """Errors a week; None for less than a week."""
        return self.errors / self.weeks if self.weeks >= LEAST_WEEKS else None


@dataclass(frozen=True, slots=True)
class Recurrence:
    """Since when was looked, week by week and version by version; the newest last."""

    since: datetime
    weeks: list[Week]
    periods: list[Period]

    @property
    def errors(self) -> int:
        return sum(week.errors for week in self.weeks)

    @property
    def most(self) -> int:
        """The errors of the worst week."""
        return max((week.errors for week in self.weeks), default=0)


def recurrence(
    case_type: CaseType,
    *,
    label_before: str,
    label_after: str,
    fields: Collection[str] = (),
    now: datetime | None = None,
) -> Recurrence:
    """The history of one error over the last 26 weeks at most; of one that is very frequent, over its newest corrections.

    With ``fields`` only corrections that changed one of these count: where the label was right, they are the error.
    """
    now = now or timezone.now()
    error, since = Error(label_before, label_after, frozenset(fields)), max(now - WEEKS * WEEK, case_type.created_at)
    moments, since = _moments(case_type, error, since=since)
    return Recurrence(since, by_week(moments, since=since, now=now), _periods(case_type, moments, since=since, now=now))


def by_week(moments: Sequence[datetime], *, since: datetime, now: datetime) -> list[Week]:
    """Every week from the one of ``since`` to the present one, those without an error too."""
    counts = Counter(_monday(at) for at in moments)
    first = _monday(since)
    return [
        Week(begins := first + number * WEEK, counts[begins]) for number in range((_monday(now) - first) // WEEK + 1)
    ]


def verdict(before: Period, after: Period) -> str:
    """``fewer``, ``more`` or ``same`` errors a week than before; ``unknown`` where there is too little to tell."""
    total = before.errors + after.errors
    if min(before.weeks, after.weeks) < LEAST_WEEKS or total < LEAST_ERRORS:
        return "unknown"
    share = after.weeks / (before.weeks + after.weeks)
    if _chance(after.errors, total, share) >= DOUBT:
        return "same"
    return "fewer" if after.errors < total * share else "more"


def _chance(part: int, whole: int, share: float) -> float:
    """How likely a count so far from its share is by chance: twice the smaller tail of the binomial law."""
    fewer, more = special.bdtr(part, whole, share), special.bdtrc(part - 1, whole, share) if part else 1.0
    return min(1.0, 2 * float(min(fewer, more)))


def _moments(case_type: CaseType, error: Error, *, since: datetime) -> tuple[list[datetime], datetime]:
    """When it happened, and since when that is known: only the newest rows are read, along their index."""
    rows = Correction.objects.filter(case_type=case_type, label_before=error.label_before).order_by("-pk")
    most, outputs = (LOOKED_INTO, ("before", "after")) if error.fields else (LOOKED_AT, ())
    read = list(rows.values_list("created_at", "label_after", *outputs)[:most])
    if len(read) == most:
        since = max(since, read[-1][0])
    return [row[0] for row in read if row[0] >= since and error.is_in(*row[1:])], since


def _periods(case_type: CaseType, moments: Sequence[datetime], *, since: datetime, now: datetime) -> list[Period]:
    starts = [(since, None), *((max(at, since), version) for at, version in _put_to_work(case_type, until=now))]
    ends = [*(at for at, _version in starts[1:]), now]
    found: list[Period] = []
    for (start, version), end in zip(starts, ends, strict=True):
        if end > start:
            period = Period(version, start, end, sum(start <= at < end for at in moments))
            told = verdict(found[-1], period) if found else ""
            found.append(Period(version, start, end, period.errors, told))
    return found


def _put_to_work(case_type: CaseType, *, until: datetime) -> list[tuple[datetime, ModelVersion | PromptVersion]]:
    """The newest versions that went to work, the oldest of them first."""
    versions: list[ModelVersion | PromptVersion] = []
    for model in (ModelVersion, PromptVersion):
        rows = model.objects.filter(case_type=case_type, promoted_at__lt=until).order_by("-promoted_at")
        versions += rows[:MOST_VERSIONS]
    found = [(version.promoted_at, version) for version in versions if version.promoted_at]
    return sorted(found, key=lambda pair: pair[0])[-MOST_VERSIONS:]


def _monday(at: datetime) -> datetime:
    day = at.astimezone(UTC).date()
    return datetime.combine(day - timedelta(days=day.weekday()), time(), UTC)
