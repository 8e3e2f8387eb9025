"""Delivery to a real receiver: signed, at least once under one id, in order per case; closing comes last."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models.functions import Now
from standardwebhooks.webhooks import Webhook

from cases import deliver, plugins
from cases.audit import journal
from cases.clock import from_now
from cases.deliver import INTERVALS, close_finished, deliver_batch
from cases.models import AuditEvent, Case, Effect, EffectAttempt, WebhookEndpoint
from cases.models.choices import State
from cases.outbox import Happening, announce, retry
from tests.factories import make_case, make_case_type, make_endpoint
from tests.http_server import Behaviour, Receiver, answering, hanging_up, receiver

pytestmark = [pytest.mark.django_db]
WAYS: list[tuple[str, Behaviour]] = [
    ("500", answering(500)),
    ("redirect", answering(302, location="http://127.0.0.1:9/")),
    ("hung up", hanging_up),
    ("404", answering(404)),
]


@pytest.fixture(autouse=True)
def _allow_private(settings: Any) -> Iterator[None]:
    settings.ACTIONS = {
        "webhook": {"BACKEND": "cases.actions.webhook.WebhookAction", "OPTIONS": {"allow_private": True}},
        "log": settings.ACTIONS["log"],
        "breaking": {"BACKEND": f"{__name__}.Breaking"},
    }
    plugins.action.cache_clear()
    yield
    plugins.action.cache_clear()


class Breaking:
    def deliver(self, delivery: Any) -> Any:
        raise ZeroDivisionError("a plug-in's own mistake")


@pytest.fixture
def crm() -> Iterator[Receiver]:
    with receiver(answering(200)) as running:
        yield running


def decided_case(crm: Receiver | None, **action: Any) -> Case:
    """A decided case whose action is the webhook, queued."""
    if crm is not None:
        if not WebhookEndpoint.objects.filter(key="crm").exists():
            make_endpoint("crm", url=f"{crm.url}/hooks")
        action = {"backend": "webhook", "endpoint": "crm"}
    case = make_case(make_case_type(action=action), state=State.DECIDED)
    tell(case, "case.decided")
    return case


def tell(case: Case, event: str, *, version: int = 1) -> None:
    with journal(actor="test", origin="test") as log:
        announce([Happening(case=case, event=event, data={"decision": {"label": "refund"}}, version=version)], log=log)


def drain() -> None:
    while deliver_batch():
        pass


def due_again() -> None:
    """The wait between two tries is over."""
    Effect.objects.filter(status="pending").update(next_attempt_at=Now())
    drain()


def only_effect() -> Effect:
    return Effect.objects.get(event="case.decided")


def test_a_delivery_is_signed_as_the_standard_says(crm: Receiver) -> None:
    case = decided_case(crm)
    drain()
    [request] = crm.received
    secret = WebhookEndpoint.objects.get().secret
    content: Any = Webhook(secret).verify(request.body, request.headers)
    assert content["type"] == "case.decided"
    assert content["data"]["case"]["id"] == case.pk
    assert content["data"]["decision"] == {"label": "refund"}
    assert request.headers["webhook-id"] == only_effect().key


def test_a_case_closes_only_after_its_action_was_delivered(crm: Receiver) -> None:
    crm.behaviour = answering(503)
    case = decided_case(crm)
    drain()
    case.refresh_from_db()
    assert case.state == State.DECIDED
    crm.behaviour = answering(204)
    due_again()
    case.refresh_from_db()
    assert case.state == State.CLOSED
    assert case.closed_at is not None
    actions = AuditEvent.objects.filter(case_id=case.pk).order_by("id").values_list("action", flat=True)
    assert list(actions) == ["effect.delivered", "case.closed"]


def test_a_case_without_an_action_closes_at_once_and_its_subscribers_hear_of_it(crm: Receiver) -> None:
    make_endpoint("watcher", url=crm.url, events=["case.closed"])
    case = make_case(state=State.DECIDED)
    drain()
    case.refresh_from_db()
    assert case.state == State.CLOSED
    drain()  # the closing rings for its own news
    assert [json.loads(request.body)["type"] for request in crm.received] == ["case.closed"]


def test_a_subscriber_that_is_away_does_not_keep_a_case_open(crm: Receiver) -> None:
    crm.behaviour = answering(500)
    make_endpoint("watcher", url=crm.url, events=["case.closed", "case.cancelled"])
    case = make_case(state=State.DECIDED)
    drain()
    case.refresh_from_db()
    assert case.state == State.CLOSED


@pytest.mark.parametrize(("name", "behaviour"), WAYS, ids=[name for name, _ in WAYS])
def test_a_failed_delivery_is_tried_again_under_the_same_id(name: str, behaviour: Behaviour, crm: Receiver) -> None:
    crm.behaviour = behaviour
    decided_case(crm)
    drain()
    effect = only_effect()
    assert (effect.status, effect.attempts, effect.lease_token) == ("pending", 1, "")
    assert effect.last_error
    assert not Effect.objects.filter(next_attempt_at__lte=Now(), status="pending").exists()
    crm.behaviour = answering(200)
    due_again()
    effect.refresh_from_db()
    assert (effect.status, effect.attempts) == ("delivered", 2)
    assert {request.headers["webhook-id"] for request in crm.received} == {effect.key}
    assert list(effect.tries.values_list("number", "succeeded")) == [(1, False), (2, True)]


def test_an_answer_of_410_disables_the_endpoint_and_parks_the_delivery(crm: Receiver) -> None:
    crm.behaviour = answering(410)
    case = decided_case(crm)
    drain()
    endpoint = WebhookEndpoint.objects.get()
    assert not endpoint.enabled
    assert "410" in endpoint.disabled_reason
    assert only_effect().status == "dead"
    assert AuditEvent.objects.filter(action="webhook.disabled").exists()
    case.refresh_from_db()
    assert case.state == State.DECIDED


def test_what_is_for_a_disabled_endpoint_dies_with_a_message_that_says_so(crm: Receiver) -> None:
    decided_case(crm)
    WebhookEndpoint.objects.update(enabled=False, disabled_reason="by hand")
    drain()
    assert "endpoint crm is disabled: by hand" in only_effect().last_error
    assert crm.received == []


def test_after_the_last_try_a_delivery_is_dead_and_the_retry_button_revives_it(crm: Receiver) -> None:
    crm.behaviour = answering(500)
    case = decided_case(crm)
    Effect.objects.update(attempts=len(INTERVALS))
    drain()
    effect = only_effect()
    assert effect.status == "dead"
    assert AuditEvent.objects.filter(action="effect.dead", case_id=case.pk).exists()
    due_again()
    assert len(crm.received) == 1
    crm.behaviour = answering(200)
    retry([effect], actor="supervisor", origin="admin")
    drain()
    case.refresh_from_db()
    assert case.state == State.CLOSED
    assert len({request.headers["webhook-id"] for request in crm.received}) == 1


def test_a_receiver_may_ask_to_wait_longer(crm: Receiver) -> None:
    crm.behaviour = answering(429, retry_after="3000")
    decided_case(crm)
    drain()
    assert Effect.objects.filter(next_attempt_at__gt=from_now(seconds=2900)).exists()


def test_what_happens_to_a_case_arrives_in_order_and_the_second_waits_for_the_first(crm: Receiver) -> None:
    case = decided_case(crm)
    WebhookEndpoint.objects.update(events=["case.decided", "case.reopened"])
    tell(case, "case.reopened")
    crm.behaviour = answering(500)
    drain()
    assert [json.loads(request.body)["type"] for request in crm.received] == ["case.decided"]
    crm.behaviour = answering(200)
    due_again()
    assert [json.loads(request.body)["type"] for request in crm.received][1:] == [
        "case.decided",
        "case.reopened",
    ]


def test_a_case_that_waits_does_not_hold_up_another(crm: Receiver) -> None:
    stuck = decided_case(crm)
    crm.behaviour = answering(500)
    drain()
    crm.behaviour = answering(200)
    fine = decided_case(crm)
    drain()
    fine.refresh_from_db()
    stuck.refresh_from_db()
    assert (fine.state, stuck.state) == (State.CLOSED, State.DECIDED)


def test_grace_holds_the_delivery_back(crm: Receiver) -> None:
    make_endpoint("crm", url=crm.url)
    case = make_case(make_case_type(action={"backend": "webhook", "endpoint": "crm"}), state=State.DECIDED)
    with journal(actor="test", origin="test") as log:
        announce([Happening(case=case, event="case.decided", grace_seconds=60)], log=log)
    drain()
    assert crm.received == []
    due_again()
    assert len(crm.received) == 1


def test_a_worker_whose_lease_ran_out_does_not_write_over_the_next_one(crm: Receiver) -> None:
    decided_case(crm)

    effects, token = deliver._lease()
    Effect.objects.update(lease_token="another worker")
    deliver._record(deliver._attempt(effects[0]), token=token)
    assert only_effect().status == "pending"
    assert not EffectAttempt.objects.exists()


def test_an_action_that_breaks_is_a_failed_try_and_no_crash() -> None:
    decided_case(None, backend="breaking")
    drain()
    effect = only_effect()
    assert effect.status == "pending"
    assert "ZeroDivisionError: a plug-in's own mistake" in effect.last_error


def test_closing_leaves_alone_what_is_held_and_what_is_in_its_grace_period() -> None:
    held, graced = make_case(state=State.DECIDED), make_case(state=State.DECIDED)
    Case.objects.filter(pk=held.pk).update(lease_until=None)
    Case.objects.filter(pk=graced.pk).update(lease_until=from_now(seconds=60))
    assert close_finished() == 0


def test_closing_many_costs_few_queries(django_assert_max_num_queries: Any) -> None:
    case_type = make_case_type()
    for _ in range(30):
        make_case(case_type, state=State.DECIDED)
    with django_assert_max_num_queries(9):
        assert close_finished() == 30
