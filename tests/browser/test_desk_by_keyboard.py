"""Whole jobs in a real browser, by keyboard alone."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session

from cases.models.choices import State
from review.models import Decision, Draft, Note, Profile, ReviewTask
from tests import factories as make
from tests.browser.sound import violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def tasks(count: int, **fields: Any) -> list[ReviewTask]:
    case_type = make.make_case_type(**fields)
    made = []
    for _number in range(count):
        case = make.make_case(case_type, state=State.IN_REVIEW)
        make.make_prediction(case)
        made.append(make.make_task(case))
    return made


def begin(open_desk: Any, user: User, task: ReviewTask) -> Any:
    """The person's page with this task on it."""
    desk = open_desk()
    desk.sign_in(user)
    desk.page.keyboard.press("a")
    shown(desk, task)
    return desk


def shown(desk: Any, task: ReviewTask) -> None:
    desk.page.wait_for_url(f"**/desk/{task.pk}/")
    desk.page.wait_for_selector(f"h1:has-text('#{task.case_id}')")


def saved(desk: Any) -> None:
    desk.page.wait_for_selector("[data-draft-status]:has-text('Draft saved')")


def test_ten_cases_are_decided_by_keyboard_alone_and_the_page_is_loaded_once(open_desk: Any, reviewer: User) -> None:
    waiting = tasks(10)
    desk = begin(open_desk, reviewer, waiting[0])
    loads: list[str] = []
    desk.page.on("load", lambda page: loads.append(page.url))
    for task, key in zip(waiting, "aa2aa3aaaa", strict=True):
        shown(desk, task)
        if key.isdigit():
            desk.page.keyboard.press(key)
            desk.page.keyboard.press("s" if key == "2" else "a")  # who changed something and approves means: save it
        else:
            desk.page.keyboard.press("a")
    desk.page.wait_for_selector("text=All done")
    decided = list(Decision.objects.order_by("id").values_list("outcome", "label", "override"))
    assert decided[2] == ("amend", "billing", True)
    assert decided[5] == ("amend", "other", True)
    assert decided[:2] + decided[3:5] + decided[6:] == [("approve", "refund", False)] * 8
    assert all(seconds is not None for seconds in Decision.objects.values_list("active_seconds", flat=True))
    assert loads == []
    assert desk.page.title().startswith("Review desk")


def test_a_screen_reader_is_told_which_case_came_next_and_going_back_shows_the_last(
    open_desk: Any, reviewer: User
) -> None:
    first, second = tasks(2)
    desk = begin(open_desk, reviewer, first)
    desk.page.keyboard.press("a")
    shown(desk, second)
    assert f"#{second.case_id}" in desk.page.evaluate("document.activeElement.textContent")
    assert f"#{second.case_id}" in desk.page.title()
    desk.page.go_back()
    desk.page.wait_for_selector("text=This task is done")


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
    desk = begin(open_desk, reviewer, task)
    desk.page.keyboard.press("2")
    desk.page.fill("[name='output.amount']", "12.5")
    desk.page.goto("/admin/")
    desk.page.goto(f"/admin/desk/{task.pk}/")
    assert desk.page.input_value("[name='output.amount']") == "12.5"
    assert desk.page.is_checked("input[value=billing]")
    assert desk.page.is_visible("text=Brought back from")
    desk.page.click("text=Start over")
    desk.page.wait_for_selector("input[value=refund]:checked")
    assert not Draft.objects.filter(fields__has_key="output.label").exists()


def test_a_held_case_waits_and_is_taken_up_again(open_desk: Any, reviewer: User) -> None:
    first, second = tasks(2)
    desk = begin(open_desk, reviewer, first)
    desk.page.keyboard.press("h")
    desk.page.keyboard.type("waiting for a copy")
    desk.page.keyboard.press("Enter")
    shown(desk, second)
    assert desk.page.is_visible(f"text=#{first.case_id} is on hold in your hands.")
    first.refresh_from_db()
    assert first.hold_reason == "waiting for a copy"
    desk.page.goto(f"/admin/desk/{first.pk}/")
    desk.page.wait_for_selector("text=waiting for a copy")
    desk.page.keyboard.press("c")
    desk.page.wait_for_selector("#decision")
    desk.page.keyboard.press("a")
    shown(desk, second)
    assert Decision.objects.get().task == first


def test_snoozing_skipping_and_raising_ask_in_a_dialog_that_escape_closes(open_desk: Any, reviewer: User) -> None:
    make.make_queue("experts", groups=("expert",), kind="expert")
    first, second, third = tasks(3)
    desk = begin(open_desk, reviewer, first)
    desk.page.keyboard.press("z")
    desk.page.keyboard.press("Escape")
    assert not desk.page.is_visible("#ask-snooze")
    desk.page.keyboard.press("z")
    desk.page.keyboard.press("Enter")
    shown(desk, second)
    assert desk.page.is_visible(f"text=Snoozed #{first.case_id}")
    desk.page.keyboard.press("k")
    desk.page.keyboard.press("Enter")
    assert desk.page.is_visible("#ask-skip")  # without a reason nothing is sent
    desk.page.keyboard.type("I know the sender")
    desk.page.keyboard.press("Enter")
    shown(desk, third)
    desk.page.keyboard.press("r")
    desk.page.keyboard.type("a matter of tax")
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_selector("text=Raised")
    assert ReviewTask.objects.get(case=third.case, closed_at=None).note == "a matter of tax"


def test_a_case_is_handed_over_and_the_second_person_takes_it_up(open_desk: Any, reviewer: User) -> None:
    (task,) = tasks(1)
    other = make.make_user("reviewer", is_staff=True)
    desk = begin(open_desk, reviewer, task)
    desk.page.keyboard.press("o")
    desk.page.wait_for_selector("#ask-handing #handing-person")
    desk.page.select_option("#handing-person", other.username)
    desk.page.fill("#handing-note", "You know this customer.")
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_selector("text=Handed over")
    again = ReviewTask.objects.get(closed_at=None)
    assert again.assignee == other
    theirs = begin(open_desk, other, again)
    assert theirs.page.is_visible(".cs-note >> text=You know this customer.")
    theirs.page.keyboard.press("a")
    theirs.page.wait_for_selector("text=All done")
    assert Decision.objects.get().decided_by == other


def test_two_people_on_one_case_know_of_each_other_and_only_one_decides(open_desk: Any, reviewer: User) -> None:
    (task,) = tasks(1)
    other = make.make_user("reviewer", is_staff=True)
    mine = begin(open_desk, reviewer, task)
    theirs = open_desk()
    theirs.sign_in(other)
    theirs.page.goto(f"/admin/desk/{task.pk}/")
    theirs.page.wait_for_selector(f"text={reviewer.username} is working on this")
    theirs.page.wait_for_selector(f"text={reviewer.username} is looking at this case too.")
    assert theirs.page.query_selector("#decision") is None
    mine.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    mine.page.wait_for_selector(f"text={other.username} is looking at this case too.")
    mine.page.keyboard.press("a")
    mine.page.wait_for_selector("text=All done")
    theirs.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    theirs.page.wait_for_selector("text=This task stands differently now.")


def test_undo_brings_the_case_back(open_desk: Any, reviewer: User) -> None:
    (task,) = tasks(1, policy={"grace_seconds": 60})
    desk = begin(open_desk, reviewer, task)
    desk.page.keyboard.press("a")
    desk.page.wait_for_selector(f".cs-toast:has-text('Decided #{task.case_id}: approve')")
    assert desk.page.is_visible("[data-undo-left]")
    desk.page.goto("/admin/desk/")  # as long as the grace period runs, wherever one has been since
    desk.page.wait_for_selector(".cs-toast")
    desk.page.keyboard.press("u")
    desk.page.wait_for_selector("#decision")
    assert ReviewTask.objects.get(closed_at=None).case_id == task.case_id


def test_a_lost_lease_is_told_and_keeps_what_was_typed(open_desk: Any, reviewer: User) -> None:
    (task,) = tasks(1)
    desk = begin(open_desk, reviewer, task)
    desk.page.keyboard.press("3")
    saved(desk)
    ReviewTask.objects.update(lease_until="2020-01-01T00:00Z")
    desk.page.click("button[value=amend]")
    desk.page.wait_for_selector("text=This task is no longer in your hands")
    desk.faults.clear()  # the browser logs the 409 of the page itself
    desk.page.click("button[value=reclaim]")
    desk.page.wait_for_selector("#decision")
    assert desk.page.is_checked("input[value=other]")


def test_a_lease_is_warned_of_before_it_ends_and_can_be_kept(open_desk: Any, reviewer: User, settings: Any) -> None:
    settings.TASK_LEASE_SECONDS = 50
    (task,) = tasks(1)
    desk = begin(open_desk, reviewer, task)
    desk.page.wait_for_selector("#lease-warning:not([hidden])")
    settings.TASK_LEASE_SECONDS = 600
    desk.page.click("text=Keep it")
    desk.page.wait_for_selector("#lease-warning", state="hidden")


def test_a_lost_session_keeps_the_page_and_the_draft_and_goes_on_after_signing_in(
    open_desk: Any, reviewer: User
) -> None:
    (task,) = tasks(1)
    desk = begin(open_desk, reviewer, task)
    desk.page.keyboard.press("2")
    saved(desk)
    Session.objects.all().delete()
    desk.page.keyboard.press("3")
    desk.page.wait_for_selector("text=You are signed out")
    assert desk.page.is_checked("input[value=other]")
    with desk.page.context.expect_page() as opened:
        desk.page.click("text=Sign in in a new tab")
    login = opened.value
    login.fill("#id_username", reviewer.username)
    login.fill("#id_password", "password")
    login.click("input[type=submit]")
    login.wait_for_url("**/admin/")
    login.close()
    desk.page.wait_for_selector("#signed-out", state="hidden")
    desk.faults.clear()  # the browser logs the 401s
    desk.page.keyboard.press("s")
    desk.page.wait_for_selector("text=All done")
    assert Decision.objects.get().label == "other"


def test_a_lease_that_ends_on_the_page_says_so_and_keeps_the_draft(
    open_desk: Any, reviewer: User, settings: Any
) -> None:
    (task,) = tasks(1)
    other = make.make_user("reviewer", is_staff=True)
    desk = begin(open_desk, reviewer, task)
    desk.page.keyboard.press("2")
    saved(desk)
    ReviewTask.objects.update(assignee=other, lease_token=9)
    desk.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    desk.page.wait_for_selector(f"text=Your lease ended and {other.username} holds this task now.")
    desk.faults.clear()  # the browser logs the 409
    ReviewTask.objects.update(assignee=None, lease_until="2020-01-01T00:00Z")
    desk.page.click("text=Open it again")
    desk.page.wait_for_selector("text=is kept and comes back")
    desk.page.keyboard.press("c")
    desk.page.wait_for_selector("#decision")
    assert desk.page.is_checked("input[value=billing]")


def test_dialogs_and_what_is_not_ones_own_are_accessible(open_desk: Any, reviewer: User) -> None:
    first, second = tasks(2)
    desk = begin(open_desk, reviewer, first)
    found = {}
    for key, name in (("x", "reject"), ("r", "raise"), ("h", "hold"), ("z", "snooze"), ("k", "skip"), ("o", "handing")):
        desk.page.keyboard.press(key)
        desk.page.wait_for_selector(f"#ask-{name} button")
        found[name] = violations(desk.page)
        desk.page.keyboard.press("Escape")
        desk.page.wait_for_selector(f"#ask-{name}", state="hidden")
    desk.page.keyboard.press("?")
    desk.page.wait_for_selector("#keys button")
    found["keys"] = violations(desk.page)
    desk.page.keyboard.press("Escape")
    for path in (f"/admin/desk/{second.pk}/", f"/admin/desk/{first.pk}/handing/", f"/admin/desk/{first.pk}/?acts=1"):
        desk.page.goto(path)
        found[path] = violations(desk.page)
    assert {name: faults for name, faults in found.items() if faults} == {}


def test_keys_can_be_listed_and_switched_off_for_good(open_desk: Any, reviewer: User) -> None:
    (task,) = tasks(1)
    desk = begin(open_desk, reviewer, task)
    desk.page.keyboard.press("?")
    desk.page.wait_for_selector("text=approve, or save what you changed")
    with desk.page.expect_response("**/desk/keys/"):
        desk.page.click("[data-keys-switch]")
    desk.page.keyboard.press("Escape")
    desk.page.keyboard.press("a")
    assert not Decision.objects.exists()
    assert Profile.objects.get(user=reviewer).keys is False
    desk.page.reload()
    desk.page.keyboard.press("a")
    assert desk.page.is_visible("#decision")
    assert not Decision.objects.exists()


def test_fields_are_reached_by_key_and_the_search_by_a_slash(open_desk: Any, reviewer: User) -> None:
    (task,) = tasks(1)
    desk = begin(open_desk, reviewer, task)
    focused = "document.activeElement.name || document.activeElement.id"
    desk.page.keyboard.press("g")
    desk.page.keyboard.press("2")
    assert desk.page.evaluate(focused) == "output.amount"
    desk.page.keyboard.press("Escape")
    desk.page.keyboard.press("f")
    assert desk.page.evaluate(focused) == "output.label"
    desk.page.keyboard.press("/")
    assert desk.page.evaluate("document.activeElement.closest('[data-find]') !== null")


def test_a_note_names_a_colleague_and_hostile_text_stays_text(open_desk: Any, reviewer: User) -> None:
    (task,) = tasks(1)
    desk = begin(open_desk, reviewer, task)
    hostile = "<img src=x onerror=alert(1)> @nobody"
    desk.page.fill("#new-note", hostile)
    desk.page.click("text=Add the note")
    desk.page.wait_for_selector(f"#notes >> text={hostile}")
    assert desk.page.is_visible("text=Not told, because they may not see this case: nobody.")
    assert Note.objects.get().text == hostile
    assert desk.page.query_selector("#notes img") is None


def test_the_desk_works_without_javascript(open_desk: Any, reviewer: User) -> None:
    (task,) = tasks(1)
    desk = open_desk(java_script_enabled=False)
    desk.sign_in(reviewer)
    desk.page.click("text=Start reviewing")
    desk.page.click("label:has-text('billing')")
    desk.page.click("button[value=amend]")
    desk.page.wait_for_selector("text=All done")
    assert Decision.objects.get(task=task).label == "billing"
