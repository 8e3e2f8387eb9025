"""The answer's form in a real browser: how a long text differs from the machine's draft, while it is being written."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from cases.models.choices import State
from review.models import Decision
from tests import factories as make
from tests.browser.test_looks import looked_over

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

SCHEMA = {"type": "object", "required": ["reply"], "properties": {"reply": {"type": "string", "format": "long"}}}
DRAFT = "Dear Ms Hart,\nwe are sorry that your parcel is late.\nYours, the shop"
AREA, BOX = "#field-reply", "[data-changes-of=field-reply]"


@pytest.mark.parametrize("draft", [DRAFT, "\n".join(f"{DRAFT} {n}" for n in range(400))])
def test_a_long_text_is_compared_with_the_draft_while_it_is_written(open_desk: Any, reviewer: User, draft: str) -> None:
    case = make.make_case(make.make_case_type(output_schema=SCHEMA), state=State.IN_REVIEW)
    make.make_prediction(case, output={"reply": draft}, label="")
    task = make.make_task(case, claimed_by=reviewer)
    desk = open_desk()
    desk.sign_in(reviewer)
    desk.page.goto(f"/admin/desk/{task.pk}/")
    area, box = desk.page.locator(AREA), desk.page.locator(BOX)
    assert area.input_value() == draft
    assert not box.is_visible()
    area.fill(draft.replace("is late", "is <b>very</b> late", 1))
    box.wait_for(state="visible")
    gone, new = box.locator("del").all_text_contents(), box.locator("ins").all_text_contents()
    if draft == DRAFT:
        assert (gone, "".join(new)) == ([], "added: <b>very</b> ")
    else:  # so much text is compared by whole lines
        assert [text.count("is late") for text in gone] == [1]
        assert ["<b>very</b> late" in text for text in new] == [True]
    assert box.locator("b").count() == 0, "what is typed stays text"
    assert looked_over(desk) == []
    area.fill(draft)
    box.wait_for(state="hidden")
    area.fill(f"{draft}\nPS: it comes tomorrow.")
    box.wait_for(state="visible")
    desk.page.keyboard.press("Escape")
    desk.page.keyboard.press("s")
    desk.page.wait_for_selector("text=Decided #")
    decision = Decision.objects.get()
    assert (decision.outcome, decision.output) == ("amend", {"reply": f"{draft}\nPS: it comes tomorrow."})
