"""What leaves because of an alert: rows first, by severity and rule, without secrets and names; then sent like any effect."""

from __future__ import annotations

from typing import Any

import apprise
import pytest
from django.core import mail

from cases import deliver
from cases.actions.base import Delivery
from cases.addresses import RefusedUrl
from cases.models import Effect
from cases.outbound import OutboundError
from metrics.alerting import chat, telling
from metrics.alerting.chat import ChatAction
from metrics.models import Alert, AlertChannel
from tests import factories as make
from tests.alert_history import NOW, rule

SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general"


def alert(**fields: Any) -> Alert:
    found = fields.pop("rule", None) or rule("escalation_jump", key="jump")
    base = {"rule": found, "kind": found.kind, "severity": 2, "subject": "case_type:a", "subject_name": "Mail"}
    evidence = {"figures": {"share": 0.3, "usual": 0.15, "part": 30, "whole": 100}}
    return Alert.objects.create(**{**base, "opened_at": NOW, "evidence": evidence, **fields})


def channel(key: str, kind: str, **fields: Any) -> AlertChannel:
    return AlertChannel.objects.create(key=key, name=key, kind=kind, **fields)


def delivery(url: str) -> Delivery:
    body = {"alert": {"title": "t", "text": "x", "level": 3}}
    return Delivery(1, "alert-1", "alert.raised", body, NOW, options={"url": url})


@pytest.mark.django_db
def test_channels_hear_by_severity_and_by_rule() -> None:
    raised = alert()
    channel("all", "mail", addresses=["ops@example.com"], least_severity=1)
    channel("worst", "mail", addresses=["boss@example.com"], least_severity=3)
    named = channel("named", "mail", addresses=["team@example.com"], every_rule=False)
    channel("other", "mail", addresses=["other@example.com"], every_rule=False)
    channel("off", "mail", addresses=["off@example.com"], enabled=False)
    raised.rule.channels.add(named)
    assert telling.tell(raised) == 2
    assert telling.tell(raised) == 2  # a repeat finds its rows there already
    assert set(Effect.objects.values_list("key", flat=True)) == {
        f"alert-{raised.pk}-raised-all",
        f"alert-{raised.pk}-raised-named",
    }
    assert not Effect.objects.filter(case__isnull=False).exists()


@pytest.mark.django_db(transaction=True)
def test_a_mail_is_sent_through_the_outbox_like_any_effect() -> None:
    channel("ops", "mail", addresses=["ops@example.com"])
    telling.tell(alert())
    deliver.deliver_batch()
    (message,) = mail.outbox
    assert message.subject == "[Countersign] warning: Escalation rate jumps: Mail"
    assert "30.0 %" in message.body
    assert "/admin/metrics/alert/" in message.body
    assert Effect.objects.get().status == "delivered"


@pytest.mark.django_db
def test_subscribed_endpoints_hear_of_the_event_unless_their_owner_may_not_see_alerts() -> None:
    make.make_endpoint("ours", events=["alert.raised"])
    make.make_endpoint("theirs", events=["alert.raised"], owner=make.make_user("integration"))
    make.make_endpoint("admins", events=["alert.raised"], owner=make.make_user("administrator"))
    make.make_endpoint("cases", events=["case.closed"])
    telling.tell(alert())
    found = Effect.objects.select_related("endpoint")
    assert {effect.endpoint.key for effect in found if effect.endpoint} == {"ours", "admins"}
    assert {(effect.event, effect.blocking) for effect in found} == {("alert.raised", False)}


@pytest.mark.django_db
def test_no_name_of_a_person_leaves() -> None:
    found = rule("catch_rate_falling", key="catch")
    told = telling.told_of(alert(rule=found, subject="person:7", subject_name="rita"))
    assert "rita" not in str(told)


@pytest.mark.django_db(transaction=True)
def test_the_secret_address_of_a_chat_is_stored_with_no_effect_and_told_by_no_error(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[str] = []

    def refused(service: Any, **message: Any) -> None:
        seen.append(service.url())
        raise OutboundError("The service refused the message or could not be reached.")

    monkeypatch.setattr(chat, "_send", refused)
    channel("slack", "apprise", url=SLACK)
    telling.tell(alert())
    deliver.deliver_batch()
    effect = Effect.objects.get()
    assert "TIiajkdnlazkcOXrIdevi7FQ" in seen[0]
    assert (effect.status, effect.attempts) == ("pending", 1)  # to be tried again
    for text in (str(effect.options), str(effect.body), effect.last_error, effect.tries.get().detail, caplog.text):
        assert "TIiajkdnlazkcOXrIdevi7FQ" not in text


@pytest.mark.django_db(transaction=True)
def test_a_channel_that_is_gone_is_given_up_at_once() -> None:
    channel("slack", "apprise", url=SLACK)
    telling.tell(alert())
    AlertChannel.objects.update(enabled=False)
    deliver.deliver_batch()
    assert Effect.objects.get().status == "dead"


@pytest.mark.parametrize(
    "url",
    [
        "json://example.com",
        "file:///etc/passwd",
        "dbus://",
        "syslog://",
        "slack://",
        "https://hooks.slack.com/x",
        "ntfy://127.0.0.1/t",
        "ntfys://localhost/t",
        "mmost://10.1.2.3/3ccdd113474722377935511fc85d3dd4",
        "nothing",
    ],
)
def test_other_services_and_private_hosts_are_refused_without_repeating_the_address(url: str) -> None:
    with pytest.raises(RefusedUrl) as refusal:
        ChatAction().check(url)
    assert url not in str(refusal.value)


@pytest.mark.parametrize(
    "url", [SLACK, "workflows://prod-99.westus.logic.azure.com:443/abcd/efgh/", "pagerduty://key@integration"]
)
def test_slack_teams_and_pagerduty_are_understood(url: str) -> None:
    ChatAction().check(url)


def test_a_host_of_ones_own_is_checked_again_when_it_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "resolve", lambda *_place: ["192.168.1.4"])
    with pytest.raises(OutboundError) as refusal:
        ChatAction().deliver(delivery("ntfys://push.example.com/topic"))
    assert refusal.value.permanent


def test_a_service_that_hangs_is_left_at_the_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    import time

    monkeypatch.setattr(apprise.Apprise, "instantiate", staticmethod(lambda *_a, **_o: Hanging()))

    class Hanging:
        host = "hooks.slack.com"
        port = None

        def notify(self, **_message: Any) -> bool:
            time.sleep(5)
            return True

    with pytest.raises(OutboundError):
        ChatAction(timeout=0.2).deliver(delivery(SLACK))
