"""How somebody decides: where they follow the machine too much, and where too little. For themselves; see `feedback.people`.

Only where the truth is known: from known cases, from second reads that were settled, from reports of downstream, and
from samples of which either came later. What nobody has checked says nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from feedback.models import OutcomeReport, Planting, Sample, SecondRead
from feedback.reliance import later_of, truths_of
from feedback.second_reads import answer_of, same
from feedback.shares import Share
from review.models import Decision

NEWEST = 2_000  # of each source
LEAST = 10  # fewer tell nothing
TOO_OFTEN = 0.15  # an attentive reader lets at most this share of errors pass (see `feedback.watching`)
KNOWN, READ_AGAIN, REPORTED, SAMPLED = _("known cases"), _("second reads"), _("reports"), _("samples")
Output = Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Judged:
    """One decision on a shown answer of which the truth is known. ``followed``: they answered as the machine did."""

    case_type: str
    label: str
    right: bool
    followed: bool
    source: Any


@dataclass(frozen=True, slots=True)
class Leaning:
    """``over``: of the machine's errors, those followed. ``under``: of its right answers, those changed."""

    name: str
    over: Share
    under: Share

    @property
    def enough_over(self) -> bool:
        return self.over.whole >= LEAST

    @property
    def enough_under(self) -> bool:
        return self.under.whole >= LEAST

    @property
    def too_much(self) -> bool:
        """Beyond doubt more than an attentive reader would let pass."""
        return self.enough_over and self.over.low > TOO_OFTEN

    @property
    def too_little(self) -> bool:
        return self.enough_under and self.under.low > TOO_OFTEN


@dataclass(frozen=True, slots=True)
class Calibration:
    """One case type: all of it, each label, how many come from which source, and the catch rate on planted errors."""

    all: Leaning
    labels: Sequence[Leaning]
    sources: Sequence[tuple[Any, int]]
    catch: Share


def calibration_of(user: User) -> list[Calibration]:
    """By case type, in the order of their names."""
    found: dict[str, list[Judged]] = defaultdict(list)
    for one in judged(user):
        found[one.case_type].append(one)
    return [_calibration(name, found[name]) for name in sorted(found)]


def judged(user: User) -> Iterator[Judged]:
    yield from _known(user)
    yield from _decided(user)
    yield from _sampled(user)


def _calibration(name: str, rows: Sequence[Judged]) -> Calibration:
    labels = sorted({row.label for row in rows if row.label})
    sources = [(source, sum(row.source is source for row in rows)) for source in (KNOWN, READ_AGAIN, REPORTED, SAMPLED)]
    planted = [row for row in rows if row.source is KNOWN and not row.right]
    return Calibration(
        all=_leaning(name, rows),
        labels=[_leaning(label, [row for row in rows if row.label == label]) for label in labels],
        sources=[(source, count) for source, count in sources if count],
        catch=Share(sum(not row.followed for row in planted), len(planted)),
    )


def _leaning(name: str, rows: Iterable[Judged]) -> Leaning:
    every = list(rows)
    wrong = [row for row in every if not row.right]
    right = [row for row in every if row.right]
    over = Share(sum(row.followed for row in wrong), len(wrong))
    return Leaning(name, over, Share(sum(not row.followed for row in right), len(right)))


def _known(user: User) -> Iterator[Judged]:
    """Not those of a refresher round, of which its reader knew."""
    rows = Planting.objects.filter(user=user, caught__isnull=False, refresher=None).order_by("-answered_at")
    told = rows.values_list("case_type__name", "gold__shown", "wrong", "output", "caught")
    for name, shown, wrong, output, caught in told[:NEWEST]:
        followed = not caught if wrong else same(output, shown)
        yield Judged(name, _label(shown), right=not wrong, followed=followed, source=KNOWN)


def _decided(user: User) -> Iterator[Judged]:
    """Decisions on a shown answer that were read again and settled, or reported on."""
    told = Q(second_read__settled_at__isnull=False) | Q(outcome_reports__isnull=False)
    rows = Decision.objects.filter(
        told, decided_by=user, shown=True, task__blind=False, prediction__output__isnull=False
    )
    decisions = list(rows.select_related("prediction", "case__case_type").order_by("-pk").distinct()[:NEWEST])
    reads = dict(
        SecondRead.objects.filter(decision__in=decisions, settled_at__isnull=False).values_list("decision", "settled")
    )
    reports = dict(
        OutcomeReport.objects.filter(decision__in=decisions).order_by("pk").values_list("decision", "correct")
    )
    better = dict(OutcomeReport.objects.filter(decision__in=decisions).order_by("pk").values_list("decision", "output"))
    for one in decisions:
        machine, answer = one.prediction.output if one.prediction else None, answer_of(one)
        followed, name = same(answer, machine), one.case.case_type.name
        if one.pk in reads:
            yield Judged(
                name, _label(machine), right=same(machine, reads[one.pk]), followed=followed, source=READ_AGAIN
            )
            continue
        right = _reported(machine, answer, correct=reports[one.pk], better=better[one.pk])
        if right is not None:
            yield Judged(name, _label(machine), right=right, followed=followed, source=REPORTED)


def _reported(machine: Output, answer: Output, *, correct: bool, better: Output) -> bool | None:
    """Whether the machine was right, from a report on the person's answer; None where the report does not tell."""
    if correct:
        return same(machine, answer)
    if better:
        return same(machine, better)
    return False if same(machine, answer) else None


def _sampled(user: User) -> Iterator[Judged]:
    """Read blind, then shown the machine's answer: what counts is the answer that was kept."""
    rows = Sample.objects.filter(read_by=user, prediction__output__isnull=False).order_by("-pk")
    found = list(
        rows.values_list("case_id", "read_at", "final_answer", "prediction__output", "case__case_type__name")[:NEWEST]
    )
    truths = truths_of([row[0] for row in found])
    for case_id, read_at, final, machine, name in found:
        truth = later_of(truths.get(case_id, ()), read_at)
        if truth is not None:
            followed = same(final, machine)
            yield Judged(name, _label(machine), right=same(machine, truth), followed=followed, source=SAMPLED)


def _label(output: Output) -> str:
    return str(output.get("label", "")) if output else ""
