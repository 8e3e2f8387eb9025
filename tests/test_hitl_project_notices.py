"""The bell: one's own notices, newest first, seen once followed or marked."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from cases.models.choices import State
from review.models import Notice
from tests import factories as make

pytestmark = pytest.mark.django_db


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def notice(user: User, **fields: Any) -> Notice:
    case = fields.pop("case", None) or make.make_case(state=State.IN_REVIEW)
    return Notice.objects.create(user=user, case=case, kind=fields.pop("kind", "mention"), **fields)


@pytest.fixture
def reviewer() -> User:
    return make.make_user("reviewer", is_staff=True)


def test_the_bell_counts_and_lists_what_only_this_account_has_not_seen(reviewer: User) -> None:
    first, second = notice(reviewer, text="look <b>here</b>"), notice(reviewer)
    notice(make.make_user("expert"))
    told = signed_in(reviewer).get(reverse("admin:notices_unseen")).json()
    assert told["count"] == 2
    assert [row["id"] for row in told["notices"]] == [second.pk, first.pk]
    assert told["notices"][1]["text"] == "look <b>here</b>"  # text, which the page shows as text


def test_following_a_notice_leads_to_the_open_task_and_marks_it_seen(reviewer: User) -> None:
    task = make.make_task()
    row = notice(reviewer, case=task.case, task=task, kind="handed_over")
    answer = signed_in(reviewer).get(reverse("admin:notice", args=[row.pk]))
    assert answer.headers["Location"] == reverse("desk:review", args=[task.pk])
    row.refresh_from_db()
    assert row.seen_at is not None


def test_a_notice_of_a_closed_task_leads_to_its_case(reviewer: User) -> None:
    task = make.make_task()
    make.make_decision(task.case, task=task)
    row = notice(reviewer, case=task.case, task=task)
    answer = signed_in(reviewer).get(reverse("admin:notice", args=[row.pk]))
    assert answer.headers["Location"] == reverse("admin:cases_case_change", args=[task.case_id])


def test_somebody_elses_notice_does_not_exist_for_others(reviewer: User) -> None:
    row = notice(make.make_user("expert"))
    assert signed_in(reviewer).get(reverse("admin:notice", args=[row.pk])).status_code == 404
    row.refresh_from_db()
    assert row.seen_at is None


def test_all_can_be_marked_as_seen_at_once(reviewer: User) -> None:
    for _number in range(3):
        notice(reviewer)
    other = notice(make.make_user("expert"))
    client = signed_in(reviewer)
    client.post(reverse("admin:notices_seen"))
    assert client.get(reverse("admin:notices_unseen")).json() == {"count": 0, "notices": []}
    other.refresh_from_db()
    assert other.seen_at is None


def test_the_page_lists_seen_ones_too_and_escapes_what_people_wrote(reviewer: User) -> None:
    notice(reviewer, text="<script>alert(1)</script>")
    client = signed_in(reviewer)
    client.post(reverse("admin:notices_seen"))
    page = client.get(reverse("admin:notices")).content.decode()
    assert "&lt;script&gt;alert(1)" in page


def test_the_bell_costs_the_same_however_many_wait(reviewer: User, django_assert_max_num_queries: Any) -> None:
    case = make.make_case(state=State.IN_REVIEW)
    for _number in range(30):
        notice(reviewer, case=case)
    client = signed_in(reviewer)
    client.get(reverse("admin:notices_unseen"))
    with django_assert_max_num_queries(6):
        told = client.get(reverse("admin:notices_unseen")).json()
    assert (told["count"], len(told["notices"])) == (30, 20)
