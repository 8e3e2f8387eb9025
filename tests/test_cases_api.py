"""The API of cases, as an integration and a person meet it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from cases.models import Case, CaseType
from tests.callers import Api
from tests.factories import make_case, make_case_type, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


@pytest.fixture
def case_type() -> CaseType:
    return make_case_type(key="support-email", classifier="local")


@pytest.fixture
def api() -> Api:
    return Api(make_user("integration", username="zendesk"))


BODY = {
    "case_type": "support-email",
    "source": "zendesk",
    "external_id": "msg-1",
    "priority": "normal",
    "requester": "customer-77",
    "payload": {"text": "I was charged twice"},
    "context": [{"title": "Order 991", "text": "…", "url": "https://shop.example/991"}],
    "prediction": {
        "output": {"label": "refund", "amount": 40},
        "confidence": 0.83,
        "rationale": "…",
        "evidence": [{"field": "payload.text", "start": 6, "end": 19}],
        "model": "m",
        "model_version": "3",
    },
    "metadata": {},
}


def test_a_case_is_created_then_recognised_then_in_conflict(api: Api, case_type: CaseType) -> None:
    made, again = api.post("/cases/", BODY), api.post("/cases/", BODY)
    other = api.post("/cases/", {**BODY, "requester": "somebody else"})
    assert [made.status_code, again.status_code, other.status_code] == [201, 200, 409]
    assert made.json() == again.json()
    assert other["Content-Type"] == "application/problem+json"
    assert other.json()["errors"]


def test_a_case_answers_what_the_contract_says(api: Api, case_type: CaseType) -> None:
    body = api.post("/cases/", BODY).json()
    names = "id url state case_type source external_id priority requester label confidence reason created_at due_at closed_at"
    assert set(names.split()) <= set(body)
    assert "sampled" not in body
    assert isinstance(body["id"], int)
    assert body["url"].endswith(f"/api/v1/cases/{body['id']}/")
    assert (body["state"], body["priority"], body["created_at"][-1]) == ("received", "normal", "Z")


def test_every_answer_carries_a_request_id(api: Api, case_type: CaseType) -> None:
    assert api.post("/cases/", BODY)["X-Request-ID"]
    assert api.post("/cases/", {})["X-Request-ID"]


def test_the_idempotency_key_is_honoured(api: Api, case_type: CaseType) -> None:
    body = {"case_type": "support-email", "payload": {"text": "x"}}
    first = api.post("/cases/", body, **{"Idempotency-Key": "k"})
    again = api.post("/cases/", body, **{"Idempotency-Key": "k"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert api.post("/cases/", body, **{"Idempotency-Key": "x" * 300}).status_code == 422


def test_the_good_ones_of_a_bulk_are_kept(api: Api, case_type: CaseType) -> None:
    cases = [
        BODY,
        BODY,
        {**BODY, "requester": "x"},
        {"case_type": "support-email"},
        {**BODY, "external_id": "msg-2"},
        7,
    ]
    answer = api.post("/cases/bulk/", {"cases": cases})
    body = answer.json()
    assert answer.status_code == 200
    assert (body["accepted"], body["existing"], body["rejected"]) == (2, 1, 3)
    assert [row["status"] for row in body["results"]] == [
        "created",
        "existing",
        "conflict",
        "invalid",
        "created",
        "invalid",
    ]
    assert [row["index"] for row in body["results"]] == list(range(6))
    assert list(body["results"][3]["errors"]) == ["payload"]


def test_the_list_shows_and_filters(api: Api, case_type: CaseType) -> None:
    api.post("/cases/", BODY)
    api.post("/cases/", {**BODY, "external_id": "msg-2", "priority": "urgent"})
    found = api.get("/cases/?priority=urgent&case_type=support-email&state=received&requester=customer-77").json()
    assert [row["external_id"] for row in found["results"]] == ["msg-2"]
    assert set(found) == {"next", "previous", "results"}
    assert [row["external_id"] for row in api.get("/cases/").json()["results"]] == ["msg-2", "msg-1"]


def test_an_integration_sees_its_own_cases_only(api: Api, case_type: CaseType) -> None:
    make_case(case_type)
    assert api.get("/cases/").json()["results"] == []


@pytest.mark.parametrize(
    "query",
    [
        "state=nowhere",
        "priority=9",
        "created_after=yesterday",
        "reason=none",
        "requester=%00",
        "assignee__password__startswith=a",
        "label=" + "x" * 300,
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(api: Api, query: str) -> None:
    assert api.get(f"/cases/?{query}").status_code == 422


def test_a_list_takes_the_same_number_of_queries_for_one_case_as_for_fifty(
    api: Api, case_type: CaseType, django_assert_num_queries: Any
) -> None:
    make_case(case_type, sender=api.user)
    api.get("/cases/")
    with django_assert_num_queries(3):
        api.get("/cases/")
    for _number in range(50):
        make_case(case_type, sender=api.user)
    with django_assert_num_queries(3):
        assert len(api.get("/cases/?page_size=60").json()["results"]) == 51


def test_nobody_without_a_role_sends_or_sees(case_type: CaseType) -> None:
    reviewer, stranger = Api(make_user("reviewer")), Api(make_user())
    assert reviewer.post("/cases/", BODY).status_code == 403
    assert stranger.get("/cases/").json()["results"] == []
    assert Client().post("/api/v1/cases/", BODY, content_type="application/json").status_code == 401
    assert Case.objects.count() == 0


def test_a_priority_that_does_not_exist_is_refused_with_those_that_do(api: Api, case_type: CaseType) -> None:
    answer = api.post("/cases/", {**BODY, "priority": "super"})
    assert answer.json()["errors"] == {"priority": ["Choose one of: urgent, high, normal, low"]}
