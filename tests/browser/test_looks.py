"""Every main page in light, dark and at 390 px: nothing breaks the content policy, nothing overflows, axe finds nothing."""

from __future__ import annotations

from typing import Any

import pytest

from cases.models.choices import State
from tests import factories as make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PAGES = (
    "/admin/",
    "/admin/desk/",
    "/admin/desk/{task}/",
    "/admin/review/reviewtask/",
    "/admin/cases/case/",
    "/admin/cases/case/{case}/change/",
    "/admin/cases/effect/",
    "/admin/cases/auditevent/",
    "/admin/review/queue/",
)
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}


@pytest.mark.parametrize("look", LOOKS)
def test_main_pages_are_accessible_and_fit_their_screen(open_desk: Any, look: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    user = make.make_user("supervisor", is_staff=True)
    case = make.make_case(state=State.IN_REVIEW, requester="customer-7")
    make.make_prediction(case, evidence=[{"field": "payload.text", "start": 0, "end": 4}], rationale="so it seems")
    task = make.make_task(case, claimed_by=user)
    desk = open_desk(**LOOKS[look])
    desk.page.goto("/admin/login/")
    found = {"login": Axe().run(desk.page).response["violations"]}
    desk.sign_in(user)
    for path in PAGES:
        desk.page.goto(path.format(task=task.pk, case=case.pk))
        found[path] = Axe().run(desk.page).response["violations"]
        width = desk.page.evaluate("document.documentElement.scrollWidth")
        assert width <= desk.page.viewport_size["width"], path
    told = {
        path: [(one["id"], [node["target"] for node in one["nodes"]]) for one in rows]
        for path, rows in found.items()
        if rows
    }
    assert told == {}
