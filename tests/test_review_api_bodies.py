"""What the calls of the desk take, in which words, and how they refuse the rest."""

from __future__ import annotations

from typing import Any

import pytest

from review.models import Calendar, ReviewTask
from tests.callers import Api
from tests.factories import make_case, make_case_type, make_prediction, make_queue, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


@pytest.fixture
def api() -> Api:
    return Api(make_user("supervisor", username="sam"))


@pytest.fixture
def task(api: Api) -> ReviewTask:
    case = make_case(state="in_review")
    make_prediction(case)
    make_queue("seniors", kind="supervisor")
    return make_task(case, claimed_by=api.user)


@pytest.mark.parametrize("call", ["/tasks/claim/", "/tasks/1/decide/", "/decisions/1/override/", "/cases/1/outcome/"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}", 422),
        (b'{"a": NaN}', 422),
        (b'{"a": 1, "a": 2}', 422),
        (b'{"a": "\\ud800"}', 422),
        (b'{"a": ' + b"9" * 5000 + b"}", 422),
        (b'{"a": "' + b"x" * 2_000_000 + b'"}', 413),
        (b'{"a": ', 422),
    ],
    ids=["deep", "nan", "twice", "surrogate", "digits", "large", "cut"],
)
def test_a_hostile_body_is_refused_by_every_call(call: str, body: bytes, status: int, api: Api) -> None:
    caller = Api(make_user("integration")) if "outcome" in call else api
    answer = caller.post(call, body)
    assert (answer.status_code, list(answer.json())) == (status, ["type", "title", "status", "detail", "errors"])


@pytest.mark.parametrize(("token", "status"), [("stale", 409), (7, 409), (10**15, 409), (True, 422), (None, 422)])
def test_a_token_that_is_not_ours_holds_no_lease(token: Any, status: int, api: Api, task: ReviewTask) -> None:
    assert api.post(f"/tasks/{task.pk}/heartbeat/", {"lease_token": token}).status_code == status


@pytest.mark.parametrize("word", ["reason", "note"])
def test_a_task_is_raised_with_a_reason_under_either_name(word: str, api: Api, task: ReviewTask) -> None:
    assert api.post(f"/tasks/{task.pk}/raise/", {"lease_token": 1}).status_code == 422
    assert api.post(f"/tasks/{task.pk}/raise/", {"lease_token": 1, word: "odd"}).status_code == 200


@pytest.mark.parametrize(
    ("query", "count"), [("mine=1", 1), ("mine=true", 1), ("mine=0", 0), ("overdue=false", 1), ("overdue=1", 0)]
)
def test_yes_and_no_are_understood_in_every_spelling(query: str, count: int, api: Api, task: ReviewTask) -> None:
    assert len(api.get(f"/tasks/?{query}").json()["results"]) == count


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/tasks/?mine=perhaps", "mine"),
        ("/tasks/?%25d=1", "%d"),
        ("/tasks/?assignee__password__startswith=a", "assignee__password__startswith"),
        ("/cases/?created_before=9999-12-31T23:59:59-14:00", "created_before"),
        ("/cases/?created_after=0001-01-01T00:00:00%2B14:00", "created_after"),
        ("/decisions/?since=9999-12-31T23:59:59-14:00", "since"),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused_by_name(path: str, field: str, api: Api) -> None:
    answer = api.get(path)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])


def test_the_cursor_of_an_empty_page_is_the_one_that_was_given(api: Api) -> None:
    assert api.get("/decisions/?since=7").json()["cursor"] == 7


def test_policies_and_queues_tell_all_that_they_say(api: Api) -> None:
    office = Calendar.objects.create(key="office", name="Office", hours={"mon": [["09:00", "17:00"]]})
    more = {"calendar": office, "reason_rate": 0.1, "reading_floor_seconds": 5, "on_flag": "pause"}
    make_case_type(policy=more)
    (policy,) = api.get("/policies/").json()["results"]
    assert {name: policy[name] for name in more} == {**more, "calendar": "office"}
    (queue,) = api.get("/queues/").json()["results"]
    assert (queue["weight"], queue["on_breach"]) == (1, "alert")
