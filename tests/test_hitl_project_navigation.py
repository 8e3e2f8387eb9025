"""The sidebar offers what an account may open, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from hitl_project.roles import ROLES
from tests import factories as make

pytestmark = pytest.mark.django_db


def home(role: str) -> Any:
    client = Client()
    client.force_login(make.make_user(role, is_staff=True))
    return client, client.get(reverse("admin:index"))


@pytest.mark.parametrize("role", [role for role in ROLES if role != "administrator"])
def test_every_page_offered_to_a_role_opens_for_it(role: str, redis: None) -> None:
    make.make_case_type()
    client, answer = home(role)
    offered = [item.url for group in answer.context["navigation"] for item in group.items]
    assert offered
    assert {url: client.get(url).status_code for url in offered} == dict.fromkeys(offered, 200)


def test_a_reviewer_is_offered_their_work_and_no_accounts() -> None:
    _client, answer = home("reviewer")
    titles = [str(item.title) for group in answer.context["navigation"] for item in group.items]
    assert "Review desk" in titles
    assert not {"People", "Roles", "API tokens", "Background jobs"} & set(titles)


def test_only_the_closest_page_is_marked_as_the_one_one_is_on() -> None:
    make.make_queue()
    client, _answer = home("reviewer")
    answer = client.get(reverse("desk:queues"))
    marked = [str(item.title) for group in answer.context["navigation"] for item in group.items if item.current]
    assert marked == ["Queues"]


def test_groups_without_a_page_are_not_offered() -> None:
    _client, answer = home("manager")
    assert all(group.items for group in answer.context["navigation"])
    assert "queues" not in [group.key for group in answer.context["navigation"]]
