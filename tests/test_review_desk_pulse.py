"""The small calls of a review page: lease, presence, draft, session and keys."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from review.models import Draft, Profile, ReviewTask
from tests import factories as make
from tests.desk import a_task, page_of, signed_in

pytestmark = pytest.mark.django_db

JSON = {"Accept": "application/json"}


def call(client: Client, name: str, task: ReviewTask, **fields: Any) -> Any:
    return client.post(reverse(f"desk:{name}", args=[task.pk]), fields, headers=JSON)


def test_a_heartbeat_tells_the_time_left_and_who_else_looks_on() -> None:
    client, user = signed_in()
    other, colleague = signed_in()
    task = a_task(claimed_by=user)
    assert call(other, "heartbeat", task, look="1").json()["state"] == "taken"
    answer = call(client, "heartbeat", task, lease_token="1").json()
    assert answer["seconds"] > 500
    assert answer["present"] == f"{colleague.username} is looking at this case too."


def test_looking_extends_no_lease() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    before = ReviewTask.objects.get().lease_until
    assert call(client, "heartbeat", task, look="1").status_code == 200
    assert ReviewTask.objects.get().lease_until == before


def test_a_page_without_a_session_is_told_so_in_words_and_not_sent_to_a_login_form() -> None:
    task = a_task()
    answer = call(Client(), "draft", task, note="x")
    assert (answer.status_code, answer.json()["login"]) == (401, reverse("admin:login"))
    assert Client().get(page_of(task)).status_code == 302


def test_a_draft_is_kept_filled_in_again_and_thrown_away() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user, opened_at="2020-01-01T00:00Z")
    fields = {"case_version": "1", "output.label": "billing", "note": "half a", "active_seconds": "12.5", "digest": "x"}
    assert call(client, "draft", task, **fields).json()["saved"]
    assert set(Draft.objects.get().fields) == {"output.label", "note", "active_seconds"}
    html = client.get(page_of(task)).content.decode()
    assert "Brought back from" in html
    assert 'name="active_seconds" value="12.5"' in " ".join(html.split())
    assert "half a" in html
    call(client, "draft", task, start_over="1")
    assert "Brought back from" not in client.get(page_of(task)).content.decode()


def test_a_draft_of_an_earlier_version_of_the_case_is_shown_and_not_filled_in() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    call(client, "draft", task, **{"case_version": "1", "output.label": "billing", "note": "<b>half</b> a thought"})
    type(task.case).objects.update(version=2)
    html = client.get(page_of(task)).content.decode()
    assert "for an earlier version of this case" in html
    assert "&lt;b&gt;half&lt;/b&gt; a thought" in html
    assert "Brought back from" not in html


def test_a_draft_is_never_shown_to_somebody_else() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    call(client, "draft", task, case_version="1", note="between me and me")
    other, _user = signed_in("supervisor")
    assert "between me and me" not in other.get(page_of(task)).content.decode()


@pytest.mark.parametrize("name", ["heartbeat", "draft", "note"])
def test_a_task_one_may_not_see_has_no_calls(name: str) -> None:
    client, _user = signed_in()
    task = a_task(queue=make.make_queue("elsewhere", groups=("expert",)))
    assert call(client, name, task, text="x", look="1").status_code == 404


def test_the_session_tells_who_is_signed_in_and_a_fresh_token() -> None:
    client, user = signed_in()
    answer = client.get(reverse("desk:session"), headers=JSON).json()
    assert answer["user"] == user.username
    assert len(answer["csrf"]) > 30


def test_keys_are_switched_off_for_the_person_and_not_for_the_browser() -> None:
    client, user = signed_in()
    assert client.post(reverse("desk:keys")).json() == {"keys": False}
    assert Profile.objects.get(user=user).keys is False
    again = Client()
    again.force_login(user)
    task = a_task(claimed_by=user)
    assert 'aria-pressed="false"' in again.get(page_of(task)).content.decode()
