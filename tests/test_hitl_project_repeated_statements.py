"""No list and no page asks for each of its rows anew: the same statement with other values is sent a few times at most."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from hitl_project.demo.people import of_role
from tests.factories import make_user

VALUE = re.compile(r"'(?:[^']|'')*'|\b\d+(?:\.\d+)?\b")
DAYS = 3
MOST = 5
SUPERVISOR = of_role("supervisor")[0].username
LISTS = sorted(model._meta.label_lower for model in admin.site._registry)
PAGES = (
    "/admin/",
    "/admin/desk/",
    "/admin/desk/queues/",
    "/admin/desk/tasks/",
    "/reports/",
    "/reports/throughput/",
    "/reports/quality/",
    "/reports/time/",
    "/reports/people/",
    "/reports/models/",
    "/reports/cost/",
    "/api/v1/cases/",
    "/api/v1/tasks/",
    "/api/v1/decisions/",
    "/api/v1/queues/",
)
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("redis", "office"),
    pytest.mark.xdist_group("office"),
]


def repeated(user: User, address: str) -> dict[str, int]:
    """The statements that one reading of a page sends more than `MOST` times, whatever their values."""
    client = Client()
    client.force_login(user, backend="hitl_project.accounts.AccountBackend")
    client.get(address)
    with CaptureQueriesContext(connection) as queries:
        assert client.get(address).status_code == 200, address
    counted = Counter(VALUE.sub("?", query["sql"]) for query in queries)
    return {sql: times for sql, times in counted.items() if times > MOST}


@pytest.mark.parametrize("label", LISTS)
def test_a_list_of_the_admin_asks_nothing_for_each_of_its_rows(label: str) -> None:
    model: type[Model] = next(model for model in admin.site._registry if model._meta.label_lower == label)
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    assert not repeated(make_user(username="everything", is_staff=True, is_superuser=True), address)


@pytest.mark.parametrize("address", PAGES)
def test_a_page_asks_nothing_for_each_of_its_rows(address: str) -> None:
    assert not repeated(User.objects.get(username=SUPERVISOR), address)
