"""Reading the input in a real browser: search that finds across marks, evidence and fields that point at each other, zoom."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from cases.models.choices import State
from review.models import ReviewTask
from tests import factories as make
from tests.test_review_desk_emails import MAIL
from tests.test_review_desk_files import attach, pdf, png

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def a_task(payload: dict[str, Any], reviewer: User, *evidence: dict[str, Any]) -> ReviewTask:
    case = make.make_case(state=State.IN_REVIEW, payload=payload)
    make.make_prediction(case, output={"label": "refund", "amount": 40}, evidence=list(evidence))
    return make.make_task(case, claimed_by=reviewer)


def opened(desk: Any, reviewer: User, task: ReviewTask) -> Any:
    desk.sign_in(reviewer)
    desk.page.goto(f"/admin/desk/{task.pk}/")
    desk.page.wait_for_selector("[data-find] input")
    return desk.page


def said(page: Any, words: str) -> None:
    """Waits until the search says so."""
    page.locator(f"[data-find] output:text-is('{words}')").wait_for()


def painted(page: Any) -> list[str]:
    """The words that the search has marked."""
    found: list[str] = page.evaluate("[...(CSS.highlights.get('cs-find') || [])].map(String)")
    return found


def test_search_finds_across_marks_steps_through_hits_and_opens_what_is_folded(open_desk: Any, reviewer: User) -> None:
    at = MAIL.index("charged")
    spans = [
        {"field": "payload.text", "start": at + 3, "end": at + 5},
        {"field": "payload.text", "start": at + 5, "end": at + 9},
    ]
    page = opened(open_desk(), reviewer, a_task({"subject": "Charged", "text": MAIL}, reviewer, *spans))
    before = page.locator("#evidence-1").bounding_box()
    page.keyboard.press("/")
    page.keyboard.type("charged T")
    said(page, "1 of 1")
    assert painted(page) == ["charged t"]
    assert page.locator("#evidence-1").bounding_box() == before
    page.fill("[data-find] input", "charged")
    said(page, "1 of 2")
    page.keyboard.press("Shift+Enter")
    said(page, "2 of 2")
    assert not page.locator("details.cs-fold >> nth=0").evaluate("one => one.open")
    page.fill("[data-find] input", "the first letter")
    page.keyboard.press("Enter")
    page.wait_for_selector("details.cs-fold[open] >> text=The first letter")
    page.fill("[data-find] input", "(.*[a-")
    page.keyboard.press("Enter")
    said(page, "Nothing found")
    page.keyboard.press("Escape")
    assert painted(page) == []
    assert page.evaluate("document.activeElement === document.body")


def test_a_hit_far_down_comes_into_view(open_desk: Any, reviewer: User) -> None:
    text = "".join(f"Line {number} of a long letter.\n" for number in range(900))
    page = opened(open_desk(reduced_motion="reduce"), reviewer, a_task({"text": text}, reviewer))
    page.fill("[data-find] input", "line 850 of")
    page.keyboard.press("Enter")
    said(page, "1 of 1")
    at = page.evaluate("[...CSS.highlights.get('cs-find-now')][0].getBoundingClientRect().toJSON()")
    assert 0 < at["top"] < at["bottom"] < page.viewport_size["height"]
    assert page.is_visible("[data-find] input")


def test_evidence_and_its_field_light_up_together_and_lead_to_each_other(open_desk: Any, reviewer: User) -> None:
    text = "I paid 40 twice.\n" + "word\n" * 300 + "Refund me 40."
    at = text.index("40.")
    page = opened(
        open_desk(reduced_motion="reduce"),
        reviewer,
        a_task({"text": text}, reviewer, {"field": "payload.text", "start": at, "end": at + 2, "supports": "amount"}),
    )
    page.focus("[name='output.amount']")
    assert page.locator("#evidence-1.cs-is-lit").count() == 1
    page.click("a[href='#evidence-1'] >> nth=0")
    at = page.locator("#evidence-1").bounding_box()
    assert 0 < at["y"] < page.viewport_size["height"]
    page.click("#evidence-1 a")
    assert page.evaluate("document.activeElement.name") == "output.amount"
    assert page.locator("[data-field].cs-is-lit").count() == 1


def test_pictures_and_pages_zoom_turn_and_keep_the_desks_keys_to_themselves(open_desk: Any, reviewer: User) -> None:
    task = a_task({"text": "see attached"}, reviewer)
    attach(task.case, "receipt.png", "image/png", png(1600, 1200))
    attach(task.case, "bill.pdf", "application/pdf", pdf(2))
    page = opened(open_desk(), reviewer, task)
    viewer = page.locator("[data-file]:not([hidden])")
    viewer.locator(".cs-is-drawn").wait_for()
    canvas = viewer.locator("[data-canvas]")
    fits = viewer.locator("img").bounding_box()
    assert fits["width"] <= canvas.bounding_box()["width"]
    canvas.focus()
    page.keyboard.press("1")
    assert viewer.locator("[data-zoom-said]").inner_text() == "100 %"
    assert viewer.locator("img").bounding_box()["width"] == 1600
    page.keyboard.press("+")
    assert viewer.locator("[data-zoom-said]").inner_text() == "125 %"
    page.keyboard.press("r")
    assert viewer.locator("img").bounding_box()["height"] == 2000
    page.keyboard.press("0")
    assert viewer.locator("[data-do=fit]").get_attribute("aria-pressed") == "true"
    assert not page.query_selector(".cs-toast")
    page.click("[data-file-tabs] >> text=bill.pdf")
    viewer.locator("[data-page-said] >> text=Page 1 of 2").wait_for()
    viewer.locator("[data-do=forth]").click()
    viewer.locator("[data-page-said] >> text=Page 2 of 2").wait_for()
    assert viewer.locator("[data-do=forth]").is_disabled()
    viewer.locator(".cs-is-drawn").wait_for()
    assert ReviewTask.objects.get(pk=task.pk).closed_at is None


def test_a_file_that_cannot_be_shown_says_so(open_desk: Any, reviewer: User) -> None:
    task = a_task({"text": "see attached"}, reviewer)
    attach(task.case, "receipt.png", "image/png", b"no picture")
    desk = open_desk()
    page = opened(desk, reviewer, task)
    page.wait_for_selector("text=This file cannot be shown here")
    assert page.is_visible("text=Download")
    desk.faults.clear()  # the browser logs the 422 itself


def test_all_of_the_input_can_be_read_without_javascript(open_desk: Any, reviewer: User) -> None:
    task = a_task({"subject": "Charged", "text": MAIL, "rows": [{"a": 1}]}, reviewer)
    attach(task.case, "a.png", "image/png", png(40, 30))
    attach(task.case, "b.pdf", "application/pdf", pdf(1))
    desk = open_desk(java_script_enabled=False)
    desk.sign_in(reviewer)
    desk.page.goto(f"/admin/desk/{task.pk}/")
    desk.page.click("summary:has-text('Signature')")
    assert desk.page.is_visible("text=+34 600 000 000")
    assert desk.page.locator("[data-file] img").count() == 2
    assert not desk.page.is_visible("[data-find]")
