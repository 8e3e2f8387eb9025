"""The command palette finds what an account may see, by numbers and names that an index answers, and nothing more."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from cases.models import Case
from cases.models.choices import State
from hitl_project.palette import MOST_CASES
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def ask(user: User, term: str = "") -> Any:
    client = Client()
    client.force_login(user)
    answer = client.get(reverse("admin:palette"), {"q": term} if term else {})
    assert answer.status_code == 200
    return answer.json()["groups"]


def found(user: User, term: str) -> list[str]:
    return [item["title"].split(" ")[0] for group in ask(user, term) for item in group["items"]]


def in_review(**fields: Any) -> Case:
    case = make.make_case(state=State.IN_REVIEW, **fields)
    make.make_task(case)
    return case


def person(role: str = "reviewer") -> User:
    return make.make_user(role, is_staff=True)


def test_a_case_is_found_by_number_external_id_and_the_beginning_of_its_requester() -> None:
    case = in_review(external_id="msg-1", requester="customer-77")
    in_review(external_id="msg-2", requester="shop-1")
    reviewer = person()
    for term in (str(case.pk), f"#{case.pk}", "msg-1", "customer-77", "custom"):
        assert found(reviewer, term) == [f"#{case.pk}"], term


def test_a_case_of_another_queue_is_never_found() -> None:
    queue = make.make_queue("experts", groups=("expert",))
    case = make.make_case(state=State.IN_REVIEW, external_id="secret-1", requester="customer-9")
    make.make_task(case, queue=queue)
    reviewer = person()
    assert [found(reviewer, term) for term in (f"#{case.pk}", "secret-1", "customer-9")] == [[], [], []]
    assert found(person("expert"), "secret-1") == [f"#{case.pk}"]


def test_who_sees_no_case_finds_none() -> None:
    case = in_review(external_id="msg-1")
    assert found(person("manager"), str(case.pk)) == []


def test_an_administrator_finds_a_case_but_not_by_who_asked_and_is_told_no_name() -> None:
    case = in_review(external_id="msg-1", requester="customer-77")
    administrator = person("administrator")
    (group,) = ask(administrator, f"#{case.pk}")
    assert "customer-77" not in group["items"][0]["hint"]
    assert found(administrator, "customer-77") == []


def test_nothing_of_the_machines_answer_is_told() -> None:
    case = make.make_case(state=State.IN_REVIEW, label="refund", confidence=0.73, reason="low_confidence")
    make.make_prediction(case)
    make.make_task(case, blind=True)
    told = str(ask(person(), f"#{case.pk}"))
    assert f"#{case.pk}" in told
    assert "refund" not in told
    assert "confidence" not in told
    assert not re.search(r"0[.,]73|\b73\s?%", told)


def test_the_queries_are_bounded_however_many_cases_answer(django_assert_max_num_queries: Any) -> None:
    case_type = make.make_case_type()
    for _number in range(MOST_CASES + 4):
        make.make_task(make.make_case(case_type, state=State.IN_REVIEW, requester="customer-7"))
    reviewer = person()
    client = Client()
    client.force_login(reviewer)
    client.get(reverse("admin:palette"))
    with django_assert_max_num_queries(10):
        answer = client.get(reverse("admin:palette"), {"q": "customer-7"})
    assert len(answer.json()["groups"][0]["items"]) == MOST_CASES


@pytest.mark.parametrize(
    "term", ["\x00", "#\x00", "9" * 40, "#" + "9" * 40, "٣", "%", "' OR 1=1", "a" * 500, "<script>"]
)
def test_hostile_words_find_nothing_and_break_nothing(term: str) -> None:
    in_review(requester="customer-1")
    assert found(person("supervisor"), term) == []


def test_without_a_query_pages_and_actions_of_the_account_are_given() -> None:
    reviewer = person()
    task = make.make_task(claimed_by=reviewer)
    groups = {group["title"]: group["items"] for group in ask(reviewer)}
    actions = {item["title"]: item for item in groups["Actions"]}
    assert actions["Next case"]["post"] == reverse("desk:start")
    assert actions[f"Go on with #{task.case_id}"]["url"] == reverse("desk:review", args=[task.pk])
    assert actions["Dark appearance"]["theme"] == "dark"
    assert "Home" in [item["title"] for item in groups["My work"]]


def test_a_manager_is_offered_no_next_case() -> None:
    titles = [item["title"] for group in ask(person("manager")) for item in group["items"]]
    assert "Next case" not in titles


def test_a_stranger_is_sent_to_sign_in() -> None:
    answer = Client().get(reverse("admin:palette"), {"q": "1"})
    assert answer.status_code == 302
