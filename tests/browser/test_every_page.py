"""Every page that a role can reach by links: it opens, axe finds nothing, nothing breaks the policy or leaves this machine."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from django.urls import Resolver404, resolve

from cases.models.choices import State
from review.models import Note, Policy
from tests import factories as make
from tests.browser.sound import violations

# A walk opens dozens of pages and reads each with axe.
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True), pytest.mark.timeout(900)]

ROLES = ("reviewer", "supervisor", "auditor", "manager", "administrator")
FOREIGN = ("django_rq", "docs", "swagger")  # others wrote these pages, with scripts that our policy does not run
# Files, raw texts and answers for machines: nothing to look at, or looking would be doing.
NO_PAGES = {
    "admin:logout",
    "admin:jsi18n",
    "desk:input",
    "desk:attachment",
    "healthz",
    "readyz",
    "prometheus",
    "reports:preview",
    "reports:table",
    "reports:whole",
    "schema",
}
MOST_PAGES = 70
# Django's own: the marks beside its lists to choose from, and the heads of its tables of rows.
LEFT_OUT = {"exclude": [[".help-tooltip"], [".inline-group thead"]]}
LINKS = "[...document.querySelectorAll('a[href]:not([download])')].map(link => link.href)"


def world() -> None:
    """One of everything that a page can show."""
    case_type = make.make_case_type("teacher", guidelines="# Rule\n\n| a | b |\n|---|---|\n| c | d |")
    queue = make.make_queue()
    make.make_queue("quality", kind="quality", groups=("auditor",))
    Policy.objects.create(case_type=case_type, number=2, mode="teacher", status="proposed", change_reason="try it")
    reader = make.make_user("reviewer", username="reader", is_staff=True)
    for number in range(3):
        case = make.make_case(
            case_type, state=State.IN_REVIEW, requester="customer-7", payload={"text": f"hello {number}"}
        )
        make.make_prediction(case, evidence=[{"field": "payload.text", "start": 0, "end": 5}], rationale="so it seems")
        make.make_task(case, queue=queue, claimed_by=reader if number == 0 else None, reason="low_confidence")
        Note.objects.create(case=case, author=reader, text="look here, @reader")
    closed = make.make_case(case_type, state=State.CLOSED, requester="customer-7")
    prediction = make.make_prediction(closed)
    make.make_decision(closed, by=reader, task=make.make_task(closed, queue=queue), prediction=prediction)


def page_of(address: str) -> str | None:
    """What kind of page an address is: one of each kind is looked at."""
    try:
        found = resolve(urlsplit(address).path)
    except Resolver404:
        return None
    skipped = found.view_name in NO_PAGES or found.view_name.startswith(("static", *FOREIGN))
    return None if skipped else found.view_name


def walked(desk: Any) -> Iterator[tuple[str, str]]:
    """Every kind of page that can be reached from home, each once, opened."""
    waiting, seen = deque([desk.address + "/admin/"]), {"admin:index"}
    while waiting and len(seen) < MOST_PAGES:
        address = waiting.popleft()
        answer = desk.page.goto(address)
        assert answer.status == 200, (answer.status, address)
        yield page_of(address) or "", address
        for link in desk.page.evaluate(LINKS):
            kind = page_of(link) if urljoin(link, "/") == desk.address + "/" else None
            if kind and kind not in seen:
                seen.add(kind)
                waiting.append(link)


@pytest.mark.parametrize("role", ROLES)
def test_every_page_that_can_be_reached_is_sound(open_desk: Any, role: str) -> None:
    world()
    desk = open_desk()
    desk.sign_in(make.make_user(role, is_staff=True))
    found: dict[str, Any] = {}
    for _kind, address in walked(desk):
        found[address] = violations(desk.page, context=LEFT_OUT)
    told = {urlsplit(address).path: rows for address, rows in found.items() if rows}
    assert json.dumps(told) == "{}"
    assert len(found) > 3
