"""Alerts and rules in the back office: seen, acted on, tried out, muted, and never overwritten by a second tab."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from cases.models import AuditEvent
from metrics.models import Alert, AlertChannel, AlertRule
from tests import factories as make
from tests.alert_history import HOUR, flow, only, week

pytestmark = pytest.mark.django_db
SLACK = "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/#general"
SECRET = "TIiajkdnlazkcOXrIdevi7FQ"


def client(role: str) -> Client:
    made = Client()
    made.force_login(make.make_user(role, is_staff=True))
    return made


def alert(**fields: Any) -> Alert:
    found = AlertRule.objects.get(key="escalation-jump")
    series = [[f"2026-03-18T{hour:02}:00:00+00:00", 0.3, 0.15, 100] for hour in range(3)]
    figures = {"share": 0.3, "usual": 0.15, "part": 30, "whole": 100}
    change = {"at": "2026-03-18T01:00:00+00:00", "kind": "policy", "words": "<b>Mail 2</b>", "pk": 1, "why": "x"}
    evidence = {"figures": figures, "series": series, "limit": 0.18, "cases": [], "changes": [change]}
    base = {"rule": found, "kind": found.kind, "severity": 3, "subject": "case_type:a", "subject_name": "Mail"}
    return Alert.objects.create(**{**base, "evidence": evidence, **fields})


def page(raised: Alert) -> str:
    return reverse("admin:metrics_alert_change", args=[raised.pk])


def form_of(rule: AlertRule, **changes: Any) -> dict[str, Any]:
    parameters = {"p_least": 30, "p_window": 1, "p_change": 0.2, "p_measured": "relative", "p_false_alarm_days": 90}
    base = {"name": rule.name, "severity": rule.severity, "trigger": rule.trigger, "row_version": rule.version}
    return {**base, "enabled": "on", **parameters, **changes}


@pytest.mark.parametrize("role", ["supervisor", "manager", "administrator"])
def test_the_page_tells_what_was_found_with_its_chart_its_table_and_what_to_do(role: str) -> None:
    answer = client(role).get(page(alert()))
    text = answer.content.decode()
    assert "30.0 % of the cases went to a person (30 of 100); usual at these hours: 15.0 %." in text
    assert 'id="figure-alert"' in text
    assert "<td>15.0 %</td>" in text
    assert "&lt;b&gt;Mail 2&lt;/b&gt;" in text
    assert "Acknowledge" in text


def test_an_auditor_sees_it_and_has_no_button_and_a_reviewer_finds_nothing() -> None:
    raised = alert()
    text = client("auditor").get(page(raised)).content.decode()
    assert "What to do with it" not in text
    assert client("reviewer").get(page(raised)).status_code == 404
    assert client("auditor").post(reverse("admin:metrics_alert_acknowledge", args=[raised.pk])).status_code == 302
    raised.refresh_from_db()
    assert raised.state == "open"


def test_acknowledging_snoozing_and_resolving_by_the_buttons() -> None:
    raised, by = alert(), client("manager")
    by.post(reverse("admin:metrics_alert_acknowledge", args=[raised.pk]), {"note": "mine <script>"})
    by.post(reverse("admin:metrics_alert_snooze", args=[raised.pk]), {"minutes": "99999999999999999999"})
    raised.refresh_from_db()
    assert raised.state == "acknowledged"
    by.post(reverse("admin:metrics_alert_snooze", args=[raised.pk]), {"minutes": "120"})
    by.post(reverse("admin:metrics_alert_resolve", args=[raised.pk]), {"note": "done"})
    raised.refresh_from_db()
    assert (raised.state, raised.quiet) == ("resolved", True)
    text = by.get(page(raised)).content.decode()
    assert "mine &lt;script&gt;" in text
    assert by.get(reverse("admin:metrics_alert_resolve", args=[raised.pk])).status_code == 405


def test_a_mute_is_seen_in_the_list_on_the_page_and_at_home() -> None:
    make.make_case_type()  # else the home page is that of the first run
    raised = alert()
    by = client("supervisor")
    by.post(reverse("admin:metrics_alertrule_mute", args=[raised.rule_id]), {"hours": "8", "reason": "moving house"})
    for address in (page(raised), reverse("admin:metrics_alert_changelist"), reverse("admin:index")):
        assert "muted until" in by.get(address).content.decode()
    assert "moving house" in by.get(page(raised)).content.decode()
    by.post(reverse("admin:metrics_alertrule_unmute", args=[raised.rule_id]))
    assert "muted until" not in by.get(page(raised)).content.decode()


def test_who_may_only_read_a_rule_sees_what_it_is_set_to() -> None:
    rule = AlertRule.objects.get(key="escalation-jump")
    answer = client("supervisor").get(reverse("admin:metrics_alertrule_change", args=[rule.pk]))
    assert answer.status_code == 200
    assert "Set to" in answer.content.decode()
    assert 'name="_save"' not in answer.content.decode()


def test_only_administrators_change_rules_and_a_second_tab_is_refused() -> None:
    rule = AlertRule.objects.get(key="escalation-jump")
    address = reverse("admin:metrics_alertrule_change", args=[rule.pk])
    assert client("supervisor").post(address, form_of(rule)).status_code == 403
    by = client("administrator")
    assert by.post(address, form_of(rule, p_change="0.5", p_chance="")).status_code == 302
    changed = AlertRule.objects.get(pk=rule.pk)
    assert (changed.parameters["change"], changed.parameters["chance"], changed.version) == (0.5, None, 2)
    assert AuditEvent.objects.filter(action="alertrule.changed").exists()
    stale = by.post(address, form_of(rule, p_change="0.9"))
    assert stale.status_code == 200
    assert "Somebody else has saved this" in stale.content.decode()


def test_a_parameter_out_of_bounds_is_said_beside_its_field() -> None:
    rule = AlertRule.objects.get(key="escalation-jump")
    address = reverse("admin:metrics_alertrule_change", args=[rule.pk])
    answer = client("administrator").post(address, form_of(rule, p_change="99"))
    assert list(answer.context["adminform"].form.errors) == ["p_change"]


def test_a_new_rule_begins_with_its_kind() -> None:
    by, case_type = client("administrator"), make.make_case_type(key="mail")
    address = reverse("admin:metrics_alertrule_add")
    assert "Governor: escalation above 20 %" in by.get(address).content.decode()
    assert by.get(f"{address}?kind=nonsense").status_code == 200
    given = {"key": "mine", "name": "Mine", "kind": "governor", "case_type": case_type.pk, "severity": 3}
    given |= {"trigger": "plain", "enabled": "on", "p_least": 50, "p_limit": 0.25, "p_chance": 0.05}
    assert by.post(f"{address}?kind=governor", given).status_code == 302
    made = AlertRule.objects.get(key="mine")
    assert (made.case_type, made.parameters["limit"]) == (case_type, 0.25)


def test_a_dry_run_says_how_many_alerts_a_rule_would_have_raised() -> None:
    now = timezone.now().replace(minute=0, second=0, microsecond=0)
    case_type = make.make_case_type(mode="exception_handler", key="mail", name="Mail")
    week(case_type, until=now - 3 * HOUR)
    flow(case_type, now - 3 * HOUR, routed=100, escalated=60)
    rule = only("escalation-jump", trigger="plain")
    text = client("administrator").get(reverse("admin:metrics_alertrule_trial", args=[rule.pk])).content.decode()
    assert "It would have raised 1 alert in the last 30 days" in " ".join(text.split())
    assert not Alert.objects.exists()


def test_what_has_raised_alerts_is_not_deleted() -> None:
    raised = alert()
    address = reverse("admin:metrics_alertrule_delete", args=[raised.rule_id])
    assert client("administrator").post(address, {"post": "yes"}).status_code == 403


def test_the_address_of_a_chat_is_never_shown_again_and_stays_when_the_field_is_left_empty() -> None:
    by, address = client("administrator"), reverse("admin:metrics_alertchannel_add")
    given = {
        "key": "slack",
        "name": "Slack",
        "kind": "apprise",
        "chat_address": SLACK,
        "least_severity": 2,
        "enabled": "on",
    }
    assert by.post(address, given).status_code == 302
    made = AlertChannel.objects.get()
    change = reverse("admin:metrics_alertchannel_change", args=[made.pk])
    for shown in (change, reverse("admin:metrics_alertchannel_changelist")):
        assert SECRET not in by.get(shown).content.decode()
    again = {**given, "chat_address": "", "name": "Slack of ours", "row_version": made.version}
    assert by.post(change, again).status_code == 302
    made.refresh_from_db()
    assert (made.name, made.url) == ("Slack of ours", SLACK)
    assert SECRET not in str(list(AuditEvent.objects.values_list("data", flat=True)))
    refused = by.post(address, {**given, "key": "bad", "chat_address": f"ntfy://127.0.0.1/{SECRET}"}).content.decode()
    assert SECRET not in refused


def test_every_page_counts_what_calls_at_the_cost_of_one_query_and_says_304_while_nothing_changes(
    django_assert_max_num_queries: Any,
) -> None:
    raised, by = alert(), client("manager")
    address = reverse("admin:alerts_calling")
    first = by.get(address)
    assert (first.json()["count"], first.json()["alerts"][0]["id"]) == (1, raised.pk)
    with django_assert_max_num_queries(
        6
    ):  # the session, the account, its permissions twice, its preferences, the alerts
        again = by.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    alert(subject="other")
    assert by.get(address, headers={"If-None-Match": first.headers["ETag"]}).json()["count"] == 2


def test_what_is_acknowledged_snoozed_or_muted_does_not_call() -> None:
    alert(subject="a", state="acknowledged")
    alert(subject="b", state="snoozed", snoozed_until=timezone.now() + timedelta(hours=1))
    alert(subject="c", muted=True)
    assert client("manager").get(reverse("admin:alerts_calling")).json() == {"count": 0, "alerts": []}
