"""Every override, sample error and outcome report becomes a Correction, in the transaction that made it."""

from __future__ import annotations

from typing import Any

from cases import schemas
from cases.models import Case, Prediction
from feedback.models import Correction, OutcomeReport, Sample
from review.models import Decision


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
