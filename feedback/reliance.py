"""How readers treat the machine's word: the answer given blind against the one given after it was shown.

A reading only counts where the truth was settled later, by a report from downstream or by an adjudicator. Without that
nobody knows whether a change of mind was for the better, and nothing is claimed.

Terms: Schemmer et al., "Appropriate Reliance on AI Advice" (IUI 2023).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet

from cases.models import CaseType
from feedback.models import OutcomeReport, Round, Sample, SecondRead
from feedback.shares import Share
from review.models import Decision

NEWEST = 5_000
Output = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What was said before and after the machine's word was shown, and what turned out to be right, if that is known."""

    first: Output
    final: Output
    machine: Output
    truth: Output = None


@dataclass(frozen=True, slots=True)
class Reliance:
    """``over``: of the right answers against a wrong machine, those given up for its word. ``under``: of the wrong ones
    against a right machine, those that stayed wrong. ``appropriate``: of both, those that ended right. ``changed``: of
    all answers that differed from the machine's, those given up for it, rightly or not.
    """

    over: Share
    under: Share
    appropriate: Share
    changed: Share
    read: int
    settled: int


@dataclass(frozen=True, slots=True)
class Pace:
    """The middle of the active seconds and how many readings it is of; None where there are none."""

    seconds: float | None
    count: int


def judged(readings: Iterable[Reading]) -> Reliance:
    """The shares of some readings. Where reader and machine said the same at first there was nothing to rely on."""
    every = list(readings)
    differed = [row for row in every if row.machine is not None and row.first != row.machine]
    settled = [row for row in differed if row.truth is not None]
    tempted = [row for row in settled if row.first == row.truth]
    helped = [row for row in settled if row.machine == row.truth]
    return Reliance(
        over=Share(sum(row.final == row.machine for row in tempted), len(tempted)),
        under=Share(sum(row.final != row.truth for row in helped), len(helped)),
        appropriate=Share(sum(row.final == row.truth for row in tempted + helped), len(tempted) + len(helped)),
        changed=Share(sum(row.final == row.machine for row in differed), len(differed)),
        read=len(every),
        settled=sum(row.truth is not None for row in every),
    )


def reliance(case_type: CaseType, *, round_: Round | None = None, reader: User | None = None) -> Reliance:
    """Of the newest 5,000 readings of a case type, of a round of it, or of one person's: those are for that person alone."""
    rows = _samples(case_type, round_=round_, reader=reader).filter(prediction__output__isnull=False)
    found = list(rows.values_list("case_id", "read_at", "first_answer", "final_answer", "prediction__output")[:NEWEST])
    truths = truths_of([row[0] for row in found])
    return judged(
        Reading(first, final, machine, later_of(truths.get(case_id, ()), read_at))
        for case_id, read_at, first, final, machine in found
    )


def pace_blind(case_type: CaseType, *, round_: Round | None = None, reader: User | None = None) -> Pace:
    """How long a case takes without the machine: answered blind first."""
    rows = _samples(case_type, round_=round_, reader=reader).filter(active_seconds__isnull=False)
    return _pace(rows.values_list("active_seconds", flat=True))


def pace_with_machine(case_type: CaseType, *, reader: User | None = None) -> Pace:
    """How long a case takes where the machine's output was shown from the start."""
    made = Decision.objects.by_people().filter(case__case_type=case_type, shown=True, task__blind=False)
    mine = Q(decided_by=reader) if reader else Q()
    rows = made.filter(mine, active_seconds__isnull=False).order_by("-pk")
    return _pace(rows.values_list("active_seconds", flat=True))


def _samples(case_type: CaseType, *, round_: Round | None, reader: User | None) -> QuerySet[Sample]:
    of_round = Q(draw__round=round_) if round_ else Q()
    mine = Q(read_by=reader) if reader else Q()
    return Sample.objects.filter(of_round, mine, case__case_type=case_type).order_by("-pk")


def _pace(seconds: Any) -> Pace:
    found = [float(value) for value in seconds[:NEWEST]]
    return Pace(median(found) if found else None, len(found))


def truths_of(case_ids: Sequence[int]) -> dict[int, list[tuple[datetime, Output]]]:
    """What was settled about these cases, and when, the newest last."""
    found: dict[int, list[tuple[datetime, Output]]] = {}
    reports = OutcomeReport.objects.filter(case__in=case_ids)
    told = reports.values_list("case_id", "reported_at", "correct", "output", "decision__output")
    for case_id, at, correct, output, decided in told:
        found.setdefault(case_id, []).append((at, decided if correct else output))
    for read in SecondRead.objects.filter(decision__case__in=case_ids).values_list(
        "decision__case_id", "settled_at", "settled"
    ):
        if read[1] is not None:
            found.setdefault(read[0], []).append((read[1], read[2]))
    return {case_id: sorted(rows, key=lambda row: row[0]) for case_id, rows in found.items()}


def later_of(truths: Iterable[tuple[datetime, Output]], read_at: datetime) -> Output:
    """The newest truth that was settled after the reading."""
    later = [output for at, output in truths if at > read_at and output]
    return later[-1] if later else None
