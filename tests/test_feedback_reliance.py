"""First answer, the machine's word, second thoughts: who relied on it too much, and who too little."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from cases.models import CaseType
from cases.models.choices import State
from feedback.models import OutcomeReport, Sample, SecondRead
from feedback.reliance import Reading, judged, pace_blind, pace_with_machine, reliance
from feedback.shares import Share
from tests.factories import make_case, make_case_type, make_decision, make_prediction, make_task, make_user

A, B, C = {"label": "refund"}, {"label": "billing"}, {"label": "other"}
DATABASE = [pytest.mark.django_db, pytest.mark.postgres_too]
ANSWERS = st.sampled_from([A, B, C])


@pytest.mark.parametrize(
    ("said", "over", "under", "appropriate"),
    [
        ((A, B, B), (1, 1), (0, 0), (0, 1)),  # gave a right answer up
        ((A, B, A), (0, 1), (0, 0), (1, 1)),  # stood by it
        ((B, A, B), (0, 0), (1, 1), (0, 1)),  # kept a wrong one
        ((B, A, A), (0, 0), (0, 1), (1, 1)),  # was helped
        ((A, A, A), (0, 0), (0, 0), (0, 0)),  # nothing to rely on
        ((B, C, B), (0, 0), (0, 0), (0, 0)),  # both were wrong
    ],
)
def test_a_change_of_mind_is_judged_by_what_turned_out_to_be_right(
    said: Any, over: Any, under: Any, appropriate: Any
) -> None:
    first, machine, final = said
    found = judged([Reading(first, final, machine, truth=A)])
    assert (found.over, found.under, found.appropriate) == (Share(*over), Share(*under), Share(*appropriate))


def test_where_the_truth_was_never_settled_nothing_is_claimed() -> None:
    found = judged([Reading(A, B, B)])
    assert (found.over.value, found.under.value, found.settled) == (None, None, 0)
    assert found.changed == Share(1, 1)


@given(st.lists(st.builds(Reading, ANSWERS, ANSWERS, ANSWERS, st.none() | ANSWERS)))
def test_no_reading_counts_as_both_and_shares_stay_within_their_bounds(readings: list[Reading]) -> None:
    found = judged(readings)
    assert found.over.whole + found.under.whole == found.appropriate.whole <= found.settled <= found.read
    for share in (found.over, found.under, found.appropriate, found.changed):
        assert 0 <= share.low <= (share.part / share.whole if share.whole else 0.5) <= share.high <= 1


def test_no_error_in_fifty_is_no_proof_of_none() -> None:
    assert Share(0, 50).low == 0.0
    assert Share(0, 50).high == pytest.approx(0.0711, abs=1e-4)


class TestRead:
    pytestmark = DATABASE

    def read(self, case_type: CaseType, by: User, *, first: Any, final: Any, machine: str = "billing") -> Sample:
        case = make_case(case_type, state=State.CLOSED)
        prediction = make_prediction(case, label=machine)
        decision = make_decision(case, prediction=prediction, output=prediction.output, label=machine, shown=False)
        answers = {"first_answer": first, "final_answer": final, "correct": final == prediction.output}
        more = {"probability": 0.1, "automated": True, "active_seconds": 30.0, "read_by": by}
        return Sample.objects.create(case=case, decision=decision, prediction=prediction, **answers, **more)

    def report(self, sample: Sample, output: Any, **fields: Any) -> None:
        OutcomeReport.objects.create(
            case=sample.case, decision_id=sample.decision_id or 0, correct=False, output=output, source="crm", **fields
        )

    def test_a_report_that_came_later_settles_it_and_an_earlier_one_does_not(self) -> None:
        case_type, reader = make_case_type("teacher"), make_user("auditor")
        self.report(self.read(case_type, reader, first=A, final=B), A, reported_at=timezone.now() + timedelta(days=1))
        self.report(self.read(case_type, reader, first=A, final=B), A, reported_at=timezone.now() - timedelta(days=1))
        found = reliance(case_type)
        assert (found.over, found.settled, found.read) == (Share(1, 1), 1, 2)

    def test_an_adjudication_settles_it_too(self) -> None:
        case_type, reader = make_case_type("teacher"), make_user("auditor")
        sample = self.read(case_type, reader, first=C, final=C)
        SecondRead.objects.create(
            decision_id=sample.decision_id or 0,
            case_type=case_type,
            probability=1.0,
            settled=B,
            settled_at=timezone.now() + timedelta(days=1),
        )
        assert reliance(case_type).under == Share(1, 1)

    def test_it_is_told_of_one_person_alone_and_of_one_case_type(self) -> None:
        case_type, one, other = make_case_type("teacher"), make_user("auditor"), make_user("auditor")
        self.read(case_type, one, first=A, final=B)
        self.read(case_type, other, first=A, final=A)
        self.read(make_case_type("teacher"), one, first=A, final=A)
        assert reliance(case_type, reader=one).changed == Share(1, 1)
        assert reliance(case_type, reader=other).changed == Share(0, 1)
        assert reliance(case_type).changed == Share(1, 2)

    def test_the_time_with_and_without_the_machine_is_told_apart(self) -> None:
        case_type, reader = make_case_type("teacher"), make_user("auditor")
        self.read(case_type, reader, first=A, final=A)
        case = make_case(case_type, state=State.CLOSED)
        make_decision(case, by=reader, task=make_task(case), active_seconds=12.0, shown=True)
        assert (pace_blind(case_type).seconds, pace_with_machine(case_type).seconds) == (30.0, 12.0)
        assert pace_with_machine(case_type, reader=make_user("reviewer")).seconds is None
