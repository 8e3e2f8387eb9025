"""django-rq's pages: administrators only, and under a policy that lets them show."""

from __future__ import annotations

import django_rq
import pytest
from django.test import Client

from tests.factories import make_user

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]
PAGES = ["/admin/rq/", "/admin/rq/queues/0/", "/admin/rq/workers/0/", "/admin/rq/queues/0/failed/"]


@pytest.mark.parametrize("role", ["reviewer", "expert", "supervisor", "auditor", "manager", "integration"])
def test_staff_without_the_right_neither_see_nor_empty_a_queue(client: Client, role: str) -> None:
    client.force_login(make_user(role, is_staff=True))
    django_rq.get_queue("effects").enqueue("cases.jobs.sweep")
    for page in PAGES:
        assert client.get(page).status_code == 403
    assert client.post("/admin/rq/queues/0/empty/").status_code == 403
    assert django_rq.get_queue("effects").count == 1


def test_a_stranger_is_asked_to_sign_in(client: Client) -> None:
    answer = client.get("/admin/rq/")
    assert (answer.status_code, answer["Location"].partition("?")[0]) == (302, "/admin/login/")


def test_an_administrator_sees_every_page(client: Client) -> None:
    client.force_login(make_user("administrator", is_staff=True))
    for page in PAGES:
        assert client.get(page).status_code == 200


def test_the_pages_have_no_second_unguarded_address(client: Client) -> None:
    client.force_login(make_user("reviewer", is_staff=True))
    for page in ("/admin/django_rq/dashboard/", "/admin/rq/stats.json", "/admin/rq/metrics"):
        assert client.get(page).status_code in {403, 404}
