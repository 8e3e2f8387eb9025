"""The reports page, its tables and `GET /metrics/`: who may see them, what they refuse, and that they say the same."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import plotly.graph_objects as go
import pytest
import time_machine
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from metrics import looking, periods, rollup
from metrics.pages import KINDS
from tests.metrics_history import MINUTE, History

pytestmark = [pytest.mark.django_db]
DAY = datetime(2026, 3, 2, tzinfo=UTC)
NOON = DAY + timedelta(hours=12)
MARCH = {"from": "2026-03-01", "to": "2026-03-03"}


def past() -> History:
    made = History()
    for hour in range(6):
        at = DAY + timedelta(hours=6 + hour)
        for number in range(5):
            made.read(made.automated(at), at + 10 * MINUTE, correct=number > 0)
            made.decide(
                made.waiting(at, due=20 * MINUTE),
                at + number * 9 * MINUTE,
                seconds=number * 9,
                waited=MINUTE,
                override=number > 3,
            )
    rollup.roll_up()
    return made


def account(name: str = "maya", *, permitted: bool = True, staff: bool = True) -> User:
    user = User.objects.create_user(name, password="x", is_staff=staff)
    if permitted:
        user.user_permissions.add(Permission.objects.get(codename="view_report"))
    return user


def address(key: str) -> str:
    return "/reports/" if key == "overview" else f"/reports/{key}/"


def signed_in(**options: Any) -> Client:
    client = Client()
    client.force_login(account(**options))
    return client


def test_a_manager_sees_every_measure_and_every_chart() -> None:
    past()
    with time_machine.travel(NOON, tick=False):
        page = signed_in().get("/reports/", MARCH)
    assert page.status_code == 200
    text = page.content.decode()
    for key in ("throughput", "backlog", "escalation", "overrides"):
        assert f'data-figure="figure-{key}"' in text
    assert "style=" not in text
    assert "<script>" not in text
    assert "in its band" in text


@pytest.mark.parametrize("role", ["manager", "supervisor", "administrator", "auditor"])
def test_roles_that_answer_for_the_work_see_the_reports(role: str) -> None:
    user = account(permitted=False)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    assert client.get("/reports/").status_code == 200
    assert client.get("/api/v1/metrics/").status_code == 200


@pytest.mark.parametrize("role", ["reviewer", "expert", "integration"])
def test_other_roles_do_not_see_the_reports(role: str) -> None:
    user = account(permitted=False)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    for address in (
        "/reports/",
        "/reports/time/",
        "/reports/overview/measures.csv",
        "/reports/overview.pdf",
        "/api/v1/metrics/",
    ):
        assert client.get(address).status_code == 403


def test_a_stranger_is_sent_to_the_login_page() -> None:
    answer = Client().get("/reports/?period=7d")
    assert answer.status_code == 302
    assert answer["Location"] == "/admin/login/?next=/reports/%3Fperiod%3D7d"
    assert Client().get("/api/v1/metrics/").status_code == 401


def test_who_is_no_staff_may_read_the_api_and_not_the_page() -> None:
    client = signed_in(staff=False)
    assert client.get("/reports/").status_code == 403
    assert client.get("/api/v1/metrics/").status_code == 200


def test_an_empty_time_says_so_instead_of_drawing_nothing() -> None:
    text = signed_in().get("/reports/").content.decode()
    assert "Nothing happened in this time" in text
    assert "reports-plot" not in text


def test_markup_in_names_stays_text() -> None:
    made = past()
    made.case_type.name = "<script>alert(1)</script>"
    made.case_type.save()
    made.queue.name = "=cmd|'/c calc'!A1"
    made.queue.save()
    client = signed_in()
    assert "<script>alert" not in client.get("/reports/", MARCH).content.decode()
    lines = list(csv.reader(client.get("/reports/time/queues.csv", MARCH).content.decode().splitlines()))
    assert lines[1][0] == "'=cmd|'/c calc'!A1"


@pytest.mark.parametrize("key", KINDS)
def test_every_table_of_a_page_can_be_had_as_csv(key: str) -> None:
    past()
    client = signed_in()
    tables = list(client.get(address(key), MARCH).context["page"].every_table())
    for table in tables:
        answer = client.get(f"/reports/{key}/{table.key}.csv", MARCH)
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        columns, *rows = csv.reader(answer.content.decode().splitlines())
        assert len(columns) == len(table.columns)
        assert len(rows) == len(table.rows)
        assert all(len(row) == len(columns) for row in rows)


def test_an_unknown_table_is_not_found_and_a_wrong_query_is_refused_in_plain_text() -> None:
    client = signed_in()
    for path in ("overview/secrets.csv", "overview/measures.exe", "nothing/", "nothing.pdf", "overview.exe"):
        assert client.get(f"/reports/{path}", MARCH).status_code == 404
    answer = client.get("/reports/overview/measures.csv", {"from": "x"})
    assert (answer.status_code, answer["Content-Type"]) == (400, "text/plain; charset=utf-8")


WRONG = [
    ({"from": "yesterday"}, "from"),
    ({"from": "2026-02-30"}, "from"),
    ({"to": "2026-03-02T12:00:00"}, "to"),
    ({"from": "0000-01-01"}, "from"),
    ({"from": "0001-01-01"}, "from"),
    ({"to": "9999-12-31"}, "to"),
    ({"from": "2026-03-02\0"}, "from"),
    ({"from": "2026-03-03", "to": "2026-03-01"}, "to"),
    ({"from": "2020-01-01", "to": "2026-01-01"}, "from"),
    ({"from": "2026-01-01", "to": "2026-03-01", "interval": "hour"}, "from"),
    ({"interval": "minute"}, "interval"),
    ({"case_type": "nobody-knows"}, "case_type"),
    ({"case_type": "a\0b"}, "case_type"),
    ({"case_type": "\ud800"}, "case_type"),
    ({"period": "century"}, "period"),
    ({"queue": "nobody-knows"}, "queue"),
    ({"mode": "=1+1"}, "mode"),
    ({"version": "no-at"}, "version"),
    ({"from": "9" * 5000}, "from"),
]


@pytest.mark.parametrize(("query", "field"), WRONG)
def test_a_wrong_parameter_is_refused_by_name(query: dict[str, str], field: str) -> None:
    client = signed_in()
    query = {name: text.encode("utf-8", "surrogatepass").decode("latin-1") for name, text in query.items()}
    answer = client.get("/api/v1/metrics/", query)
    assert answer.status_code == 422
    assert answer["Content-Type"].startswith("application/problem+json")
    assert list(answer.json()["errors"]) == [field]
    place = {"queue": "/reports/throughput/", "mode": "/reports/throughput/", "version": "/reports/models/"}
    page = client.get(place.get(field, "/reports/"), query)
    assert page.status_code == 400
    assert f"<strong>{field}</strong>" in page.content.decode()


def test_the_api_gives_every_measure_with_its_interval_and_series() -> None:
    past()
    with time_machine.travel(NOON, tick=False):
        body = signed_in().get("/api/v1/metrics/", {**MARCH, "case_type": "support-email", "interval": "hour"}).json()
    assert (body["from"], body["to"], body["interval"]) == ("2026-03-01T00:00:00Z", "2026-03-04T00:00:00Z", "hour")
    rate = body["measures"]["escalation_rate"]
    assert (rate["numerator"], rate["denominator"], rate["value"]) == (30, 60, 0.5)
    assert rate["interval"][0] < 0.5 < rate["interval"][1]
    assert len(rate["series"]) == 24 + 13  # up to noon of the second day, whose hour has begun
    seven = next(step for step in rate["series"] if step["start"] == "2026-03-02T07:00:00Z")
    assert (seven["numerator"], seven["denominator"]) == (5, 10)
    assert all({"value", "interval", "numerator", "denominator", "series"} <= set(m) for m in body["measures"].values())
    json.dumps(body, allow_nan=False)


@pytest.mark.parametrize(
    ("query", "start", "end"),
    [
        ({}, "2026-02-01", "2026-03-03"),
        ({"period": "7d"}, "2026-02-24", "2026-03-03"),
        ({"from": "2026-02-27"}, "2026-02-27", "2026-03-03"),
        ({"to": "2026-02-10"}, "2026-01-12", "2026-02-11"),
        ({"from": "2026-02-10T23:30:00+01:00", "to": "2026-02-12T00:00:00Z"}, "2026-02-10", "2026-02-12"),
        ({"from": "2026-02-10T00:30:00+01:00", "to": "2026-02-12T00:00:01Z"}, "2026-02-09", "2026-02-13"),
    ],
)
def test_periods_are_whole_days_in_utc(query: dict[str, str], start: str, end: str) -> None:
    found = periods.read(query, now=NOON)
    assert (f"{found.start:%Y-%m-%d}", f"{found.end:%Y-%m-%d}") == (start, end)


def test_a_plus_sign_that_arrived_as_a_blank_is_still_an_offset() -> None:
    found = periods.read({"from": "2026-02-10T10:10:00 01:00", "to": "2026-02-11", "interval": "hour"}, now=NOON)
    assert found.start == datetime(2026, 2, 10, 9, tzinfo=UTC)


def looked(key: str = "overview", *, reader: User | None = None, now: datetime = NOON, **query: str) -> looking.Seen:
    period = periods.read({**MARCH, **query}, now=now)
    return looking.make(KINDS[key], period, reader=reader or account(f"maya-{key}"), now=now)


@pytest.mark.parametrize("interval", ["hour", "day"])
@pytest.mark.parametrize("key", KINDS)
def test_every_figure_is_one_that_plotly_accepts_and_agrees_with_its_table(key: str, interval: str) -> None:
    past()
    for chart in looked(key, interval=interval).page.charts:
        figure = go.Figure(chart.figure)
        assert len(figure.data) >= 1
        assert json.dumps(chart.figure, allow_nan=False)
        assert {len(row) for row in chart.rows} == {len(chart.columns)}


def test_the_bars_of_the_closed_cases_add_up_to_their_table() -> None:
    past()
    [closed] = [chart for chart in looked().page.charts if chart.key == "throughput"]
    assert sum(sum(trace["y"]) for trace in closed.figure["data"]) == sum(int(row[-1]) for row in closed.rows) == 60


MOST_QUERIES = {"overview": 15, "throughput": 15, "quality": 15, "time": 15, "people": 15, "models": 15, "cost": 15}


@pytest.mark.parametrize("key", KINDS)
def test_a_page_asks_the_database_the_same_whatever_happened_and_never_for_cases(key: str) -> None:
    History("quiet")
    client = signed_in()
    client.get(address(key), MARCH)
    past()
    with CaptureQueriesContext(connection) as full:
        assert client.get(address(key), MARCH).status_code == 200
    told = [query["sql"] for query in full]
    assert len(told) <= MOST_QUERIES[key], "\n".join(told)
    assert not [sql for sql in told if 'cases_case"' in sql and "due_at" not in sql]


def test_rare_readings_are_drawn_for_the_window_up_to_each_step() -> None:
    past()  # from six to eleven in the morning, each hour five readings of automated cases, one of them wrong
    [chart] = [chart for chart in looked("quality", interval="hour").page.charts if chart.key == "automated"]
    assert [row[-1] for row in chart.rows[24 + 5 : 24 + 13]] == ["0", "5", "10", "15", "20", "25", "30", "30"]
    assert "24 hours" in chart.caption
    [line] = [trace for trace in chart.figure["data"] if trace.get("text")]
    assert line["y"] == [pytest.approx(0.2)] * 7


class Tables(HTMLParser):
    """Counts what a reader without the charts gets."""

    def __init__(self) -> None:
        super().__init__()
        self.figures = self.tables = self.labelled = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.tables += tag == "table"
        self.figures += tag == "figure"
        self.labelled += tag == "figure" and given.get("role") == "group" and bool(given.get("aria-label"))


def test_every_chart_has_a_label_and_a_table() -> None:
    past()
    found = Tables()
    found.feed(signed_in().get("/reports/", MARCH).content.decode())
    assert found.figures == found.labelled == 4
    assert found.tables == 4 + 1  # and the measures
