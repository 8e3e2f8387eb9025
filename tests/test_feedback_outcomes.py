"""News from downstream."""

from __future__ import annotations

from typing import Any

import pytest

from cases.models import Case
from cases.models.choices import State
from feedback.models import Correction, OutcomeReport
from review.models import ReviewTask
from tests.callers import Api
from tests.factories import make_case, make_decision, make_prediction, make_queue, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
WRONG = {"correct": False, "output": {"label": "other"}, "source": "erp", "note": "came back"}


@pytest.fixture
def sender(db: None) -> Api:
    make_queue("seniors", kind="supervisor", groups=("supervisor",))
    return Api(make_user("integration"))


def closed(sender: Api) -> Case:
    case = make_case(state=State.CLOSED, sender=sender.user)
    make_decision(case, by=make_user("reviewer"), task=make_task(case), prediction=make_prediction(case))
    return case


def report(api: Api, case: Case, **body: Any) -> Any:
    return api.post(f"/cases/{case.pk}/outcome/", {**WRONG, **body})


def test_a_wrong_decision_reopens_the_case_and_is_a_correction(sender: Api) -> None:
    case = closed(sender)
    answer = report(sender, case)
    assert answer.status_code == 201
    case.refresh_from_db()
    task = ReviewTask.objects.open().get()
    assert (case.state, case.version, task.reason, task.note) == (State.IN_REVIEW, 2, "reported_error", "came back")
    assert (Correction.objects.get().source, Correction.objects.get().label_after) == ("outcome", "other")


def test_the_same_report_again_changes_nothing_and_another_is_a_conflict(sender: Api) -> None:
    case = closed(sender)
    first = report(sender, case).json()
    again = report(sender, case)
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    assert report(sender, case, output={"label": "billing"}).status_code == 409
    assert report(sender, case, correct=True, output=None).status_code == 409
    assert (OutcomeReport.objects.count(), ReviewTask.objects.open().count()) == (1, 1)


def test_a_right_decision_is_noted_and_stays(sender: Api) -> None:
    case = closed(sender)
    assert report(sender, case, correct=True, output=None).status_code == 201
    case.refresh_from_db()
    assert (case.state, Correction.objects.count()) == (State.CLOSED, 0)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"output": {"label": "unheard"}}, "output.label"),
        ({"output": {"label": "refund"}}, "output"),
        ({"source": " "}, "source"),
        ({"source": "x" * 121}, "source"),
        ({"correct": "no"}, "correct"),
        ({"verdict": 1}, "verdict"),
    ],
)
def test_a_report_that_makes_no_sense_is_refused_by_field(sender: Api, change: dict[str, Any], field: str) -> None:
    answer = report(sender, closed(sender), **change)
    assert answer.status_code == 422
    assert field in answer.json()["errors"]
    assert not OutcomeReport.objects.exists()


def test_a_case_nobody_has_decided_has_no_outcome(sender: Api) -> None:
    answer = report(sender, make_case(sender=sender.user))
    assert answer.status_code == 409
    assert "has not been decided" in answer.json()["detail"]


def test_a_second_source_cannot_reopen_what_is_open_already(sender: Api) -> None:
    case = closed(sender)
    report(sender, case)
    answer = report(sender, case, source="crm")
    assert answer.status_code == 409
    assert "awaits a new decision" in answer.json()["detail"]


def test_who_did_not_send_the_case_may_not_report_on_it(sender: Api) -> None:
    case = closed(sender)
    assert report(Api(make_user("integration")), case).status_code == 404
    assert report(Api(make_user("reviewer")), case).status_code in (403, 404)
