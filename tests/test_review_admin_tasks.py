"""The admin's list of tasks: kept filters as tabs, and acts on several that respect every permission."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.test import Client
from django.urls import reverse

from cases.models.choices import State
from review import saved_filters
from review.models import ReviewTask
from tests import factories as make

pytestmark = pytest.mark.django_db
LIST = "/admin/review/reviewtask/"


def signed_in(role: str, **fields: Any) -> tuple[Client, Any]:
    user = make.make_user(role, is_staff=True, **fields)
    client = Client()
    client.force_login(user)
    return client, user


def a_task(**fields: Any) -> ReviewTask:
    return make.make_task(make.make_case(state=State.IN_REVIEW), **fields)


def asked(client: Client, action: str, *tasks: ReviewTask) -> Any:
    return client.post(LIST, {"action": action, ACTION_CHECKBOX_NAME: [task.pk for task in tasks]})


def test_a_kept_filter_is_a_tab_of_the_list() -> None:
    client, user = signed_in("supervisor")
    saved_filters.save(user, page="admin-tasks", name="Too late", query="stage=overdue")
    html = client.get(f"{LIST}?stage=overdue").content.decode()
    assert "Too late" in html
    assert 'aria-current="page"' in html
    assert "Keep these filters" in html


def test_a_filter_is_kept_from_the_list_itself() -> None:
    client, user = signed_in("reviewer")
    data = {"page": "admin-tasks", "name": "Mine", "query": "stage=mine", "back": f"{LIST}?stage=mine"}
    assert client.post(reverse("desk:save-filter"), data)["Location"] == f"{LIST}?stage=mine"
    assert [one.name for one in saved_filters.listed(user, "admin-tasks")] == ["Mine"]


def test_an_act_on_several_asks_why_before_it_is_done() -> None:
    client, _boss = signed_in("supervisor")
    task = a_task(claimed_by=make.make_user("reviewer"))
    page = asked(client, "take_away", task)
    assert "1 task is chosen" in page.content.decode()
    task.refresh_from_db()
    assert task.assignee is not None
    client.post(reverse("desk:several"), {"task": [task.pk], "verb": "take_away", "reason": "ill", "back": LIST})
    task.refresh_from_db()
    assert task.assignee is None


def test_who_does_not_lead_is_offered_no_acts_and_cannot_name_them() -> None:
    client, _user = signed_in("reviewer")
    task = a_task(claimed_by=make.make_user("reviewer"))
    html = client.get(LIST).content.decode()
    assert 'value="take_away"' not in html
    asked(client, "take_away", task)
    task.refresh_from_db()
    assert task.assignee is not None


def test_a_task_that_one_may_not_see_cannot_be_chosen() -> None:
    client, _auditor = signed_in("auditor")
    hidden = a_task(claimed_by=make.make_user("reviewer"))
    for verb in ("take_away", "to_person", "to_queue", "raise"):
        answer = client.post(reverse("desk:several"), {"task": [hidden.pk], "verb": verb, "reason": "x", "to": "y"})
        assert answer.status_code == 403
    hidden.refresh_from_db()
    assert hidden.assignee is not None


def test_no_more_than_a_hundred_go_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("review.desk.several.MOST", 1)
    client, _boss = signed_in("supervisor")
    answer = asked(client, "raise", a_task(), a_task())
    assert answer.status_code == 302
    assert not ReviewTask.objects.exclude(ending="").exists()
