"""Every override, sample error, adjudication and outcome report becomes a Correction, in the transaction that made it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from cases import schemas
from cases.models import Case, Prediction
from feedback.models import Correction, OutcomeReport, Sample, SecondRead
from review.models import Decision

MOST_FIELDS = 200
_ABSENT: Any = object()


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field of an output by its path (``items[2].sku``), with what it was and what is right.

    ``kind`` is ``same``, ``changed``, ``added`` (it was missing) or ``removed`` (it should not be there).
    """

    path: str
    kind: str
    before: Any = None
    after: Any = None


def changed_fields(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[FieldChange]:
    """The fields in which two outputs differ, at most 200. Of a rejection every field is one that should not be there."""
    return [field for field in compared_fields(before, after) if field.kind != "same"][:MOST_FIELDS]


def compared_fields(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> list[FieldChange]:
    """Every field of two outputs side by side, in the order of the right one."""
    return list(_compared("", before or {}, after or {}))


def _compared(path: str, before: Any, after: Any) -> Iterator[FieldChange]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for name in [*after, *(name for name in before if name not in after)]:
            inner = f"{path}.{name}" if path else str(name)
            yield from _compared(inner, before.get(name, _ABSENT), after.get(name, _ABSENT))
    elif isinstance(before, list) and isinstance(after, list):
        for position in range(max(len(before), len(after))):
            pair = (side[position] if position < len(side) else _ABSENT for side in (before, after))
            yield from _compared(f"{path}[{position}]", *pair)
    else:
        yield _field(path, before, after)


def _field(path: str, before: Any, after: Any) -> FieldChange:
    if before is _ABSENT:
        return FieldChange(path, "added", after=after)
    if after is _ABSENT:
        return FieldChange(path, "removed", before=before)
    # In JSON true is not 1, for Python it is.
    same = before == after and isinstance(before, bool) == isinstance(after, bool)
    return FieldChange(path, "same" if same else "changed", before=before, after=after)


def from_override(decision: Decision) -> Correction:
    correction = _correction(
        decision.case, source=Correction.Source.OVERRIDE, prediction=decision.prediction, after=decision.output
    )
    correction.decision, correction.given_by = decision, decision.decided_by
    correction.why = decision.note or decision.reason
    correction.save()
    return correction


def from_sample(sample: Sample, *, why: str) -> Correction:
    correction = _correction(
        sample.case, source=Correction.Source.SAMPLE, prediction=sample.prediction, after=sample.final_answer
    )
    correction.sample, correction.decision, correction.given_by, correction.why = (
        sample,
        sample.decision,
        sample.read_by,
        why,
    )
    correction.save()
    return correction


def from_report(report: OutcomeReport) -> Correction:
    decision = report.decision
    correction = _correction(
        report.case, source=Correction.Source.OUTCOME, prediction=decision.prediction, after=report.output
    )
    correction.before = decision.output
    correction.label_before = decision.label
    correction.report, correction.decision, correction.given_by, correction.why = (
        report,
        decision,
        report.reported_by,
        report.note,
    )
    correction.save()
    return correction


def from_adjudication(read: SecondRead, *, why: str) -> Correction:
    decision = read.decision
    correction = _correction(
        decision.case, source=Correction.Source.ADJUDICATION, prediction=decision.prediction, after=read.settled
    )
    correction.before, correction.label_before = decision.output, decision.label
    correction.second_read, correction.decision, correction.given_by, correction.why = (
        read,
        decision,
        read.adjudicator,
        why,
    )
    correction.save()
    return correction


def _correction(case: Case, *, source: str, prediction: Prediction | None, after: dict[str, Any] | None) -> Correction:
    return Correction(
        case=case,
        case_type_id=case.case_type_id,
        source=source,
        prediction=prediction,
        before=prediction.output if prediction else None,
        after=after,
        label_before=prediction.label if prediction else "",
        label_after=schemas.label_of(after)[:200] if after else "",
    )
