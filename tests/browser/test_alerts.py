"""An alert raised while a page is open appears without a reload; its page is readable by everybody, everywhere."""

from __future__ import annotations

import time
from typing import Any

import pytest

from metrics.models import Alert, AlertRule
from tests import factories as make
from tests.browser.test_looks import looked_over

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"viewport": {"width": 390, "height": 844}}


def alert(**fields: Any) -> Alert:
    defaults = {"name": "Escalation rate jumps", "kind": "escalation_jump"}
    rule, _made = AlertRule.objects.get_or_create(key="escalation-jump", defaults=defaults)
    series = [[f"2026-03-18T{hour:02}:00:00+00:00", 0.15 + hour / 100, 0.15, 100] for hour in range(24)]
    figures = {"share": 0.3, "usual": 0.15, "part": 30, "whole": 100}
    evidence = {"figures": figures, "series": series, "limit": 0.18, "cases": [], "changes": []}
    base = {"rule": rule, "kind": rule.kind, "severity": 3, "subject": "a", "subject_name": "<i>Mail</i>"}
    return Alert.objects.create(**{**base, "evidence": evidence, **fields})


def test_an_alert_appears_on_an_open_page_within_five_seconds_and_without_a_reload(open_desk: Any) -> None:
    make.make_case_type()
    desk = open_desk()
    desk.sign_in(make.make_user("manager", is_staff=True))
    page = desk.page
    page.wait_for_selector("[data-alerts][data-asked]")
    page.evaluate("window.stayed = true")
    raised, began = alert(), time.monotonic()
    page.wait_for_selector(".cs-alert-toast:has-text('Escalation rate jumps: <i>Mail</i>')", timeout=5_000)
    assert time.monotonic() - began < 5
    assert page.evaluate("window.stayed")
    assert page.locator(".cs-nav-count:visible").inner_text() == "1"
    assert page.locator("[data-alerts-list] a").inner_text() == "Escalation rate jumps: <i>Mail</i>"
    page.click(".cs-alert-toast a")
    page.wait_for_url(f"**/admin/metrics/alert/{raised.pk}/change/")


@pytest.mark.parametrize("options", [{}, {"color_scheme": "dark"}, PHONE], ids=["light", "dark", "phone"])
def test_its_page_is_without_faults_in_light_dark_and_on_a_phone(open_desk: Any, options: dict[str, Any]) -> None:
    raised = alert()
    desk = open_desk(**options)
    desk.sign_in(make.make_user("supervisor", is_staff=True))
    for address in (f"/admin/metrics/alert/{raised.pk}/change/", "/admin/metrics/alert/", "/admin/"):
        desk.page.goto(address)
        desk.page.wait_for_load_state("networkidle")
        assert looked_over(desk) == []
