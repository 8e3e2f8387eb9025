"""Whole jobs in a real browser, by keyboard alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from cases.models.choices import State
from review.models import Decision, ReviewTask
from tests import factories as make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def tasks(count: int, **fields: Any) -> list[ReviewTask]:
    case_type = make.make_case_type(**fields)
    made = []
    for _number in range(count):
        case = make.make_case(case_type, state=State.IN_REVIEW)
        make.make_prediction(case)
        made.append(make.make_task(case))
    return made


def test_five_cases_are_decided_by_keyboard_alone(open_desk: Any, reviewer: User) -> None:
    waiting = tasks(5)
    desk = open_desk()
    desk.sign_in(reviewer)
    desk.page.keyboard.press("a")
    for number, key in enumerate("aa2aa"):
        desk.page.wait_for_url(f"**/desk/{waiting[number].pk}/")
        if key == "2":
            desk.page.keyboard.press("2")
            desk.page.keyboard.press("s")
        else:
            desk.page.keyboard.press("a")
    desk.page.wait_for_selector("text=All done")
    outcomes = list(Decision.objects.order_by("id").values_list("outcome", "label"))
    assert outcomes == [("approve", "refund")] * 2 + [("amend", "billing")] + [("approve", "refund")] * 2
    assert all(seconds is not None for seconds in Decision.objects.values_list("active_seconds", flat=True))


def test_keys_sleep_while_somebody_types_and_rejecting_asks_for_a_note(open_desk: Any, reviewer: User) -> None:
    (task,) = tasks(1)
    desk = open_desk()
    desk.sign_in(reviewer)
    desk.page.keyboard.press("a")
    desk.page.wait_for_url(f"**/desk/{task.pk}/")
    desk.page.keyboard.press("x")
    desk.page.keyboard.type("axr is no answer")
    assert not Decision.objects.exists()
    desk.page.keyboard.press("Control+Enter")
    desk.page.wait_for_selector("text=All done")
    decision = Decision.objects.get()
    assert (decision.outcome, decision.note) == ("reject", "axr is no answer")


def test_what_was_typed_survives_leaving_the_page(open_desk: Any, reviewer: User) -> None:
    (task,) = tasks(1)
    desk = open_desk()
    desk.sign_in(reviewer)
    desk.page.keyboard.press("a")
    desk.page.wait_for_url(f"**/desk/{task.pk}/")
    desk.page.keyboard.press("2")
    desk.page.fill("[name='output.amount']", "12.5")
    desk.page.goto("/admin/")
    desk.page.goto(f"/admin/desk/{task.pk}/")
    assert desk.page.input_value("[name='output.amount']") == "12.5"
    assert desk.page.is_checked("input[value=billing]")
    assert desk.page.is_visible("text=Brought back from")


def test_undo_brings_the_case_back(open_desk: Any, reviewer: User) -> None:
    (task,) = tasks(1, policy={"grace_seconds": 60})
    desk = open_desk()
    desk.sign_in(reviewer)
    desk.page.keyboard.press("a")
    desk.page.wait_for_url(f"**/desk/{task.pk}/")
    desk.page.keyboard.press("a")
    desk.page.wait_for_selector(".cs-toast")
    desk.page.keyboard.press("u")
    desk.page.wait_for_selector("#decision")
    assert ReviewTask.objects.get(closed_at=None).case_id == task.case_id


def test_a_lost_lease_is_told_and_keeps_what_was_typed(open_desk: Any, reviewer: User) -> None:
    (task,) = tasks(1)
    desk = open_desk()
    desk.sign_in(reviewer)
    desk.page.keyboard.press("a")
    desk.page.wait_for_url(f"**/desk/{task.pk}/")
    desk.page.keyboard.press("3")
    ReviewTask.objects.update(lease_until="2020-01-01T00:00Z")
    desk.page.click("button[value=amend]")
    desk.page.wait_for_selector("text=This task is no longer in your hands")
    desk.faults.clear()  # the browser logs the 409 of the page itself
    desk.page.click("button[value=reclaim]")
    desk.page.wait_for_selector("#decision")
    assert desk.page.is_checked("input[value=other]")


def test_the_desk_works_without_javascript(open_desk: Any, reviewer: User) -> None:
    (task,) = tasks(1)
    desk = open_desk(java_script_enabled=False)
    desk.sign_in(reviewer)
    desk.page.click("text=Start reviewing")
    desk.page.click("label:has-text('billing')")
    desk.page.click("button[value=amend]")
    desk.page.wait_for_selector("text=All done")
    assert Decision.objects.get(task=task).label == "billing"
