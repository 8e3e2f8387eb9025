"""The outcome call as a caller meets it."""

from __future__ import annotations

from typing import Any

import pytest

from cases.models.choices import State
from tests.callers import Api
from tests.factories import make_case, make_decision, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


@pytest.mark.parametrize(
    "body",
    [{}, [], "x", None, {"correct": 1, "source": "erp"}, {"correct": True}, {"correct": True, "source": "e\x00"}],
)
def test_a_malformed_report_is_a_problem_and_never_a_500(body: Any) -> None:
    sender = make_user("integration")
    case = make_case(state=State.CLOSED, sender=sender)
    make_decision(case)
    answer = Api(sender).post(f"/cases/{case.pk}/outcome/", body)
    assert answer.status_code in (400, 422), answer.content
    assert answer["content-type"] == "application/problem+json"


def test_a_report_answers_with_what_was_taken_down() -> None:
    sender = make_user("integration")
    case = make_case(state=State.CLOSED, sender=sender)
    decision = make_decision(case)
    body = Api(sender).post(f"/cases/{case.pk}/outcome/", {"correct": True, "source": "erp", "note": "paid"}).json()
    assert (body["case"], body["decision"], body["correct"], body["source"], body["note"]) == (
        case.pk, decision.pk, True, "erp", "paid",
    )  # fmt: skip
    assert body["reported_at"].endswith("Z")


def test_a_case_that_is_not_there_is_404() -> None:
    assert (
        Api(make_user("integration")).post("/cases/4711/outcome/", {"correct": True, "source": "x"}).status_code == 404
    )
