"""Alerts over REST: who sees what, by which filter, and what a program may do with one."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client

from metrics.models import Alert
from tests import factories as make
from tests.alert_history import rule

pytestmark = pytest.mark.django_db


def alert(**fields: Any) -> Alert:
    found = fields.pop("rule", None) or rule("governor", key="gov")
    base = {"rule": found, "kind": found.kind, "severity": 2, "subject": "case_type:a", "subject_name": "A"}
    return Alert.objects.create(**{**base, **fields})


def client(user: User | str) -> Client:
    made = Client()
    made.force_login(make.make_user(user) if isinstance(user, str) else user)
    return made


def post(by: Client, pk: int, act: str, **body: Any) -> Any:
    return by.post(f"/api/v1/alerts/{pk}/{act}/", body, content_type="application/json")


def test_the_list_is_narrowed_by_state_severity_kind_and_case_type() -> None:
    case_type = make.make_case_type(key="mail")
    found = rule("governor", key="gov")
    one = alert(rule=found, case_type=case_type, severity=3)
    two = alert(rule=found, subject="b", state="resolved")
    by = client("manager")

    def ids(query: str) -> list[int]:
        return [row["id"] for row in by.get(f"/api/v1/alerts/{query}").json()["results"]]

    assert ids("") == [two.pk, one.pk]
    assert ids("?state=open") == ids("?severity=critical") == ids("?case_type=mail") == [one.pk]
    assert ids("?kind=no_worker") == []


@pytest.mark.parametrize("query", ["?state=x", "?severity=9", "?nothing=1", "?kind=%00"])
def test_a_filter_that_makes_no_sense_is_refused_by_name(query: str) -> None:
    answer = client("manager").get(f"/api/v1/alerts/{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"]


def test_an_alert_tells_its_figures_in_words_and_that_its_rule_is_muted() -> None:
    from datetime import timedelta

    from django.utils import timezone

    found = rule(
        "governor", key="gov", muted_until=timezone.now() + timedelta(hours=1), muted_by="mara", muted_because="m"
    )
    case = make.make_case()
    evidence = {"figures": {"share": 0.3, "part": 3, "whole": 10, "limit": 0.2}, "cases": [case.pk], "changes": []}
    alert(rule=found, evidence=evidence)
    (row,) = client("supervisor").get("/api/v1/alerts/").json()["results"]
    assert row["text"].startswith("30.0 % of the cases")
    assert row["muted"]["by"] == "mara"
    assert row["cases"] == [case.pk]
    (row,) = client("manager").get("/api/v1/alerts/").json()["results"]
    assert row["cases"] == []  # a manager sees no case


@pytest.mark.parametrize(
    ("role", "status"), [("reviewer", 403), ("integration", 403), ("auditor", 200), ("manager", 200)]
)
def test_who_may_read(role: str, status: int) -> None:
    assert client(role).get("/api/v1/alerts/").status_code == status


def test_acknowledge_snooze_resolve() -> None:
    raised, by = alert(), client("manager")
    assert post(by, raised.pk, "acknowledge", note="mine").json()["state"] == "acknowledged"
    assert post(by, raised.pk, "acknowledge").status_code == 409
    assert post(by, raised.pk, "snooze").status_code == 422
    assert post(by, raised.pk, "snooze", minutes=30).json()["snoozed_until"]
    assert post(by, raised.pk, "resolve").json()["errors"] == {"note": ["This field is required."]}
    assert post(by, raised.pk, "resolve", note="found").json()["state"] == "resolved"
    assert post(by, raised.pk, "resolve", note="again").status_code == 409
    assert post(by, 10**12, "resolve", note="x").status_code == 404
    assert post(client("auditor"), raised.pk, "acknowledge").status_code == 403
    assert by.get(f"/api/v1/alerts/{raised.pk}/").json()["state"] == "resolved"


def test_a_page_of_alerts_asks_as_many_queries_as_one_alert(django_assert_max_num_queries: Any) -> None:
    found = rule("governor", key="gov")
    case = make.make_case()
    for n in range(20):
        alert(rule=found, subject=str(n), evidence={"cases": [case.pk]})
    by = client("supervisor")
    with django_assert_max_num_queries(12):
        assert len(by.get("/api/v1/alerts/").json()["results"]) == 20
