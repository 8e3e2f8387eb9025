"""The reader's own language and time zone."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from cases.models import Case
from review.models import Profile
from tests.factories import make_case, make_user

pytestmark = pytest.mark.django_db


def page(client: Client, **headers: str) -> str:
    return client.get(reverse("admin:cases_case_changelist"), headers=headers).content.decode()


def signed_in(**wishes: str) -> Client:
    user, client = make_user("supervisor", is_staff=True), Client()
    if wishes:
        Profile.objects.create(user=user, **wishes)
    client.force_login(user)
    return client


def test_times_are_those_of_the_readers_zone() -> None:
    case = make_case()
    Case.objects.filter(pk=case.pk).update(created_at=datetime(2026, 1, 5, 12, 0, tzinfo=UTC))
    assert "9 p.m." in page(signed_in(time_zone="Asia/Tokyo"))
    assert "noon" in page(signed_in())


def test_the_profile_speaks_louder_than_the_browser() -> None:
    spanish = signed_in(language="es")
    assert '<html lang="es"' in page(spanish)
    assert '<html lang="es"' in page(spanish, **{"Accept-Language": "en"})
    assert '<html lang="es"' in page(signed_in(), **{"Accept-Language": "es"})


def test_a_zone_that_no_longer_exists_is_the_houses_own() -> None:
    assert signed_in(time_zone="Mars/Olympus").get(reverse("admin:index")).status_code == 200
