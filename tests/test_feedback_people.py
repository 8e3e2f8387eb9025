"""How I decide, for oneself alone; the team by name, for those who lead or audit it."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from feedback import calibration
from feedback.calibration import LEAST
from feedback.models import SecondRead
from review.models import Decision
from tests.factories import make_case, make_case_type, make_decision, make_prediction, make_queue, make_task, make_user
from tests.gold import answer, planted

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def settled(user: Any, case_type: Any, *, machine: str, said: str, right: str) -> Decision:
    """A decision on a shown answer, read again and settled."""
    case = make_case(case_type, state="closed")
    made = make_prediction(case, label=machine)
    task = make_task(case, claimed_by=user)
    decision = make_decision(case, by=user, task=task, output={"label": said}, label=said, prediction=made, shown=True)
    now, read = timezone.now(), {"probability": 1.0, "case_type": case_type, "output": {"label": right}}
    SecondRead.objects.create(decision=decision, settled={"label": right}, settled_at=now, read_at=now, **read)
    return decision


def test_following_a_wrong_machine_and_changing_a_right_one_are_told_apart() -> None:
    user, case_type = make_user("reviewer"), make_case_type()
    settled(user, case_type, machine="billing", said="billing", right="refund")
    settled(user, case_type, machine="billing", said="refund", right="refund")
    settled(user, case_type, machine="refund", said="other", right="refund")
    settled(make_user("reviewer"), case_type, machine="billing", said="billing", right="refund")
    [found] = calibration.calibration_of(user)
    assert (found.all.over.part, found.all.over.whole) == (1, 2)
    assert (found.all.under.part, found.all.under.whole) == (1, 1)
    assert [(row.name, row.over.whole, row.under.whole) for row in found.labels] == [
        ("billing", 2, 0),
        ("refund", 0, 1),
    ]


def test_too_few_cases_say_nothing_and_many_say_it_with_an_interval(client: Client) -> None:
    user, case_type = make_user("reviewer", is_staff=True), make_case_type()
    for _number in range(LEAST - 1):
        settled(user, case_type, machine="billing", said="billing", right="refund")
    client.force_login(user)
    page = client.get("/admin/how-i-decide/").content.decode()
    assert "not enough data" in page
    assert "too much trust" not in page
    settled(user, case_type, machine="billing", said="billing", right="refund")
    page = client.get("/admin/how-i-decide/").content.decode()
    assert "10 of 10; 95 %: 69 %" in page.replace("\xa0", " ").replace("&nbsp;", " ")
    assert "too much trust" in page


def test_known_cases_count_for_catching_and_for_trust() -> None:
    user, case_type = make_user("reviewer"), make_case_type("exception_handler")
    for caught in (True, True, False):
        answer(planted(case_type, reader=user), user, caught=caught)
    [found] = calibration.calibration_of(user)
    assert (found.catch.part, found.catch.whole) == (2, 3)
    assert (found.all.over.part, found.all.over.whole) == (1, 3)


def test_ones_own_page_tells_each_known_case_and_why_and_nobody_elses(client: Client) -> None:
    user, other = make_user("reviewer", is_staff=True), make_user("reviewer", is_staff=True)
    task = planted()
    answer(task, user, caught=False)
    client.force_login(user)
    page = client.get("/admin/how-i-decide/").content.decode()
    assert f"#{task.case_id}" in page
    assert "The text says so." in page
    client.force_login(other)
    page = client.get("/admin/how-i-decide/").content.decode()
    assert f"#{task.case_id}" not in page
    assert "Nothing to tell yet" in page


def test_an_open_known_case_is_not_on_the_page(client: Client) -> None:
    user = make_user("reviewer", is_staff=True)
    task = planted()
    client.force_login(user)
    assert f"#{task.case_id}" not in client.get("/admin/how-i-decide/").content.decode()


def test_the_team_is_listed_by_name_whoever_catches_more(client: Client) -> None:
    make_queue()
    worst, best = make_user("reviewer", username="anna"), make_user("reviewer", username="zoe")
    for user, caught in ((best, True), (worst, False)):
        answer(planted(), user, caught=caught)
    client.force_login(make_user("supervisor", is_staff=True))
    page = client.get("/admin/team/?o=-caught").content.decode()
    assert page.index("anna") < page.index("zoe")
    assert "0 of 1" in page


@pytest.mark.parametrize(("role", "status"), [("supervisor", 200), ("auditor", 200), ("manager", 200)])
def test_who_leads_or_audits_opens_the_team_and_managers_see_it_as_one(client: Client, role: str, status: int) -> None:
    user = make_user("reviewer", username="anna")
    answer(planted(), user, caught=True)
    client.force_login(make_user(role, is_staff=True))
    answered = client.get("/admin/team/")
    assert answered.status_code == status
    assert ("anna" in answered.content.decode()) == (role != "manager")


@pytest.mark.parametrize("role", ["reviewer", "expert", "administrator", "integration"])
def test_nobody_else_opens_the_team(client: Client, role: str) -> None:
    client.force_login(make_user(role, is_staff=True))
    assert client.get("/admin/team/").status_code == 404


@pytest.mark.parametrize("role", ["manager", "administrator", "integration"])
def test_who_decides_nothing_has_no_page_of_deciding(client: Client, role: str) -> None:
    client.force_login(make_user(role, is_staff=True))
    assert client.get("/admin/how-i-decide/").status_code == 404


def test_the_figures_cost_the_same_few_queries_however_many_decisions(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    user, case_type = make_user("reviewer"), make_case_type()
    for _number in range(6):
        settled(user, case_type, machine="billing", said="refund", right="refund")
    with django_assert_max_num_queries(8):
        calibration.calibration_of(user)
