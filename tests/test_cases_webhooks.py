"""Endpoints that an integration adds for itself, and deliveries sent again."""

from __future__ import annotations

import pytest
from rest_framework.test import APIClient

from cases.models import AuditEvent, Effect
from tests.factories import make_case, make_user

pytestmark = pytest.mark.django_db
URL = "/api/v1/webhooks/"
NEW = {"key": "crm", "url": "https://crm.example/hooks", "events": ["case.decided"]}


def _client(role: str) -> APIClient:
    client = APIClient()
    client.force_authenticate(make_user(role))
    return client


def test_an_integration_adds_its_endpoint_and_sees_the_secret_once() -> None:
    client = _client("integration")
    made = client.post(URL, NEW, format="json")
    assert made.status_code == 201
    assert made.json()["secret"].startswith("whsec_")
    [listed] = client.get(URL).json()["results"]
    assert listed["key"] == "crm"
    assert "secret" not in listed


def test_an_endpoint_belongs_to_the_integration_that_added_it() -> None:
    _client("integration").post(URL, NEW, format="json")
    assert _client("integration").get(URL).json()["results"] == []


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"url": "http://127.0.0.1/hook"}, "url"),
        ({"url": "ftp://crm.example/"}, "url"),
        ({"events": ["case.unheard"]}, "events[0]"),
        ({"events": []}, "events"),
        ({"key": "Not A Key"}, "key"),
        ({"secret": "mine"}, "secret"),
    ],
)
def test_a_bad_endpoint_is_refused_by_field(change: dict[str, object], field: str) -> None:
    answer = _client("integration").post(URL, NEW | change, format="json")
    assert answer.status_code == 422
    assert any(name.startswith(field.split("[", maxsplit=1)[0]) for name in answer.json()["errors"])


def test_a_taken_key_is_a_conflict() -> None:
    client = _client("integration")
    client.post(URL, NEW, format="json")
    assert client.post(URL, NEW, format="json").status_code == 409


def test_a_reviewer_may_not_add_endpoints() -> None:
    assert _client("reviewer").post(URL, NEW, format="json").status_code == 403


def test_dead_deliveries_are_sent_again_under_their_old_keys() -> None:
    client = _client("integration")
    endpoint = client.post(URL, NEW, format="json").json()["id"]
    effect = Effect.objects.create(
        case=make_case(),
        event="case.decided",
        action="webhook",
        endpoint_id=endpoint,
        key="k-1",
        status=Effect.Status.DEAD,
    )
    assert client.get(URL).json()["results"][0]["dead"] == 1
    assert client.post(f"{URL}{endpoint}/redeliver/", {}, format="json").json() == {"redelivered": 1}
    effect.refresh_from_db()
    assert (effect.status, effect.attempts, effect.key) == (Effect.Status.PENDING, 0, "k-1")
    assert client.post(f"{URL}{endpoint}/redeliver/", {}, format="json").status_code == 409


def test_the_reason_for_sending_again_is_kept() -> None:
    client = _client("integration")
    endpoint = client.post(URL, NEW, format="json").json()["id"]
    dead = {"event": "case.decided", "action": "webhook", "endpoint_id": endpoint, "status": Effect.Status.DEAD}
    Effect.objects.create(case=make_case(), key="k-2", **dead)
    client.post(f"{URL}{endpoint}/redeliver/", {"reason": "the receiver was down"}, format="json")
    assert AuditEvent.objects.get(action="effect.retried").data["reason"] == "the receiver was down"
