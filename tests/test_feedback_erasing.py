"""Erasure reaches every app that keeps something of a case."""

from __future__ import annotations

import json

import pytest
from django.core import serializers

from cases.erase import erase
from cases.models import Case, Prediction
from cases.models.choices import State
from feedback.models import Correction, OutcomeReport, Sample, ShadowPrediction
from review.models import Approval, Decision, ReviewTask
from tests.factories import make_case, make_decision, make_prediction, make_task, make_user

SECRET = "Ann Archer, 4 Quay Street"


@pytest.mark.postgres_too
@pytest.mark.django_db
def test_nothing_of_an_erased_case_is_kept_by_any_app_but_its_labels() -> None:
    output = {"label": "refund", "amount": 4, "address": SECRET}
    case = make_case(state=State.CLOSED, requester="ann", payload={"text": SECRET}, label="refund")
    prediction = make_prediction(case, output=output, rationale=SECRET)
    task = make_task(case, note=SECRET, trace=[{"actual": SECRET}], first_answer=output)
    reader = make_user("expert")
    decision = make_decision(case, task=task, output=output, label="refund", note=SECRET, reason=SECRET, by=reader)
    Approval.objects.create(decision=decision, approved=True, by=make_user("supervisor"), note=SECRET)
    report = OutcomeReport.objects.create(
        case=case, decision=decision, correct=False, output=output, source="crm", note=SECRET
    )
    ShadowPrediction.objects.create(case=case, label=json.dumps(output), confidence=0.5, said="{}")
    Sample.objects.create(
        case=case,
        prediction=prediction,
        probability=1,
        automated=False,
        first_answer=output,
        final_answer=output,
        correct=True,
        read_by=reader,
    )
    Correction.objects.create(
        case=case,
        case_type=case.case_type,
        source="outcome",
        report=report,
        before=output,
        after=output,
        label_before="refund",
        why=SECRET,
    )

    assert erase("ann", actor="test", origin="test").cases == 1

    models = (Case, Prediction, ReviewTask, Decision, Approval, OutcomeReport, Sample, Correction, ShadowPrediction)
    kept = [json.loads(serializers.serialize("json", model.objects.all())) for model in models]
    assert SECRET not in json.dumps(kept)
    decision.refresh_from_db()
    assert (decision.output, decision.label) == ({"label": "refund"}, "refund")
