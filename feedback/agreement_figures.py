"""How far people agree about one case type, from the second reads: agreement, confusions, and errors nobody found."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils.translation import gettext as _

from cases.models import CaseType
from feedback.agreement import Estimate, Unfound, chapman, cohen_kappa, krippendorff_alpha
from feedback.models import SecondRead
from feedback.second_reads import answer_of, same
from feedback.shares import Share

MOST_READS = 5_000
MOST_CONFUSIONS = 50


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often one answer was given first and the other second."""

    first: str
    second: str
    count: int


@dataclass(frozen=True, slots=True)
class Pair:
    """Two people: how many decisions of the first the second has read, and how often they agreed."""

    first: str
    second: str
    read: int
    agreed: int


@dataclass(frozen=True, slots=True)
class Figures:
    """``unfound`` is None where no error of the machine was found by both; ``pairs`` where people are not told."""

    agreed: Estimate
    kappa: Estimate
    alpha: Estimate
    wrong: Estimate
    unfound: Unfound | None
    found: tuple[int, int, int]
    confusions: list[Confusion]
    pairs: list[Pair] | None


def figures_of(case_type: CaseType, *, people: bool) -> Figures:
    """The figures over the newest 5,000 second reads that were answered."""
    rows = SecondRead.objects.filter(case_type=case_type, read_at__isnull=False).order_by("-read_at")
    reads = list(rows.select_related("decision__decided_by", "decision__prediction", "reader")[:MOST_READS])
    settled = [read for read in reads if read.settled_at is not None]
    answers = [(named(answer_of(read.decision)), named(read.output)) for read in reads]
    found = machine_errors(reads)
    return Figures(
        agreed=share(sum(bool(read.agrees) for read in reads), len(reads)),
        kappa=cohen_kappa(answers),
        alpha=krippendorff_alpha(answers),
        wrong=share(sum(was_wrong(read) for read in settled), len(settled)),
        unfound=chapman(first=found[0], second=found[1], both=found[2]),
        found=found,
        confusions=confusions(settled),
        pairs=pairs(settled) if people else None,
    )


def named(output: object) -> str:
    """An answer as one category: its label; where it has none, all of it; a rejection stands for itself."""
    if not isinstance(output, dict):
        return _("rejected")
    label = output.get("label")
    return str(label) if label else json.dumps(output, sort_keys=True, ensure_ascii=False)


def was_wrong(read: SecondRead) -> bool:
    """Whether the second read, once settled, found the first decision wrong."""
    return read.verdict in (SecondRead.Verdict.SECOND, SecondRead.Verdict.NEITHER)


def machine_errors(reads: Iterable[SecondRead]) -> tuple[int, int, int]:
    """Errors of the machine that the first reader found, the second, and both: an answer that is not the machine's.

    Cases on which the machine said nothing leave nothing to find; where both differ from it, both found the error.
    """
    first = second = both = 0
    for read in reads:
        said = read.decision.prediction.output if read.decision.prediction else None
        if said is None:
            continue
        one, other = not same(answer_of(read.decision), said), not same(read.output, said)
        first, second, both = first + one, second + other, both + (one and other)
    return first, second, both


def confusions(reads: Iterable[SecondRead]) -> list[Confusion]:
    """Answers given first and second where the two people differed, the most frequent first."""
    differing = [read for read in reads if not read.agrees]
    counts = Counter((named(answer_of(read.decision)), named(read.output)) for read in differing)
    return [Confusion(*answers, count) for answers, count in counts.most_common(MOST_CONFUSIONS)]


def pairs(reads: Sequence[SecondRead]) -> list[Pair]:
    """By name, never by rate: this is no ranking."""
    read, agreed = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for one in reads:
        people = str(one.decision.decided_by or ""), str(one.reader or "")
        read[people] += 1
        agreed[people] += bool(one.agrees)
    return [Pair(*people, read[people], agreed[people]) for people in sorted(read)]


def share(part: int, whole: int) -> Estimate:
    """Part of a whole with its exact interval (Clopper–Pearson)."""
    if not whole:
        return Estimate(None)
    exact = Share(part, whole)
    return Estimate(exact.value, exact.low, exact.high, whole)
