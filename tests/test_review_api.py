"""The review calls as a whole: lists, the feed, and what they cost."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from cases.models.choices import State
from tests.callers import Api
from tests.factories import make_case, make_case_type, make_decision, make_prediction, make_queue, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def decided(count: int) -> list[int]:
    case_type, user = make_case_type(), make_user("reviewer")
    cases = [make_case(case_type, state=State.CLOSED) for _ in range(count)]
    return [make_decision(case, by=user, task=make_task(case)).pk for case in cases]


def test_the_feed_tells_every_decision_once_in_order_across_pages() -> None:
    ids, api = decided(7), Api(make_user("supervisor"))
    seen: list[int] = []
    since, pages = "", 0
    while True:
        body = api.get(f"/decisions/?page_size=3&since={since}").json()
        seen += [row["id"] for row in body["results"]]
        since, pages = body["cursor"], pages + 1
        if body["next"] is None:
            break
    assert (seen, pages) == (ids, 3)
    assert api.get(f"/decisions/?since={since}").json()["results"] == []
    more = decided(1)
    assert [row["id"] for row in api.get(f"/decisions/?since={since}").json()["results"]] == more


def test_the_feed_may_be_read_from_a_moment_and_for_one_case_type() -> None:
    before = timezone.now().isoformat().replace("+", "%2B")
    ids, api = decided(2), Api(make_user("supervisor"))
    assert [row["id"] for row in api.get(f"/decisions/?since={before}").json()["results"]] == ids
    assert api.get("/decisions/?case_type=none").json()["results"] == []


@pytest.mark.parametrize(
    "query", ["since=yesterday", "since=2026-01-01", "page_size=0", "page_size=201", "page_size=x", "since=-1"]
)
def test_a_feed_asked_for_wrongly_says_which_word_is_wrong(query: str) -> None:
    answer = Api(make_user("supervisor")).get(f"/decisions/?{query}")
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [query.partition("=")[0]]


def test_a_feed_may_be_asked_for_any_number_however_large() -> None:
    assert Api(make_user("supervisor")).get(f"/decisions/?since={10**40}").json()["results"] == []


def test_an_integration_reads_the_decisions_on_its_own_cases_only() -> None:
    sender = make_user("integration")
    mine = make_case(state=State.CLOSED, sender=sender)
    decided(2)
    own = make_decision(mine)
    assert [row["id"] for row in Api(sender).get("/decisions/").json()["results"]] == [own.pk]


def test_tasks_are_found_by_queue_reason_lateness_and_holder() -> None:
    user = make_user("reviewer")
    api, case_type = Api(user), make_case_type()
    mine = make_task(make_case(case_type, state=State.IN_REVIEW), claimed_by=user)
    late = make_task(make_case(case_type, state=State.IN_REVIEW), due_at=timezone.now(), reason="low_confidence")
    other = make_task(make_case(case_type, state=State.IN_REVIEW), queue=make_queue("second"))

    def found(query: str) -> set[int]:
        return {row["id"] for row in api.get(f"/tasks/?{query}").json()["results"]}

    assert found("") == {mine.pk, late.pk, other.pk}
    assert found("mine=true") == {mine.pk}
    assert found("overdue=true") == {late.pk}
    assert found("reason=low_confidence") == {late.pk}
    assert found("queue=second") == {other.pk}
    assert found("queue=nowhere") == set()
    assert api.get("/tasks/?reason=nonsense").status_code == 422


def test_what_one_may_not_see_is_404_and_what_one_may_see_and_not_do_is_403() -> None:
    task = make_task(queue=make_queue("experts", groups=("expert",)))
    assert Api(make_user("reviewer")).post(f"/tasks/{task.pk}/claim/").status_code == 404
    assert Api(make_user("supervisor")).post(f"/cases/{task.case_id}/cancel/", {"reason": "x"}).status_code == 403
    assert Api(make_user("reviewer")).get(f"/cases/{task.case_id}/").status_code == 404


@pytest.mark.parametrize(
    "body",
    [{}, {"lease_token": "1"}, {"lease_token": True}, {"lease_token": 1, "state": "closed"}, []],
)
def test_a_malformed_call_is_a_problem_and_never_a_500(body: Any) -> None:
    user = make_user("reviewer")
    task = make_task(claimed_by=user)
    api = Api(user)
    for verb in ("heartbeat", "release", "decide", "raise", "answer"):
        answer = api.post(f"/tasks/{task.pk}/{verb}/", body)
        assert answer.status_code in (400, 422), (verb, answer.content)
        assert answer["content-type"] == "application/problem+json"


def crowd(count: int) -> None:
    case_type, user = make_case_type(), make_user("reviewer")
    for n in range(count):
        case = make_case(case_type, state=State.IN_REVIEW)
        make_prediction(case)
        make_task(case, claimed_by=user if n % 2 else None)


def test_the_task_list_costs_the_same_however_long(django_assert_max_num_queries: Any) -> None:
    crowd(25)
    api = Api(make_user("reviewer"))
    with django_assert_max_num_queries(10):
        assert len(api.get("/tasks/?page_size=100").json()["results"]) == 25


def test_the_decision_feed_costs_the_same_however_long(django_assert_max_num_queries: Any) -> None:
    decided(25)
    api = Api(make_user("supervisor"))
    with django_assert_max_num_queries(14):
        assert len(api.get("/decisions/").json()["results"]) == 25


def test_a_case_in_full_costs_the_same_however_much_happened(django_assert_max_num_queries: Any) -> None:
    case = make_case(state=State.IN_REVIEW)
    for n in range(1, 8):
        make_prediction(case)
        make_decision(case, by=make_user("reviewer"), task=make_task(case), case_version=n)
    make_task(case, claimed_by=make_user("reviewer"))
    api = Api(make_user("supervisor"))
    with django_assert_max_num_queries(18):
        body = api.get(f"/cases/{case.pk}/").json()
    assert [len(body[name]) for name in ("predictions", "tasks", "decisions")] == [7, 8, 7]
