"""Home, by role: what each finds there, what nobody else does, and that it stays cheap."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.models import ApiToken
from cases.models.choices import Reason, State
from hitl_project.roles import ROLES
from review.models import Profile, ReviewTask
from tests import factories as make

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
MOST_QUERIES = 22


def home(user: User) -> Any:
    client = Client()
    client.force_login(user)
    return client.get(reverse("admin:index"))


def person(role: str, **fields: Any) -> User:
    return make.make_user(role, is_staff=True, **fields)


def page(user: User) -> str:
    text: str = home(user).content.decode()
    return text


def test_before_anything_is_set_up_it_says_what_to_do(redis: None) -> None:
    assert "Nothing is set up yet" in page(person("administrator"))
    assert "An administrator does this" in page(person("reviewer"))


def test_a_reviewer_sees_what_they_claimed_hold_and_were_handed() -> None:
    reviewer = person("reviewer")
    case_type = make.make_case_type()
    claimed, held, handed = (make.make_task(make.make_case(case_type), claimed_by=reviewer) for _number in range(3))
    ReviewTask.objects.filter(pk=held.pk).update(hold_reason="the customer is asked")
    ReviewTask.objects.filter(pk=handed.pk).update(claimed_at=None)
    answer = home(reviewer)
    assert {task.pk for task in answer.context["hands"]} == {claimed.pk, held.pk, handed.pk}
    text = answer.content.decode()
    assert "the customer is asked" in text
    assert "handed to you" in text


def test_what_is_due_next_leaves_out_what_others_have_in_hand_and_other_queues() -> None:
    reviewer = person("reviewer")
    late = make.make_task(due_at=timezone.now() - timedelta(hours=2))
    soon = make.make_task()
    make.make_task(claimed_by=person("reviewer"))
    make.make_task(queue=make.make_queue("experts", groups=("expert",)))
    assert [task.pk for task in home(reviewer).context["due_next"]] == [late.pk, soon.pk]


def test_why_a_case_read_blind_came_here_is_not_told_on_the_way_to_it() -> None:
    case = make.make_case(state=State.IN_REVIEW, label="refund")
    make.make_task(case, blind=True, reason=Reason.LOW_CONFIDENCE)
    text = page(person("reviewer"))
    assert "read blind" in text
    assert "low confidence" not in text


def test_an_account_without_a_queue_is_told_so() -> None:
    make.make_case_type()
    make.make_queue("front-desk").groups.clear()
    assert "You work in no queue yet" in page(person("reviewer"))


def test_a_supervisor_sees_who_holds_what_who_decided_and_who_is_on_duty() -> None:
    reviewer = person("reviewer", first_name="Rita", last_name="Calloway")
    Profile.objects.create(user=reviewer, on_duty=True)
    make.make_task(claimed_by=reviewer)
    task = make.make_task()
    make.make_decision(task.case, by=reviewer, task=task)
    answer = home(person("supervisor"))
    (member,) = [member for member in answer.context["team"] if member.user == reviewer]
    assert (member.on_duty, member.claimed, member.held, member.decided) == (True, 1, 0, 1)
    assert "Rita Calloway" in answer.content.decode()


def test_a_held_decision_waits_for_another_supervisor_than_the_one_who_decided() -> None:
    decider, other = person("supervisor"), person("supervisor")
    queue = make.make_queue("supervisors", groups=("supervisor",), kind="supervisor")
    case = make.make_case(state=State.DECIDED)
    make.make_decision(case, by=decider, held=True)
    task = make.make_task(case, queue=queue, reason=Reason.SECOND_APPROVAL)
    assert [row.pk for row in home(other).context["second"]] == [task.pk]
    assert home(decider).context["second"] == []
    assert task.pk not in [row.pk for row in home(decider).context["due_next"]]


def test_a_proposed_policy_waits_for_somebody_elses_approval() -> None:
    author, other = person("supervisor"), person("supervisor")
    policy = make.make_policy(make.make_case_type(), status="proposed", author_account=author)
    assert home(other).context["proposed"] == [policy]
    assert home(author).context["proposed"] == []


def test_an_auditor_finds_their_queue_and_the_errors_found() -> None:
    make.make_queue("quality", groups=("auditor",), kind="quality")
    make.make_case_type()
    answer = home(person("auditor"))
    assert answer.context["quality"]["wrong"] == []
    assert "No error among the latest samples" in answer.content.decode()


def test_a_manager_sees_figures_and_no_case() -> None:
    make.make_task(make.make_case(state=State.IN_REVIEW, requester="customer-77"))
    answer = home(person("manager"))
    assert len(answer.context["headlines"]) >= 5
    assert "customer-77" not in answer.content.decode()
    assert "hands" not in answer.context


def test_an_administrator_is_told_what_is_missing_or_ends_soon(redis: None) -> None:
    case_type = make.make_case_type(name="Letters")
    case_type.policies.update(status="retired")
    make.make_queue("nobody-home", groups=())
    make.make_endpoint(enabled=False, disabled_reason="410 Gone")
    soon = timezone.now() + timedelta(days=3)
    ApiToken.objects.create(user=make.make_user(username="shop"), prefix="abc", digest="d" * 64, expires_at=soon)
    told = " ".join(need.text for need in home(person("administrator")).context["needs"])
    assert "Letters" in told
    assert "Nobody Home" in told
    assert "crm" in told
    assert "shop" in told


def test_an_integration_sees_its_own_cases_and_keys_alone() -> None:
    shop, other = person("integration"), person("integration")
    mine, theirs = make.make_case(sender=shop), make.make_case(sender=other)
    ApiToken.objects.create(user=shop, prefix="mine12", digest="a" * 64)
    ApiToken.objects.create(user=other, prefix="theirs", digest="b" * 64)
    answer = home(shop)
    assert [case.pk for case in answer.context["sender"]["cases"]] == [mine.pk]
    text = answer.content.decode()
    assert "mine12" in text
    assert "theirs" not in text
    assert f"#{theirs.pk}<" not in text


@pytest.mark.parametrize("role", ROLES)
def test_each_home_costs_few_queries_however_much_there_is(
    role: str, redis: None, django_assert_max_num_queries: Any
) -> None:
    user = person(role)
    case_type = make.make_case_type()
    make.make_queue("quality", groups=("auditor",), kind="quality")
    for number in range(12):
        make.make_queue(f"queue-{number}")
        make.make_task(make.make_case(case_type, sender=user), claimed_by=user if number % 2 else None)
        task = make.make_task(make.make_case(case_type))
        make.make_decision(task.case, by=person("reviewer"), task=task)
    client = Client()
    client.force_login(user)
    client.get(reverse("admin:index"))  # the session's first page keeps the reader's language and zone in it
    with django_assert_max_num_queries(MOST_QUERIES):
        assert client.get(reverse("admin:index")).status_code == 200
