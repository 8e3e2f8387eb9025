"""What the kinds look at, read from the rollups: each table once for all rules, summed in the database, a few thousand rows at most."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import F, Q, QuerySet, Sum

from cases.models import CaseType
from metrics.alerting.sequential import Tally
from metrics.alerting.shapes import DAY
from metrics.histograms import Histogram, unpacked
from metrics.intervals import Stratum
from metrics.models import (
    CheckRollup,
    FlowRollup,
    MachineRollup,
    PersonRollup,
    SampleRollup,
    Span,
    WorkRollup,
)
from metrics.totals import AUTOMATED
from review.models import Policy, Queue

Series = dict[datetime, Tally]
BY_DAY = 63 * DAY  # what the tests by day reach back to, beside what a longer look-back asks for


@dataclass(eq=False)
class Tables:
    """Rollups from `since` to `until`. Every property is one query, asked when somebody needs it."""

    since: datetime
    until: datetime

    @cached_property
    def case_types(self) -> dict[int, CaseType]:
        return {row.pk: row for row in CaseType.objects.only("key", "name").order_by("name")}

    @cached_property
    def queues(self) -> dict[int, Queue]:
        return {row.pk: row for row in Queue.objects.order_by("name")}

    @cached_property
    def promises(self) -> dict[int, float]:
        """The automated error promised by the policies in force."""
        active = Policy.objects.filter(status=Policy.Status.ACTIVE).exclude(mode=Policy.Mode.VALIDATOR)
        found = active.values_list("case_type", "promise")
        return {kind: float(told["error"]) for kind, told in found if isinstance(told.get("error"), int | float)}

    @cached_property
    def escalations(self) -> dict[int, Series]:
        """Escalated of routed, where the mode leaves a choice."""
        rows = self._hours(FlowRollup).exclude(mode=Policy.Mode.VALIDATOR)
        sums = {"part": Sum("routed", filter=~Q(reason__in=AUTOMATED), default=0), "whole": Sum("routed")}
        return _tallies(rows.values("start", key=F("case_type_id")).annotate(**sums))

    @cached_property
    def answers(self) -> dict[int, Series]:
        """Failures of the machine's answers."""
        rows = self._hours(MachineRollup).values("start", key=F("case_type_id"))
        return _tallies(rows.annotate(part=Sum("errors"), whole=Sum("answers")))

    @cached_property
    def confidences(self) -> dict[int, dict[datetime, Counter[int]]]:
        """Answers by bin of the confidence."""
        found: dict[int, dict[datetime, Counter[int]]] = defaultdict(lambda: defaultdict(Counter))
        for kind, start, bins in self._hours(MachineRollup).values_list("case_type_id", "start", "confidence"):
            found[kind][start].update(unpacked(bins))
        return found

    @cached_property
    def times(self) -> dict[int, dict[datetime, Histogram]]:
        """Active times of decisions on a shown output."""
        parts: dict[int, dict[datetime, list[bytes]]] = defaultdict(lambda: defaultdict(list))
        rows = self._hours(WorkRollup).filter(shown__gt=0)
        for kind, start, active in rows.values_list("case_type_id", "start", "active"):
            parts[kind][start].append(active)
        return {kind: {at: Histogram.added(each) for at, each in hours.items()} for kind, hours in parts.items()}

    @cached_property
    def moves(self) -> dict[int, dict[datetime, tuple[int, int]]]:
        """Tasks that came and that went, by queue and hour."""
        rows = self._hours(WorkRollup).values("queue_id", "start").annotate(came=Sum("opened"), went=Sum("ended"))
        found: dict[int, dict[datetime, tuple[int, int]]] = defaultdict(dict)
        for row in rows.order_by():
            found[row["queue_id"]][row["start"]] = (row["came"], row["went"])
        return found

    @cached_property
    def levels(self) -> dict[int, int]:
        """Tasks open at the end of the time, by queue: all that came less all that went."""
        day = self.until.replace(hour=0, minute=0, second=0, microsecond=0)
        days = WorkRollup.objects.filter(span=Span.DAY, start__lt=day)
        today = WorkRollup.objects.within(Span.HOUR, day, self.until)
        balance = (days | today).values("queue_id").annotate(open=Sum(F("opened") - F("ended"), default=0))
        return {row["queue_id"]: max(0, row["open"]) for row in balance.order_by()}

    @cached_property
    def strata(self) -> dict[int, dict[bool, dict[datetime, list[Stratum]]]]:
        """Readings of the samples by day: of automated decisions alone, or of all."""
        found: dict[int, dict[bool, dict[datetime, list[Stratum]]]] = defaultdict(
            lambda: {True: defaultdict(list), False: defaultdict(list)}
        )
        for row in self._days(SampleRollup).filter(decided__gt=0):
            stratum = Stratum(row.probability, row.decided, row.read, row.wrong)
            found[row.case_type_id][False][row.start].append(stratum)
            if row.automated:
                found[row.case_type_id][True][row.start].append(stratum)
        return found

    @cached_property
    def checks(self) -> dict[int, Series]:
        """Human decisions found wrong, of those checked."""
        rows = self._days(CheckRollup).values("start", key=F("case_type_id"))
        return _tallies(rows.annotate(part=Sum("wrong"), whole=Sum("checked")))

    @cached_property
    def misses(self) -> dict[int, Series]:
        """Known errors that a person let pass, of those shown to them."""
        rows = self._days(PersonRollup).filter(planted_wrong__gt=0).values("start", key=F("user_id"))
        missed = Sum(F("planted_wrong") - F("planted_caught"))
        return _tallies(rows.annotate(part=missed, whole=Sum("planted_wrong")))

    def _hours(self, model: type[Any]) -> QuerySet[Any]:
        rows: QuerySet[Any] = model.objects.within(Span.HOUR, self.since, self.until).order_by()
        return rows

    def _days(self, model: type[Any]) -> QuerySet[Any]:
        first = min(self.since, self.until - BY_DAY)
        rows: QuerySet[Any] = model.objects.within(Span.DAY, first, self.until).order_by()
        return rows


def _tallies(rows: Iterable[dict[str, Any]]) -> dict[int, Series]:
    found: dict[int, Series] = defaultdict(dict)
    for row in rows:
        if row["whole"]:
            found[row["key"]][row["start"]] = Tally(row["part"], row["whole"])
    return found
