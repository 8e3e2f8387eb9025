"""The session summary: one's own day, for oneself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.models import CaseType
from cases.models.choices import State
from review.models import Approval, Decision, DecisionBatch
from review.summary import summary_of
from tests.factories import make_case, make_case_type, make_decision, make_prediction, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def decided(user: User, case_type: CaseType, *, seconds: float | None = 20, **fields: Any) -> Decision:
    case = make_case(case_type, state=State.CLOSED)
    task = make_task(case, assignee=user, claimed_at=timezone.now())
    return make_decision(case, by=user, task=task, active_seconds=seconds, **fields)


def test_the_day_counts_ones_own_decisions_by_what_they_were() -> None:
    user, mails, refunds = make_user("reviewer"), make_case_type(name="Mails"), make_case_type(name="Refunds")
    batch = DecisionBatch.objects.create(by=user)
    decided(user, mails, seconds=10)
    decided(user, mails, seconds=30, batch=batch)
    decided(user, mails, seconds=None, outcome="amend", override=True)
    decided(user, refunds, seconds=50, outcome="reject", override=True)
    decided(make_user("reviewer"), mails)
    day = summary_of(user)
    assert (day.decided, day.approved, day.changed, day.rejected, day.together) == (4, 2, 1, 1, 1)
    assert day.seconds == 30
    assert [(row.name, row.decided, row.changed, row.seconds) for row in day.rows] == [
        ("Mails", 3, 1, 20),
        ("Refunds", 1, 1, 50),
    ]


def test_the_usual_is_ones_own_earlier_pace() -> None:
    user, case_type = make_user("reviewer"), make_case_type()
    for seconds in (40, 60, 90):
        decided(user, case_type, seconds=seconds, decided_at=timezone.now() - timedelta(days=2))
    decided(make_user("reviewer"), case_type, seconds=1, decided_at=timezone.now() - timedelta(days=2))
    day = summary_of(user)
    assert (day.decided, day.seconds, day.usual) == (0, None, 60)


def test_raised_tasks_read_samples_and_second_approvals_count_beside_the_decisions() -> None:
    user, case_type = make_user("supervisor"), make_case_type()
    now: dict[str, Any] = {"assignee": user, "claimed_at": timezone.now(), "closed_at": timezone.now()}
    make_task(make_case(case_type), ending="raised", **now)
    make_task(make_case(case_type), ending="decided", reason="sample", **now)
    Approval.objects.create(decision=decided(make_user("reviewer"), case_type, held=True), approved=True, by=user)
    day = summary_of(user)
    assert (day.decided, day.raised, day.samples, day.second_approvals) == (0, 1, 1, 1)


def test_what_was_sent_back_or_found_wrong_since_is_told_with_the_note() -> None:
    user, case_type = make_user("reviewer"), make_case_type()
    back, wrong, fine = (decided(user, case_type, held=number == 0) for number in range(3))
    Approval.objects.create(decision=back, approved=False, by=make_user("supervisor"), note="receipt?")
    make_task(wrong.case, reason="reported_error", note="the customer called")
    news = summary_of(user).news
    assert {(one.case_id, one.how, one.note) for one in news} == {
        (back.case_id, "sent_back", "receipt?"),
        (wrong.case_id, "reported_error", "the customer called"),
    }
    assert fine.case_id not in {one.case_id for one in news}


def test_nothing_is_told_of_a_case_that_somebody_now_reads_blind() -> None:
    user = make_user("reviewer")
    wrong = decided(user, make_case_type())
    make_task(wrong.case, reason="reported_error", note="said refund", blind=True)
    assert summary_of(user).news == []


def test_the_summary_costs_the_same_after_one_decision_and_after_forty() -> None:
    user, case_type = make_user("reviewer"), make_case_type()
    decided(user, case_type)
    with CaptureQueriesContext(connection) as few:
        summary_of(user)
    for _number in range(40):
        decided(user, case_type)
    with CaptureQueriesContext(connection) as many:
        summary_of(user)
    assert len(many) == len(few) <= 9


def page(user: User) -> str:
    client = Client()
    client.force_login(user)
    answer = client.get(reverse("desk:summary"))
    assert answer.status_code == 200
    return answer.content.decode()


def test_the_page_shows_the_readers_own_day_and_links_the_news() -> None:
    user, case_type = make_user("reviewer", is_staff=True), make_case_type(name="Mails")
    wrong = decided(user, case_type)
    make_task(wrong.case, reason="reported_error", note="<b>the customer called</b>")
    html = page(user)
    assert "Mails" in html
    assert reverse("admin:cases_case_change", args=[wrong.case_id]) in html
    assert "&lt;b&gt;the customer called" in html
    assert "Mails" not in page(make_user("supervisor", is_staff=True))


def test_a_day_without_work_is_a_calm_page() -> None:
    assert "Nothing yet" in page(make_user("reviewer", is_staff=True))


def test_who_does_not_work_at_the_desk_has_no_day() -> None:
    client = Client()
    client.force_login(make_user("manager", is_staff=True))
    assert client.get(reverse("desk:summary")).status_code == 403


def test_an_erased_case_leaves_its_figures() -> None:
    user = make_user("reviewer")
    made = decided(user, make_case_type())
    make_prediction(made.case)
    Decision.objects.update(output={"label": "refund"}, note="", reason="")
    assert summary_of(user).decided == 1
