"""The second pair of eyes in a real browser: two people on one decision, and one person on many cases."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from cases.models import Effect
from cases.models.choices import State
from review.models import Approval, Decision, DecisionBatch, ReviewTask
from tests import factories as make
from tests.browser.sound import violations

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
BIG = [{"field": "output.amount", "op": "gt", "value": 500}]


def waiting(
    count: int, *, amount: int = 10, impact: tuple[str, ...] = ("internal",), **policy: Any
) -> list[ReviewTask]:
    case_type = make.make_case_type(policy=policy, impact=impact, action={"backend": "log"})
    made = []
    for number in range(count):
        payload = {"text": f"letter {number}: I was charged twice for order {990 + number}. " + "Please look. " * 20}
        case = make.make_case(case_type, state=State.IN_REVIEW, label="refund", confidence=0.7, payload=payload)
        make.make_prediction(case, output={"label": "refund", "amount": amount})
        made.append(make.make_task(case))
    return made


def people() -> tuple[User, User]:
    make.make_queue("seniors", kind="supervisor", groups=("supervisor",))
    return make.make_user("reviewer", is_staff=True), make.make_user("supervisor", is_staff=True)


def open_task_of(desk: Any, task: ReviewTask) -> None:
    desk.page.goto(f"/admin/desk/{task.pk}/")
    desk.page.click("button[value=claim]")
    desk.page.wait_for_selector("#decision")


def test_two_people_decide_a_risky_case_and_neither_alone(open_desk: Any) -> None:
    (task,) = waiting(1, amount=900, second_approval=BIG)
    first, second = people()
    one, other = open_desk(), open_desk()
    one.sign_in(first)
    open_task_of(one, task)
    one.page.keyboard.press("a")
    one.page.wait_for_selector("text=It waits for a second approval")
    assert not Effect.objects.exists()

    other.sign_in(second)
    held = ReviewTask.objects.open().get()
    open_task_of(other, held)
    assert other.page.is_visible("text=Decided, waiting for a second person")
    other.page.keyboard.press("b")
    other.page.keyboard.type("ask for the receipt")
    other.page.keyboard.press("Control+Enter")
    other.page.wait_for_selector("text=Second approval of")
    assert not Approval.objects.get().approved

    again = ReviewTask.objects.open().get()
    open_task_of(one, again)
    assert "ask for the receipt" in one.page.locator(".cs-note").first.inner_text()
    one.page.keyboard.press("a")
    one.page.wait_for_selector("text=It waits for a second approval")
    open_task_of(other, ReviewTask.objects.open().get())
    other.page.keyboard.press("a")
    other.page.wait_for_selector("text=Second approval of")
    assert Effect.objects.get().body["decision"]["by"] == first.username


def test_an_approval_of_what_has_changed_since_is_refused_and_says_so(open_desk: Any) -> None:
    (task,) = waiting(1, amount=900, second_approval=BIG)
    first, second = people()
    make.make_decision(task.case, by=first, task=task, held=True, output={"label": "refund", "amount": 900})
    task.case.__class__.objects.update(state=State.DECIDED)
    held = make.make_task(task.case, reason="second_approval", queue=make.make_queue("seniors"), claimed_by=second)
    desk = open_desk()
    desk.sign_in(second)
    desk.page.goto(f"/admin/desk/{held.pk}/")
    ReviewTask.objects.filter(pk=held.pk).update(note="reported as wrong meanwhile")
    desk.page.click("button[value=accept]")
    desk.page.wait_for_selector("text=This case has changed since you opened it")
    assert desk.page.is_visible("text=reported as wrong meanwhile")
    desk.faults.clear()  # the browser logs the 409 of the page itself
    desk.page.click("button[value=accept]")
    desk.page.wait_for_selector("text=Second approval of")
    assert Approval.objects.get().approved


def test_alike_cases_are_ticked_by_keyboard_decided_at_once_and_taken_back_at_once(open_desk: Any) -> None:
    tasks = waiting(4, grace_seconds=300)
    desk = open_desk()
    desk.sign_in(people()[0])
    desk.page.goto("/admin/desk/together/")
    assert violations(desk.page) == []
    desk.page.click("text=4 cases")
    desk.page.wait_for_selector("#together")
    assert violations(desk.page) == []
    assert desk.page.locator("input[name=pick]:checked").count() == 0
    keys = desk.page.keyboard
    keys.press("Enter")
    assert desk.page.locator("li details[open]").count() == 1
    for key in ("Space", "ArrowDown", "Space", "ArrowDown", "ArrowDown", "Space"):
        keys.press(key)
    desk.page.wait_for_selector("text=ticked: 3")
    assert not Decision.objects.exists()
    desk.page.click("button[value=approve]")
    desk.page.wait_for_selector("text=3 cases are decided")
    assert violations(desk.page) == []
    decided = set(Decision.objects.values_list("task", flat=True))
    assert decided == {tasks[number].pk for number in (0, 1, 3)}
    assert all(one.active_seconds for one in Decision.objects.all())
    desk.page.click("text=Undo all of them")
    desk.page.wait_for_selector("text=3 decisions were taken back")
    assert DecisionBatch.objects.get().undone_at is not None
    assert ReviewTask.objects.open().count() == 4
    assert set(Effect.objects.values_list("status", flat=True)) == {"cancelled"}


def test_alike_cases_are_decided_without_javascript_too(open_desk: Any) -> None:
    waiting(2)
    desk = open_desk(java_script_enabled=False)
    desk.sign_in(people()[0])
    desk.page.goto("/admin/desk/together/")
    desk.page.click("text=2 cases")
    desk.page.wait_for_selector("#together")
    for box in desk.page.locator("input[name=pick]").all():
        box.check()
    desk.page.keyboard.press("Enter")  # decides nothing, and loses no tick
    desk.page.wait_for_selector("text=Choose one of")
    desk.faults.clear()  # the browser logs the 422 of the page itself
    assert desk.page.locator("input[name=pick]:checked").count() == 2
    desk.page.select_option("#label-instead", "other")
    desk.page.click("button[value=amend]")
    desk.page.wait_for_selector("text=2 cases are decided")
    assert [one.output for one in Decision.objects.all()] == [{"label": "other", "amount": 10}] * 2


def test_an_asked_reason_is_asked_before_the_answer_leaves(open_desk: Any) -> None:
    (task,) = waiting(1, reason_rate=1.0)
    desk = open_desk()
    desk.sign_in(people()[0])
    open_task_of(desk, task)
    assert violations(desk.page) == []
    desk.page.keyboard.press("a")
    desk.page.wait_for_selector("#reason:focus")
    assert not Decision.objects.exists()
    desk.page.keyboard.type("charged twice, it is on the statement")
    desk.page.keyboard.press("Enter")
    desk.page.wait_for_selector("text=All done")
    assert Decision.objects.get().reason == "charged twice, it is on the statement"


def test_approve_leads_only_once_the_reading_floor_is_past(open_desk: Any) -> None:
    (task,) = waiting(1, reading_floor_seconds=120, impact=("money",))
    desk = open_desk()
    desk.sign_in(people()[0])
    open_task_of(desk, task)
    assert violations(desk.page) == []
    approve = desk.page.locator("button[value=approve]")
    assert approve.get_attribute("data-reading") is not None
    assert "read first" in approve.inner_text()
    ReviewTask.objects.update(claimed_at=timezone.now() - timedelta(seconds=119))
    desk.page.reload()
    desk.page.wait_for_selector("button[value=approve]:not([data-reading])")
    assert "read first" not in approve.inner_text()


@pytest.mark.parametrize("look", [{"color_scheme": "dark"}, {"viewport": {"width": 390, "height": 844}}])
def test_these_pages_are_sound_in_the_dark_and_on_a_phone(open_desk: Any, look: dict[str, Any]) -> None:
    tasks = waiting(3)
    user = people()[0]
    wrong = make.make_case(tasks[0].case_type, state=State.IN_REVIEW)
    make.make_decision(wrong, by=user, task=make.make_task(wrong), active_seconds=12)
    make.make_task(wrong, reason="reported_error", note="the customer called")
    desk = open_desk(**look)
    desk.sign_in(user)
    query = f"?queue=front-desk&case_type={tasks[0].case_type_id}&label=refund&reason_why=validation"
    for path in ("/admin/desk/summary/", "/admin/desk/together/", f"/admin/desk/together/{query}"):
        desk.page.goto(path)
        assert violations(desk.page) == [], path
        assert desk.page.evaluate("document.documentElement.scrollWidth") <= desk.page.viewport_size["width"], path


def test_the_undo_of_cases_decided_together_goes_with_their_grace(open_desk: Any) -> None:
    waiting(2, grace_seconds=2)
    desk = open_desk()
    desk.sign_in(people()[0])
    desk.page.goto("/admin/desk/together/")
    desk.page.click("text=2 cases")
    desk.page.wait_for_selector("#together")
    desk.page.check("input[name=pick] >> nth=0")
    desk.page.click("button[value=approve]")
    desk.page.wait_for_selector("text=1 case is decided")
    desk.page.wait_for_selector("[data-undo]", state="detached")


def test_on_a_narrow_screen_no_control_of_the_preferences_leaves_its_card(open_desk: Any) -> None:
    desk = open_desk(viewport={"width": 390, "height": 844})
    desk.sign_in(people()[0])
    desk.page.goto("/admin/preferences/")
    edges = desk.page.evaluate(
        "[...document.querySelectorAll('main select')].map((one) => one.getBoundingClientRect().right)"
    )
    assert edges
    assert max(edges) <= 390 - 16
