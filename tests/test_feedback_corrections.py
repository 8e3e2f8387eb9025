"""Every override, sample error and outcome report becomes a correction with its lineage."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from hypothesis import given
from hypothesis import strategies as st

from cases.models.choices import State
from feedback import corrections
from feedback.models import Correction, OutcomeReport
from tests.factories import make_case, make_decision, make_prediction, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def test_an_override_keeps_what_the_machine_said_what_the_person_said_and_why() -> None:
    case, user = make_case(state=State.CLOSED), make_user("reviewer")
    prediction = make_prediction(case)
    decision = make_decision(
        case,
        by=user,
        task=make_task(case),
        prediction=prediction,
        output={"label": "other"},
        note="a joke",
        override=True,
    )
    made = corrections.from_override(decision)
    assert (made.before, made.after, made.label_before, made.label_after) == (
        {"label": "refund"}, {"label": "other"}, "refund", "other",
    )  # fmt: skip
    assert (made.given_by, made.why, made.prediction, made.source) == (user, "a joke", prediction, "override")
    with pytest.raises(IntegrityError), transaction.atomic():
        corrections.from_override(decision)


def test_a_rejection_is_a_correction_without_an_answer() -> None:
    case = make_case(state=State.CLOSED)
    decision = make_decision(
        case, by=make_user(), task=make_task(case), prediction=make_prediction(case), outcome="reject", output=None,
        reason="spam",
    )  # fmt: skip
    made = corrections.from_override(decision)
    assert (made.after, made.label_after, made.why) == (None, "", "spam")


def test_a_report_corrects_what_was_decided_and_not_what_the_machine_said() -> None:
    case = make_case(state=State.CLOSED)
    decision = make_decision(case, prediction=make_prediction(case), output={"label": "billing"}, label="billing")
    report = OutcomeReport.objects.create(
        case=case, decision=decision, correct=False, output={"label": "other"}, source="erp", reported_by=make_user()
    )
    made = corrections.from_report(report)
    assert (made.label_before, made.label_after) == ("billing", "other")
    assert Correction.objects.get(report=report).before == {"label": "billing"}


def fields(before: Any, after: Any) -> dict[str, str]:
    return {field.path: field.kind for field in corrections.changed_fields(before, after)}


def test_the_fields_that_changed_are_named_by_their_paths() -> None:
    before = {"label": "a", "total": 1, "paid": True, "items": [{"sku": "x", "n": 1}], "extra": 1}
    after = {"label": "a", "total": 2, "paid": 1, "items": [{"sku": "x", "n": 2}, {"sku": "y"}], "note": None}
    assert fields(before, after) == {
        "total": "changed", "paid": "changed", "items[0].n": "changed", "items[1]": "added", "note": "added",
        "extra": "removed",
    }  # fmt: skip


def test_of_a_rejection_every_field_is_one_too_many_and_of_no_answer_every_field_is_missing() -> None:
    assert fields({"label": "a", "total": 1}, None) == {"label": "removed", "total": "removed"}
    assert fields(None, {"label": "a"}) == {"label": "added"}


outputs = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
).map(lambda value: {"label": value})


@given(before=outputs, after=outputs)
def test_nothing_has_changed_exactly_where_the_outputs_are_the_same_json(before: Any, after: Any) -> None:
    assert corrections.changed_fields(before, before) == []
    same = json.dumps(before, sort_keys=True) == json.dumps(after, sort_keys=True)
    assert (corrections.changed_fields(before, after) == []) == same
