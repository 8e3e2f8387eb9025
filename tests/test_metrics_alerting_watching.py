"""Alerts open once, collect evidence, follow their figure, and are resolved by themselves or by a person."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from cases.errors import Conflict, Forbidden, Invalid, Missing
from cases.models import AuditEvent, Effect
from metrics.alerting import acts
from metrics.alerting.kinds.table import WATCHES
from metrics.alerting.watching import watch
from metrics.models import Alert, AlertRule, FlowRollup, SourceRollup, Span
from review.models import Policy
from tests import factories as make
from tests.alert_history import HOUR, NOW, flow, only, rule, week

pytestmark = pytest.mark.django_db


@pytest.fixture
def jump() -> Any:
    """A week of 15 %, then an hour of 40 %."""
    case_type = make.make_case_type(mode="exception_handler", key="support-email")
    week(case_type)
    flow(case_type, NOW, routed=100, escalated=40)
    return case_type


def look(**more: Any) -> int:
    return watch(now=more.pop("now", NOW + HOUR - timedelta(seconds=1)), **more)


def the_alert() -> Alert:
    return Alert.objects.get()


def test_every_kind_has_a_rule_from_the_first_day() -> None:
    assert set(AlertRule.objects.filter(enabled=True).values_list("kind", flat=True)) == set(WATCHES)


@pytest.mark.parametrize("trigger", ["plain", "sequential"])
def test_a_jump_is_raised_once_however_often_one_looks(jump: Any, trigger: str) -> None:
    only("escalation-jump", trigger=trigger)
    assert look() == 1
    assert look() == 0
    alert = the_alert()
    assert (alert.state, alert.subject, alert.case_type) == ("open", "case_type:support-email", jump)
    assert alert.evidence["figures"]["part"] >= 40
    assert len(alert.evidence["series"]) == 24
    assert [event.what for event in alert.events.all()] == ["raised"]
    assert AuditEvent.objects.filter(action="alert.raised").count() == 1


def test_an_even_week_raises_nothing() -> None:
    week(make.make_case_type(mode="exception_handler"))
    only("escalation-jump")
    assert look(now=NOW) == 0


def test_cases_in_validator_mode_never_jump() -> None:
    case_type = make.make_case_type()
    week(case_type)
    FlowRollup.objects.update(mode="validator")
    flow(case_type, NOW, routed=100, escalated=100, mode="validator")
    only("escalation-jump")
    assert look() == 0


def test_the_database_itself_lets_only_one_alert_stand_per_rule_and_subject(jump: Any) -> None:
    found = only("escalation-jump")
    fields = {"rule": found, "kind": found.kind, "severity": 2, "subject": "s", "subject_name": "s"}
    Alert.objects.create(**fields, state="resolved")
    Alert.objects.create(**fields, state="snoozed")
    with pytest.raises(IntegrityError), transaction.atomic():
        Alert.objects.create(**fields)


def test_it_is_resolved_by_itself_when_the_figure_is_well_again_and_not_while_it_is_between(jump: Any) -> None:
    only("escalation-jump", trigger="plain", parameters={"window": 1})
    look()
    flow(jump, NOW + HOUR, routed=1000, escalated=160)
    assert look(now=NOW + 2 * HOUR - timedelta(seconds=1)) == 0
    assert the_alert().state == "open"  # of the two hours 18 % were escalated: neither 20 % more than usual nor well
    flow(jump, NOW + 2 * HOUR, routed=1000, escalated=150)
    look(now=NOW + 3 * HOUR - timedelta(seconds=1))
    alert = the_alert()
    assert (alert.state, alert.evidence["well"]["whole"]) == ("resolved", 2000)
    assert alert.events.last().what == "well"  # type: ignore[union-attr]


def test_a_change_that_stays_never_becomes_usual_while_its_alert_stands(jump: Any) -> None:
    """Its past ends where it was raised, so ten days later it still stands."""
    only("escalation-jump", trigger="sequential")
    look()
    for n in range(1, 10 * 24):
        flow(jump, NOW + n * HOUR, routed=100, escalated=40)
    look(now=NOW + 10 * 24 * HOUR - timedelta(seconds=1))
    assert the_alert().state == "open"


def test_what_a_person_resolved_is_not_raised_again_until_it_was_well_or_a_day_is_over(jump: Any) -> None:
    only("escalation-jump", trigger="plain")
    look()
    acts.resolve(the_alert().pk, by=make.make_user("supervisor"), origin="test", note="The new form; expected.")
    Alert.objects.update(resolved_at=NOW + HOUR)
    assert look() == 0
    flow(jump, NOW + 30 * HOUR, routed=100, escalated=45)
    assert look(now=NOW + 31 * HOUR - timedelta(seconds=1)) == 1


def test_a_snooze_that_is_over_opens_it_again_and_tells_again(jump: Any) -> None:
    make.make_endpoint(events=["alert.raised"])
    only("escalation-jump", trigger="plain")
    look()
    acts.snooze(the_alert().pk, by=make.make_user("manager"), origin="test", minutes=60)
    Alert.objects.update(snoozed_until=NOW + HOUR)
    look(now=NOW + HOUR - timedelta(seconds=1))
    assert the_alert().state == "snoozed"
    assert Alert.objects.calling().count() == 1  # by the clock of the database, that moment is long past
    flow(jump, NOW + HOUR, routed=100, escalated=45)
    look(now=NOW + 2 * HOUR)
    assert the_alert().state == "open"
    assert Effect.objects.filter(event="alert.raised").count() == 2


def test_it_collects_what_changed_just_before_and_the_cases(jump: Any) -> None:
    Policy.objects.filter(case_type=jump).update(activated_at=NOW - HOUR, change_reason="stricter")
    case = make.make_case(case_type=jump, state="in_review", routed_at=NOW, reason="low_confidence")
    automatic = make.make_case(case_type=jump, state="closed", routed_at=NOW, reason="")
    for start, source, count in ((NOW, "new-shop", 60), (NOW, "zendesk", 90), (NOW - 30 * HOUR, "zendesk", 7 * 90)):
        SourceRollup.objects.create(case_type=jump, span=Span.HOUR, start=start, source=source, received=count)
    only("escalation-jump", trigger="plain")
    look()
    evidence = the_alert().evidence
    assert evidence["cases"] == [case.pk]
    assert automatic.pk not in evidence["cases"]
    told = {(change["kind"], change["words"]) for change in evidence["changes"]}
    assert ("source_new", "new-shop") in told
    assert not any(words == "zendesk" for _kind, words in told)
    assert any(kind == "policy" for kind, _words in told)


def test_a_muted_rule_raises_and_shows_its_alerts_and_tells_nobody_until_the_mute_is_over(jump: Any) -> None:
    make.make_endpoint(events=["alert.raised"])
    muted = only("escalation-jump", trigger="plain", muted_until=NOW + 2 * HOUR, muted_by="mara")
    look()
    assert (the_alert().muted, Effect.objects.count()) == (True, 0)
    flow(jump, NOW + HOUR, routed=100, escalated=45)
    flow(jump, NOW + 2 * HOUR, routed=100, escalated=45)
    look(now=NOW + 3 * HOUR - timedelta(seconds=1))
    assert (the_alert().muted, Effect.objects.count()) == (False, 1)
    assert muted.key in str(Effect.objects.get().body)


def test_switching_a_rule_off_ends_what_it_raised(jump: Any) -> None:
    only("escalation-jump", trigger="plain")
    look()
    AlertRule.objects.update(enabled=False)
    look()
    assert the_alert().state == "resolved"


def test_a_rule_that_fails_does_not_silence_the_others(jump: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    only("escalation-jump", trigger="plain")
    AlertRule.objects.create(key="a-broken", name="broken", kind="governor", parameters={"limit": "much"})
    assert look() == 1


def test_a_look_asks_as_few_queries_whatever_there_is_to_see(jump: Any) -> None:
    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            watch(quick=True, now=NOW - 2 * HOUR)
        return len(asked)

    few = cost()
    for n in range(5):
        week(make.make_case_type(mode="exception_handler", key=f"more-{n}"), hours=48)
        make.make_queue(f"queue-{n}")
    assert cost() == few
    assert few <= 14


# What people do.


def test_who_looks_after_alerts_acknowledges_snoozes_and_resolves_and_all_is_written_down(jump: Any) -> None:
    only("escalation-jump", trigger="plain")
    look()
    alert, leader = the_alert(), make.make_user("supervisor")
    acts.acknowledge(alert.pk, by=leader, origin="test", note="looking")
    with pytest.raises(Conflict):
        acts.acknowledge(alert.pk, by=leader, origin="test")
    acts.snooze(alert.pk, by=leader, origin="test", minutes=30)
    with pytest.raises(Invalid):
        acts.resolve(alert.pk, by=leader, origin="test", note=" ")
    acts.resolve(alert.pk, by=leader, origin="test", note="done")
    with pytest.raises(Conflict):
        acts.snooze(alert.pk, by=leader, origin="test", minutes=30)
    steps = [(event.what, event.note) for event in alert.events.all()]
    assert steps == [("raised", ""), ("acknowledged", "looking"), ("snoozed", ""), ("resolved", "done")]
    told = AuditEvent.objects.filter(object_type="alert").values_list("action", flat=True)
    assert list(told.order_by("id")) == ["alert.raised", "alert.acknowledged", "alert.snoozed", "alert.resolved"]


@pytest.mark.parametrize(("role", "refusal"), [("reviewer", Missing), ("auditor", Forbidden), ("integration", Missing)])
def test_others_may_not(jump: Any, role: str, refusal: type[Exception]) -> None:
    only("escalation-jump", trigger="plain")
    look()
    with pytest.raises(refusal):
        acts.acknowledge(the_alert().pk, by=make.make_user(role), origin="test")


@pytest.mark.parametrize("minutes", [0, -5, 7 * 24 * 60 + 1])
def test_a_snooze_has_bounds(jump: Any, minutes: int) -> None:
    only("escalation-jump", trigger="plain")
    look()
    with pytest.raises(Invalid):
        acts.snooze(the_alert().pk, by=make.make_user("manager"), origin="test", minutes=minutes)


def test_an_alert_about_a_person_is_for_those_who_look_after_people() -> None:
    found = rule("catch_rate_falling")
    fields = {"rule": found, "kind": found.kind, "severity": 2, "subject": "person:1", "subject_name": "rita"}
    alert = Alert.objects.create(**fields)
    with pytest.raises(Missing):
        acts.acknowledge(alert.pk, by=make.make_user("manager"), origin="test")
    assert acts.acknowledge(alert.pk, by=make.make_user("supervisor"), origin="test").state == "acknowledged"


def test_a_mute_needs_a_reason_and_an_end() -> None:
    found, leader = only("governor"), make.make_user("manager")
    from django.utils import timezone

    with pytest.raises(Invalid) as refused:
        acts.mute(found, by=leader, origin="test", until=timezone.now() + timedelta(days=60), reason="")
    assert set(refused.value.errors) == {"reason", "until"}
    acts.mute(found, by=leader, origin="test", until=timezone.now() + timedelta(days=2), reason="moving house")
    found.refresh_from_db()
    assert (found.muted_by, found.muted_because) == (leader.username, "moving house")
