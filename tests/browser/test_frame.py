"""The frame by hand and by keyboard: palette, sidebar, drawer, appearance, bell."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from cases.models.choices import State
from review.models import Notice
from tests import factories as make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PHONE = {"viewport": {"width": 390, "height": 844}}


def opened(open_desk: Any, user: User, **options: Any) -> Any:
    desk = open_desk(**options)
    desk.sign_in(user)
    return desk.page


def test_the_palette_opens_a_case_by_keyboard_alone(open_desk: Any, reviewer: User) -> None:
    case = make.make_case(state=State.IN_REVIEW, requester="<img src=x onerror=alert(1)>")
    make.make_task(case)
    page = opened(open_desk, reviewer)
    page.keyboard.press("Control+k")
    query = page.locator("#palette-query")
    assert query.evaluate("box => box === document.activeElement")
    page.keyboard.type(f"#{case.pk}")
    page.wait_for_selector(f"#palette-list [role=option]:has-text('#{case.pk}')")
    assert page.locator("#palette-list img").count() == 0
    chosen = query.get_attribute("aria-activedescendant")
    assert page.locator(f"#{chosen}").get_attribute("aria-selected") == "true"
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/admin/cases/case/{case.pk}/change/")


def test_the_palette_gives_the_focus_back_and_lets_no_key_through_to_the_desk(open_desk: Any, reviewer: User) -> None:
    task = make.make_task(claimed_by=reviewer)
    make.make_prediction(task.case)
    page = opened(open_desk, reviewer)
    page.goto(f"/admin/desk/{task.pk}/")
    page.focus("[data-palette]")
    page.keyboard.press("Enter")
    page.wait_for_selector("#palette[open]")
    page.keyboard.type("a")  # approves on the desk
    page.keyboard.press("Escape")
    assert page.locator("#palette[open]").count() == 0
    assert page.locator("[data-palette]").evaluate("button => button === document.activeElement")
    task.refresh_from_db()
    assert task.closed_at is None


def test_the_palette_takes_the_next_case_and_switches_the_appearance(open_desk: Any, reviewer: User) -> None:
    task = make.make_task()
    page = opened(open_desk, reviewer)
    page.keyboard.press("Control+k")
    page.keyboard.type("dark")
    page.wait_for_selector("#palette-list [aria-selected=true]:has-text('Dark appearance')")
    page.keyboard.press("Enter")
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.keyboard.press("Control+k")
    page.keyboard.type("next case")
    page.wait_for_selector("#palette-list [aria-selected=true]:has-text('Next case')")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/admin/desk/{task.pk}/**")
    assert page.locator("html").get_attribute("data-theme") == "dark"  # remembered


def test_arrows_walk_through_what_was_found_and_round_again(open_desk: Any, reviewer: User) -> None:
    page = opened(open_desk, reviewer)
    page.keyboard.press("Control+k")
    page.wait_for_selector("#palette-list [role=option]")
    last = page.locator("#palette-list [role=option]").last.get_attribute("id")
    page.keyboard.press("ArrowUp")
    assert page.get_attribute("#palette-query", "aria-activedescendant") == last
    page.keyboard.press("ArrowDown")
    assert page.get_attribute("#palette-query", "aria-activedescendant") == "palette-option-0"
    page.keyboard.type("no such thing anywhere")
    page.wait_for_selector("text=Nothing found.")


def test_a_folded_group_and_a_folded_sidebar_stay_so(open_desk: Any, reviewer: User) -> None:
    make.make_case_type()
    page = opened(open_desk, reviewer)
    page.focus("[data-group=cases] summary")
    page.keyboard.press("Enter")
    assert not page.is_visible("[data-group=cases] a")
    page.reload()
    assert not page.is_visible("[data-group=cases] a")
    page.click("[data-side-toggle]")
    page.reload()
    assert not page.is_visible("#nav-sidebar")
    page.click("[data-side-toggle]")
    assert page.is_visible("#nav-sidebar")


def test_a_narrow_screen_has_a_drawer_that_escape_closes(open_desk: Any, reviewer: User) -> None:
    make.make_case_type()
    page = opened(open_desk, reviewer, **PHONE)
    assert not page.is_visible("#nav-sidebar")
    page.click("#header [popovertarget=nav-sidebar]")
    assert page.is_visible("#nav-sidebar a[aria-current=page]")
    page.keyboard.press("Escape")
    assert not page.is_visible("#nav-sidebar")


def test_the_drawer_and_the_bell_work_without_javascript(open_desk: Any, reviewer: User) -> None:
    make.make_case_type()
    page = opened(open_desk, reviewer, java_script_enabled=False, **PHONE)
    page.click("#header [popovertarget=nav-sidebar]")
    page.click("#nav-sidebar a:has-text('Queues')")
    page.wait_for_url("**/admin/desk/queues/")
    page.click("[data-bell]")
    page.wait_for_selector("text=No notices")


def test_the_bell_counts_shows_text_as_text_and_leads_to_the_task(open_desk: Any, reviewer: User) -> None:
    task = make.make_task()
    Notice.objects.create(user=reviewer, case=task.case, task=task, kind="handed_over", text="<i>yours</i>")
    page = opened(open_desk, reviewer)
    page.wait_for_selector("[data-bell-count]:has-text('1')")
    assert page.get_attribute("[data-bell]", "aria-label") == "Notices, 1 unseen"
    page.click("[data-bell]")
    assert page.is_visible("text=<i>yours</i>")
    page.keyboard.press("Enter")  # the first notice has the focus
    page.wait_for_url(f"**/admin/desk/{task.pk}/")
    assert Notice.objects.get().seen_at is not None


def test_all_notices_are_marked_as_seen_from_the_bell(open_desk: Any, reviewer: User) -> None:
    Notice.objects.create(user=reviewer, case=make.make_case(), kind="late")
    page = opened(open_desk, reviewer)
    page.wait_for_selector("[data-bell-count]:not([hidden])")
    page.click("[data-bell]")
    page.click("[data-bell-all]")
    page.wait_for_selector("[data-bell-count]", state="hidden")
    assert Notice.objects.get().seen_at is not None
