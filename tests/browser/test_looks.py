"""Every main page in light, dark and at 390 px: nothing breaks the content policy, nothing overflows, axe finds nothing."""

from __future__ import annotations

from typing import Any

import pytest

from cases.models.choices import State
from hitl_project.roles import ROLES
from review.models import Notice
from tests import factories as make
from tests.browser.sound import violations

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
    "/admin/notices/",
    "/admin/password_change/",
    "/reports/",
)
PLAIN_PAGES = {"/admin/nothing/": 404, "/nothing/": 404}
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "phone": {"color_scheme": "light", "viewport": {"width": 390, "height": 844}},
}


@pytest.mark.parametrize("look", LOOKS)
def test_main_pages_are_accessible_and_fit_their_screen(open_desk: Any, look: str) -> None:
    user = make.make_user("supervisor", is_staff=True)
    case = make.make_case(state=State.IN_REVIEW, requester="customer-7")
    make.make_prediction(case, evidence=[{"field": "payload.text", "start": 0, "end": 4}], rationale="so it seems")
    task = make.make_task(case, claimed_by=user)
    make.make_queue("experts", groups=("expert",))
    Notice.objects.create(user=user, case=case, kind="mention", text="<b>Look</b> here")
    desk = open_desk(**LOOKS[look])
    desk.page.goto("/admin/login/")
    found = {"login": looked_over(desk)}
    desk.sign_in(user)
    for path in PAGES:
        desk.page.goto(path.format(task=task.pk, case=case.pk))
        found[path] = looked_over(desk)
    assert {path: faults for path, faults in found.items() if faults} == {}


@pytest.mark.parametrize("look", LOOKS)
def test_each_roles_home_is_accessible_and_fits_its_screen(open_desk: Any, look: str, redis: None) -> None:
    case_type = make.make_case_type(name="Support e-mail")
    make.make_queue("quality", groups=("auditor",), kind="quality")
    people = [make.make_user(role, username=role, is_staff=True) for role in ROLES]
    found = {}
    for user in people:
        make.make_task(make.make_case(case_type, state=State.IN_REVIEW, sender=user), claimed_by=user)
        desk = open_desk(**LOOKS[look])
        desk.sign_in(user)
        found[user.username] = looked_over(desk)
    assert {role: faults for role, faults in found.items() if faults} == {}


@pytest.mark.parametrize("look", LOOKS)
def test_the_first_run_and_the_pages_of_refusal_fit_in(open_desk: Any, look: str, redis: None) -> None:
    desk = open_desk(**LOOKS[look])
    desk.sign_in(make.make_user("administrator", is_staff=True))
    found = {"first run": looked_over(desk)}
    for path, status in PLAIN_PAGES.items():
        assert desk.page.goto(path).status == status
        found[path] = looked_over(desk)
    desk.faults.clear()  # the browser logs the 404 of the page itself
    desk.page.goto("/admin/rq/")
    desk.page.wait_for_selector("text=pipeline")
    desk.page.goto("/admin/")
    desk.page.click(".cs-avatar")
    desk.page.click("#logout-form button")
    desk.page.wait_for_selector("text=You are signed out")
    found["signed out"] = looked_over(desk)
    assert {path: faults for path, faults in found.items() if faults} == {}


def looked_over(desk: Any) -> list[Any]:
    """What axe finds on the page that is open, and whether it is wider than its screen."""
    told: list[Any] = violations(desk.page)
    width = desk.page.evaluate("document.documentElement.scrollWidth")
    return told if width <= desk.page.viewport_size["width"] else [*told, f"{width} px wide"]
