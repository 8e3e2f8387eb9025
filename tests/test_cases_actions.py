"""Actions against real receivers: signed webhooks over HTTP, mail over SMTP, lines in the log."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import structlog
from standardwebhooks import Webhook
from standardwebhooks.exceptions import WebhookVerificationError

from cases.actions.base import COMPENSATE, Delivery
from cases.actions.log import LogAction
from cases.actions.webhook import WebhookAction, new_secret
from cases.outbound import OutboundError
from tests.http_server import (
    Behaviour,
    Receiver,
    answering,
    bombing,
    dripping,
    hanging_up,
    receiver,
    silent,
)

SECRET = new_secret()
MOMENT = dt.datetime(2026, 11, 2, 9, 30, tzinfo=dt.UTC)
BODY = {"id": 7, "output": {"label": "refund", "amount": 40.5}, "note": "Grüße 🙂 <b>"}


def delivery(**changes: Any) -> Delivery:
    made = Delivery(effect_id=1, key="case-7-v1-crm", event="case.decided", body=BODY, occurred_at=MOMENT)
    return replace(made, **changes)


def to(server: Receiver, **changes: Any) -> Delivery:
    return delivery(endpoint={"url": f"{server.url}/hooks", "secret": SECRET}, **changes)


def failure(act: Callable[[], Any]) -> OutboundError:
    with pytest.raises(OutboundError) as caught:
        act()
    return caught.value


HOOK = WebhookAction(allow_private=True, timeout=0.8)


def test_a_webhook_carries_a_signature_that_the_receiver_can_check() -> None:
    with receiver(answering(204, b"")) as server:
        receipt = HOOK.deliver(to(server))
    request = server.received[0]
    content = Webhook(SECRET).verify(request.body, request.headers)
    assert content == {"type": "case.decided", "timestamp": "2026-11-02T09:30:00+00:00", "data": BODY}
    assert request.headers["content-type"] == "application/json"
    assert receipt.status == 204
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(request.body, request.headers)


def test_every_try_has_the_same_id_and_body_and_a_fresh_time() -> None:
    with receiver(answering(500)) as server:
        failure(lambda: HOOK.deliver(to(server)))
        time.sleep(1.1)
        failure(lambda: HOOK.deliver(to(server, attempt=2)))
    first, second = server.received
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == "case-7-v1-crm"
    assert first.body == second.body
    assert int(first.headers["webhook-timestamp"]) < int(second.headers["webhook-timestamp"])
    Webhook(SECRET).verify(second.body, second.headers)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_any_2xx_is_success(status: int) -> None:
    with receiver(answering(status, b"")) as server:
        assert HOOK.deliver(to(server)).status == status


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 404, 422, 429, 500, 503])
def test_other_answers_are_tried_again(status: int) -> None:
    with receiver(answering(status, location="/elsewhere", retry_after="30")) as server:
        error = failure(lambda: HOOK.deliver(to(server)))
    assert (error.permanent, error.gone, error.status) == (False, False, status)
    assert error.retry_after == (None if status < 400 else 30)
    assert len(server.received) == 1


def test_410_is_for_good() -> None:
    with receiver(answering(410)) as server:
        error = failure(lambda: HOOK.deliver(to(server)))
    assert (error.permanent, error.gone) == (True, True)


@pytest.mark.parametrize("behaviour", [dripping(), dripping(head=False), silent, hanging_up])
def test_a_receiver_that_stalls_or_hangs_up_is_tried_again_and_costs_little_time(behaviour: Behaviour) -> None:
    with receiver(behaviour) as server:
        started = time.monotonic()
        error = failure(lambda: HOOK.deliver(to(server)))
    assert time.monotonic() - started < 1.5
    assert not error.permanent


def test_a_bomb_in_the_answer_harms_nobody() -> None:
    with receiver(bombing(50)) as server:
        assert HOOK.deliver(to(server)).status == 200


def test_no_setting_lets_a_worker_wait_longer_than_15_seconds() -> None:
    assert WebhookAction(timeout=600).timeout == 15


def test_private_addresses_are_refused_unless_allowed() -> None:
    with receiver(answering()) as server:
        error = failure(lambda: WebhookAction().deliver(to(server)))
    assert error.permanent
    assert "private" in str(error)
    assert server.received == []


@pytest.mark.parametrize(
    "endpoint", [None, {}, {"url": "https://a.example"}, {"url": "https://a.example", "secret": "é"}]
)
def test_an_endpoint_without_what_it_needs_fails_for_good(endpoint: Any) -> None:
    assert failure(lambda: HOOK.deliver(delivery(endpoint=endpoint))).permanent


@pytest.mark.parametrize("key", ["a\r\nx-evil: 1", "kéy"])
def test_a_key_that_is_no_header_is_not_sent(key: str) -> None:
    with receiver(answering()) as server:
        assert failure(lambda: HOOK.deliver(to(server, key=key))).permanent
    assert server.received == []


def test_a_body_that_is_no_json_fails_for_good() -> None:
    with receiver(answering()) as server:
        for body in ({"a": float("nan")}, {"a": object()}):
            assert failure(lambda body=body: HOOK.deliver(to(server, body=body))).permanent  # type: ignore[misc]
    assert server.received == []


def test_half_a_surrogate_in_the_body_still_leaves_and_verifies() -> None:
    with receiver(answering()) as server:
        HOOK.deliver(to(server, body={"note": "a\ud800"}))
    Webhook(SECRET).verify(server.received[0].body, server.received[0].headers)


def test_a_compensation_is_a_delivery_that_names_what_it_takes_back() -> None:
    undo = {"event": COMPENSATE, "key": "case-7-v2-undo", "body": {"compensates": "case-7-v1-crm"}}
    with receiver(answering()) as server:
        HOOK.deliver(to(server, **undo))
    content = json.loads(server.received[0].body)
    assert (content["type"], content["data"]) == ("effect.compensate", {"compensates": "case-7-v1-crm"})


def test_the_log_keeps_what_happened_and_not_the_content() -> None:
    with structlog.testing.capture_logs() as lines:
        LogAction().deliver(delivery())
        LogAction().deliver(delivery(options={"include_body": True}))
    assert lines[0] == {
        "event": "effect_logged",
        "log_level": "info",
        "effect": 1,
        "key": "case-7-v1-crm",
        "kind": "case.decided",
    }
    assert lines[1]["body"] == BODY
