"""The queues' pages in a browser: counts that keep themselves current, a rule edited by keyboard with its dry run, axe."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from cases.models.choices import State
from review import saved_filters
from review.models import Policy, ReviewTask
from tests import factories as make
from tests.browser.sound import violations
from tests.browser.test_looks import LOOKS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def lead(desk: Any) -> User:
    user = make.make_user("supervisor", is_staff=True)
    desk.sign_in(user)
    return user


def a_task(**fields: Any) -> ReviewTask:
    return make.make_task(make.make_case(state=State.IN_REVIEW, label="refund"), **fields)


def test_the_counts_follow_the_queue_without_a_reload(open_desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("review.desk.queue_pages.LIVE_SECONDS", 0.2)
    desk = open_desk()
    lead(desk)
    a_task()
    desk.page.goto("/admin/desk/queues/front-desk/")
    counts = desk.page.locator("[data-live=figures] .cs-figures dd")
    assert counts.all_inner_texts() == ["1", "0", "0", "0", "0"]
    desk.page.evaluate("window.stillHere = true")
    desk.page.locator("[data-live=figures] summary").click()
    a_task(due_at=timezone.now() - timedelta(hours=1))
    counts.first.filter(has_text="2").wait_for()
    assert counts.all_inner_texts() == ["2", "0", "0", "0", "1"]
    assert desk.page.evaluate("window.stillHere")
    assert desk.page.locator("[data-live=figures] details").get_attribute("open") is not None
    assert "2 waiting, 1 overdue" in desk.page.locator("[data-live=said]").inner_text()


def a_case_type() -> Any:
    boss = make.make_queue("supervisors", kind="supervisor", groups=("supervisor",))
    big = {"reason": "high_risk", "when": [{"field": "output.amount", "op": "gt", "value": 500}], "queue": boss}
    unsure = {"reason": "low_confidence", "queue": make.make_queue("experts", kind="expert")}
    rules = [big, unsure, {"default": True, "queue": make.make_queue()}]
    case_type = make.make_case_type("exception_handler", key="mail", rules=rules)
    for amount in (100, 300, 700):
        case = make.make_case(case_type, state=State.CLOSED, routed_at=timezone.now() - timedelta(days=1))
        make.make_prediction(case, confidence=0.99, output={"label": "refund", "amount": amount})
    return case_type


def test_a_rule_is_edited_by_keyboard_tried_and_proposed(open_desk: Any) -> None:
    desk = open_desk()
    lead(desk)
    policy = a_case_type().policies.get()
    page = desk.page
    page.goto(reverse("admin:review_policy_propose", args=[policy.pk]))
    page.locator("[data-add=rule]").focus()
    page.keyboard.press("Enter")
    added = page.locator("[data-rows=rule] > [data-row]").last
    added.locator("select[name$='-reason']").select_option("high_risk")
    added.locator("select[name$='-queue']").select_option("supervisors")
    added.locator("input[name$='-0-field']").fill("output.amount")
    added.locator("select[name$='-0-op']").select_option("ge")
    added.locator("input[name$='-0-value']").fill("300")
    name = added.locator("select[name$='-reason']").get_attribute("name")
    up = f"[data-row]:has([name='{name}']) [data-move=up]"
    for _ in range(3):
        page.locator(f"[data-rows=rule] > {up}").press("Enter")
    assert "Rule 1 of" in page.locator("[data-status]").inner_text()
    page.locator(".cs-actions button[value=try]").press("Enter")
    page.wait_for_selector("#trial")
    assert "1 case would have gone another way" in page.locator("#trial").inner_text()
    assert "would have been 2 instead of 1" in page.locator("#trial").inner_text()
    page.fill("#note", "small sums go wrong too")
    page.locator("button[value=propose]").press("Enter")
    page.wait_for_url("**/change/")
    made = Policy.objects.get(status="active")
    assert made.number == 2
    first = made.rules.all()[0]
    assert (first.queue.key, first.when) == ("supervisors", [{"field": "output.amount", "op": "ge", "value": 300}])


def test_several_are_chosen_with_one_tick_and_taken_away(open_desk: Any) -> None:
    desk = open_desk()
    lead(desk)
    reader = make.make_user("reviewer")
    tasks = [a_task(claimed_by=reader) for _ in range(2)]
    desk.page.goto("/admin/desk/tasks/")
    desk.page.locator("[data-all]").check()
    assert desk.page.locator("[data-chosen]").inner_text() == "2 selected"
    desk.page.fill("#several-reason", "ill today")
    desk.page.locator("button[value=take_away]").click()
    assert "2 of 2 done" in desk.page.locator("h1").first.inner_text()
    assert not ReviewTask.objects.filter(pk__in=[task.pk for task in tasks], assignee__isnull=False).exists()


@pytest.mark.parametrize("look", LOOKS)
def test_the_pages_are_accessible_and_fit_their_screen(open_desk: Any, look: str) -> None:
    desk = open_desk(**LOOKS[look])
    user = lead(desk)
    policy = a_case_type().policies.get()
    a_task(claimed_by=make.make_user("reviewer"))
    a_task(due_at=timezone.now() - timedelta(hours=1))
    saved_filters.save(user, page="tasks", name="Late", query="overdue=on", shared=True)
    desk.page.goto(reverse("admin:review_policy_propose", args=[policy.pk]))
    propose = desk.page.url
    found = {}
    for path in (
        "/admin/desk/queues/",
        "/admin/desk/queues/front-desk/?overdue=on",
        "/admin/desk/tasks/",
        "/admin/desk/tasks/?reason=reopened",
        "/admin/review/reviewtask/?stage=overdue",
        reverse("admin:review_policy_change", args=[policy.pk]),
        propose,
        "try",
    ):
        if path == "try":
            desk.page.fill("#threshold", "0.99")
            desk.page.locator(".cs-actions button[value=try]").click()
            desk.page.wait_for_selector("#trial")
        else:
            desk.page.goto(path)
        found[path] = violations(desk.page)
        width = desk.page.evaluate("document.documentElement.scrollWidth")
        assert width <= desk.page.viewport_size["width"], path
    assert {path: faults for path, faults in found.items() if faults} == {}
