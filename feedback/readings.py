"""Who read a case independently, and how many of them agree with the answer that is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from cases.models import CaseType
from feedback.models import Sample, SecondRead
from review.models import Decision

LEAST_READERS = 2
Answer = Mapping[str, Any] | None
Reading = tuple[int, int | None, Answer]  # case, reader, answer
Readings = dict[int, dict[int, Answer]]


def readings(case_type: CaseType) -> Readings:
    """The answers of every reader by case: decisions, samples, second reads and adjudications.

    Of one person only the newest answer counts, for whoever reads a case twice knows the first answer. A rejection is
    an answer (None) as well.
    """
    found: Readings = defaultdict(dict)
    for rows in (_decided(case_type), _sampled(case_type), _read_again(case_type), _settled(case_type)):
        for case_id, reader, answer in rows:
            if reader is not None:
                found[case_id][reader] = answer
    return found


def agreement(output: Mapping[str, Any], answers: Mapping[int, Answer] | None) -> float | None:
    """The share of readers who gave this answer; None where fewer than two have read the case."""
    if answers is None or len(answers) < LEAST_READERS:
        return None
    return sum(answer == output for answer in answers.values()) / len(answers)


def _decided(case_type: CaseType) -> Iterable[Reading]:
    """Without what a second person sent back."""
    rows = Decision.objects.by_people().in_force().filter(case__case_type=case_type).order_by("pk")
    return rows.values_list("case", "decided_by", "output").iterator(chunk_size=2000)


def _sampled(case_type: CaseType) -> Iterable[Reading]:
    rows = Sample.objects.filter(case__case_type=case_type).order_by("pk")
    return rows.values_list("case", "read_by", "final_answer").iterator(chunk_size=2000)


def _read_again(case_type: CaseType) -> Iterable[Reading]:
    rows = SecondRead.objects.filter(case_type=case_type, read_at__isnull=False).order_by("pk")
    return rows.values_list("decision__case", "reader", "output").iterator(chunk_size=2000)


def _settled(case_type: CaseType) -> Iterable[Reading]:
    rows = SecondRead.objects.filter(case_type=case_type, settled_at__isnull=False).order_by("pk")
    return rows.values_list("decision__case", "adjudicator", "settled").iterator(chunk_size=2000)
