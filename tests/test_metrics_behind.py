"""From a figure to the very cases behind it: as many as the figure says, and only for who may see them all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from cases.models.choices import Priority, Reason
from metrics import looking, rollup
from metrics.behind import FIGURES
from metrics.charts.base import Cell
from metrics.pages import KINDS
from metrics.pages.base import Page
from review.models import Decision, ReviewTask
from tests import factories as make
from tests.metrics_history import MINUTE, History

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
DAY = datetime(2026, 3, 2, tzinfo=UTC)
NOON = DAY + timedelta(hours=12)
HOUR = timedelta(hours=1)
MARCH = {"from": "2026-03-01", "to": "2026-03-03"}


def past() -> None:
    """Two case types, both ways of deciding, samples, second reads, reports, a backlog, and what is no production."""
    one, other = History(), History("refunds", mode="validator")
    for number in range(12):
        at = DAY + timedelta(hours=number // 2, minutes=number)
        one.read(one.automated(at), at + 10 * MINUTE, correct=number % 3 > 0)
        made = one.decide(
            one.waiting(at, due=HOUR), at + 20 * MINUTE, seconds=9 + number, waited=MINUTE, override=number % 4 == 0
        )
        Decision.objects.filter(pk=made.pk).update(label="refund" if number % 4 else "billing")
        if number % 3 == 0:
            one.read_again(made, at + HOUR, verdict="second" if number else "")
        if number % 4 == 0:
            one.report(made, at + HOUR, correct=number > 4)
        blind = one.waiting(at, due=HOUR, reason=Reason.SAMPLE, blind=True)
        one.read(
            one.decide(blind, at + 30 * MINUTE, seconds=40, waited=2 * MINUTE),
            at + 30 * MINUTE,
            correct=number % 2 == 0,
        )
        late = other.waiting(at, due=5 * MINUTE, reason=Reason.VALIDATION)
        ReviewTask.objects.filter(pk=late.pk).update(priority=Priority.HIGH)
        if number % 2:
            other.decide(late, at + HOUR, seconds=5, waited=MINUTE)
    planted = make.make_task(one.case(DAY), queue=one.queue, policy=one.policy, opened_at=DAY, due_at=DAY + HOUR)
    ReviewTask.objects.filter(pk=planted.pk).update(planted=True, closed_at=DAY + MINUTE, ending="decided")
    rollup.roll_up()


def signed_in(role: str) -> Client:
    client = Client()
    client.force_login(make.make_user(role, is_staff=True))
    return client


def leads(page: Page) -> Iterator[tuple[str, int]]:
    """Every way from a figure of the page to its cases, with the number it promises."""
    for table in page.every_table():
        for row in table.rows:
            yield from ((cell.href, int(str(cell.value))) for cell in row if isinstance(cell, Cell) and cell.href)
    for chart in page.charts:
        for trace in chart.figure["data"]:
            if trace["type"] == "bar":
                pairs = zip(trace.get("customdata", ()), trace["y"], strict=False)
                yield from ((href, count) for href, count in pairs if href)


def count_of(answer: Any) -> int:
    assert answer.status_code == 200
    [count] = re.findall(r'reports-count">\s*(\d+) in all', answer.content.decode())
    return int(count)


@pytest.mark.parametrize(
    ("key", "query", "least"),
    [
        ("overview", {}, 8),
        ("overview", {"interval": "hour", "from": "2026-03-02", "to": "2026-03-02"}, 40),
        ("throughput", {"case_type": "support-email"}, 8),
        ("throughput", {"mode": "exception_handler"}, 2),
        ("throughput", {"queue": "desk"}, 2),
        ("quality", {}, 10),
        ("quality", {"case_type": "support-email"}, 10),
        ("time", {}, 8),
        ("time", {"queue": "desk", "case_type": "refunds"}, 3),
        ("cost", {}, 1),
    ],
)
def test_a_figure_leads_to_exactly_as_many_cases_as_it_says(key: str, query: dict[str, str], least: int) -> None:
    past()
    with time_machine.travel(NOON, tick=False):
        client = signed_in("supervisor")
        address = "/reports/" if key == "overview" else f"/reports/{key}/"
        found = dict(leads(client.get(address, {**MARCH, **query}).context["page"]))
        assert len(found) >= least
        assert {href: count_of(client.get(href)) for href in found} == found


def test_the_list_holds_the_cases_themselves_and_leads_to_them() -> None:
    past()
    client = signed_in("supervisor")
    text = client.get("/reports/cases/", {**MARCH, "figure": "shown", "wrong": "1"}).content.decode()
    changed = Decision.objects.filter(override=True).values_list("case_id", flat=True)
    assert set(map(int, re.findall(r"/admin/cases/case/(\d+)/change/", text))) == set(changed)


def test_a_long_list_is_paged_by_key_and_shows_every_case_once() -> None:
    made = History()
    for _ in range(120):
        made.automated(DAY)
    client, seen, address = signed_in("auditor"), [], "/reports/cases/?figure=received&from=2026-03-02&to=2026-03-02"
    while address:
        with CaptureQueriesContext(connection) as asked:
            answer = client.get(address)
        assert count_of(answer) == 120
        assert len(asked) <= 12
        seen += re.findall(r"/admin/cases/case/(\d+)/change/", answer.content.decode())
        address = f"/reports/cases/{onward}" if (onward := answer.context["onward"]) else ""
    assert len(seen) == len(set(seen)) == 120


@pytest.mark.parametrize(
    ("role", "status"),
    [
        ("supervisor", 200),
        ("auditor", 200),
        ("administrator", 200),
        ("manager", 403),
        ("reviewer", 403),
        ("expert", 403),
    ],
)
def test_only_who_may_see_every_case_sees_the_list(role: str, status: int) -> None:
    past()
    assert signed_in(role).get("/reports/cases/", {**MARCH, "figure": "received"}).status_code == status


@pytest.mark.parametrize("key", KINDS)
def test_a_manager_is_led_to_no_case(key: str) -> None:
    past()
    address = "/reports/" if key == "overview" else f"/reports/{key}/"
    answer = signed_in("manager").get(address, MARCH)
    assert answer.status_code == 200
    assert list(leads(answer.context["page"])) == []
    assert "/reports/cases/" not in answer.content.decode()


def test_a_stranger_signs_in_first_and_an_unknown_figure_is_not_found() -> None:
    assert Client().get("/reports/cases/?figure=received").status_code == 302
    assert signed_in("supervisor").get("/reports/cases/?figure=secrets").status_code == 404


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"figure": "closed", "by": "nobody"}, "by"),
        ({"figure": "settled", "priority": "9"}, "priority"),
        ({"figure": "certainty"}, "bin"),
        ({"figure": "certainty", "bin": "20"}, "bin"),
        ({"figure": "labels", "said": "a"}, "answered"),
        ({"figure": "labels", "said": "a\0", "answered": "b"}, "said"),
        ({"figure": "received", "after": "x"}, "after"),
        ({"figure": "received", "after": "9" * 40}, "after"),
        ({"figure": "received", "after": "²"}, "after"),
        ({"figure": "received", "from": "x"}, "from"),
    ],
)
def test_a_wrong_parameter_is_named(query: dict[str, str], field: str) -> None:
    answer = signed_in("supervisor").get("/reports/cases/", query)
    assert answer.status_code == 400
    assert f"<strong>{field}</strong>" in answer.content.decode()


@pytest.mark.parametrize("figure", FIGURES)
def test_every_figure_has_an_empty_list(figure: str) -> None:
    more = {"bin": "3"} if figure == "certainty" else {"said": "a", "answered": "b"} if "labels" in figure else {}
    answer = signed_in("supervisor").get("/reports/cases/", {"figure": figure, **more})
    assert "No case stands behind this figure" in answer.content.decode()


def test_a_case_that_the_reader_is_to_read_blind_is_counted_and_kept_back(monkeypatch: pytest.MonkeyPatch) -> None:
    past()
    monkeypatch.setattr("metrics.views_behind.concealed_ids", lambda _user, ids: set(ids))
    text = signed_in("auditor").get("/reports/cases/", {**MARCH, "figure": "shown"}).content.decode()
    assert "read it blind" in text
    assert "/admin/cases/case/" not in re.sub(r'<nav id="nav-sidebar".*?</nav>', "", text, flags=re.DOTALL)


def test_seeing_cases_takes_both_permissions() -> None:
    assert looking.sees_cases(make.make_user("supervisor"))
    assert not looking.sees_cases(make.make_user("manager"))
    assert not looking.sees_cases(make.make_user("reviewer"))
