"""What may be learnt from, and what is kept for judging."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from cases.models import Case, CaseType
from cases.models.choices import State
from feedback.examples import HELD_OUT_SHARE, Example, learnable, split
from feedback.models import Correction, LabelledExample, OutcomeReport, Sample
from review.models import Approval, Decision
from tests.factories import SCHEMA, make_case, make_case_type, make_decision, make_prediction, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def case_of(case_type: CaseType, **fields: Any) -> Case:
    case = make_case(case_type, state=State.CLOSED, **fields)
    make_prediction(case)
    return case


def learnt(case_type: CaseType) -> list[tuple[str, str]]:
    return [(example.label, example.origin) for example in learnable(case_type)]


def by_a_person(case: Case, label: str = "billing", **fields: Any) -> Decision:
    return make_decision(
        case, by=make_user("reviewer"), task=make_task(case), label=label, output={"label": label}, **fields
    )


def test_the_machine_never_learns_from_its_own_unreviewed_answers() -> None:
    case_type = make_case_type("teacher")
    make_decision(case_of(case_type), shown=False)
    case_of(case_type)
    assert learnable(case_type) == []


def test_it_learns_from_what_people_decided_and_from_examples_that_came_with_their_truth() -> None:
    case_type = make_case_type()
    by_a_person(case_of(case_type))
    LabelledExample.objects.create(
        case_type=case_type, source="x", external_id="1", payload={"text": "hello"}, output={"label": "other"}
    )
    assert learnt(case_type) == [("billing", "decision"), ("other", "labelled")]


def test_it_learns_nothing_from_a_rejection_a_held_decision_or_another_case_type() -> None:
    case_type = make_case_type()
    make_decision(
        case := case_of(case_type), by=make_user(), task=make_task(case), outcome="reject", output=None, label=""
    )
    held = by_a_person(case_of(case_type), held=True)
    by_a_person(case_of(make_case_type()))
    assert learnable(case_type) == []
    Approval.objects.create(decision=held, approved=True, by=make_user("supervisor"))
    assert len(learnable(case_type)) == 1


def test_only_the_decision_in_force_counts() -> None:
    case_type = make_case_type()
    case = case_of(case_type)
    by_a_person(case, "refund")
    case.version = 2
    case.save(update_fields=["version"])
    assert learnable(case_type) == []
    by_a_person(case, "other")
    assert learnt(case_type) == [("other", "decision")]


def test_samples_stay_out_until_they_are_released() -> None:
    case_type = make_case_type()
    case = case_of(case_type, sampled=True)
    decision = by_a_person(case)
    assert learnable(case_type) == []
    sample = Sample.objects.create(
        case=case, decision=decision, probability=0.1, automated=False, first_answer={}, final_answer={}, correct=True,
        read_by=make_user("auditor"),
    )  # fmt: skip
    assert learnable(case_type) == []
    Sample.objects.filter(pk=sample.pk).update(released_at=timezone.now())
    assert learnt(case_type) == [("billing", "decision")]


def test_what_downstream_reported_counts_until_the_case_is_decided_again() -> None:
    case_type = make_case_type()
    case = case_of(case_type)
    decision = by_a_person(case, "refund")
    report = OutcomeReport.objects.create(
        case=case, decision=decision, correct=False, output={"label": "other"}, source="erp", reported_by=make_user()
    )
    Correction.objects.create(
        case=case,
        case_type=case.case_type,
        source="outcome",
        decision=decision,
        report=report,
        after={"label": "other"},
        label_after="other",
    )
    Case.objects.filter(pk=case.pk).update(version=2, state=State.IN_REVIEW)
    assert learnt(case_type) == [("other", "outcome")]
    case.refresh_from_db()
    by_a_person(case, "billing")
    assert learnt(case_type) == [("billing", "decision")]


def test_labels_that_the_schema_has_no_more_are_left_out() -> None:
    case_type = make_case_type()
    by_a_person(case_of(case_type), "refund")
    schema = {**SCHEMA, "properties": {"label": {"enum": ["billing"]}}}
    CaseType.objects.filter(pk=case_type.pk).update(output_schema=schema)
    case_type.refresh_from_db()
    assert learnable(case_type) == []


def test_an_example_never_changes_sides_and_a_requester_is_never_on_both() -> None:
    examples = [Example(text=f"t{n}", output={}, label="a", group=f"person {n % 300}", origin="d") for n in range(3000)]
    to_learn, held_out = split(examples)
    assert not {example.group for example in to_learn} & {example.group for example in held_out}
    assert split(list(reversed(examples)))[1] == list(reversed(held_out))
    assert 0.1 < len(held_out) / len(examples) < 0.3
    assert HELD_OUT_SHARE == 0.2
