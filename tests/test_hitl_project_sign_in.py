"""Sign-in where single sign-on is set up: the back office's own page gives way, and no second step is walked past."""

from __future__ import annotations

from typing import Any

import pytest
from allauth.mfa.totp.internal.auth import TOTP
from django.test import Client
from django.urls import reverse

from hitl_project.environment import origins
from tests.factories import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def single_sign_on(settings: Any, redis: None) -> None:
    settings.OIDC_ENABLED = True
    settings.ROOT_URLCONF = "tests.sign_in_urls"


def test_who_has_a_second_step_is_asked_for_it_by_every_way_in(single_sign_on: None) -> None:
    user, client = make_user("reviewer", is_staff=True), Client()
    TOTP.activate(user, "A" * 32)
    said = {"username": user.username, "password": "password"}
    answer = client.post("/admin/login/?next=/admin/desk/", said)
    assert answer["Location"] == f"{reverse('account_login')}?next=/admin/desk/"
    assert "_auth_user_id" not in client.session
    answer = client.post(reverse("account_login"), {"login": user.username, "password": "password"})
    assert answer["Location"] == reverse("mfa_authenticate")
    assert "_auth_user_id" not in client.session


def test_who_has_none_signs_in_with_name_and_password_alone(single_sign_on: None) -> None:
    user, client = make_user("reviewer", is_staff=True), Client()
    told = {"login": user.username, "password": "password", "next": "/admin/desk/"}
    assert client.post(reverse("account_login"), told)["Location"] == "/admin/desk/"
    assert client.get("/admin/desk/").status_code == 200


def test_who_is_signed_in_and_no_staff_is_told_so_and_not_sent_round_in_circles(single_sign_on: None) -> None:
    client = Client()
    client.force_login(make_user("reviewer"))
    answer = client.get("/admin/login/")
    assert answer.status_code == 200
    assert "who may not see this page" in answer.content.decode()


def test_without_single_sign_on_the_back_office_signs_in_itself() -> None:
    user, client = make_user("reviewer", is_staff=True), Client()
    answer = client.post("/admin/login/?next=/admin/", {"username": user.username, "password": "password"})
    assert (answer.status_code, answer["Location"]) == (302, "/admin/")


def test_a_form_may_lead_to_the_provider_and_nowhere_else() -> None:
    assert origins("https://sso.example:8443/realms/shop") == ["https://sso.example:8443"]
    assert origins("") == []
