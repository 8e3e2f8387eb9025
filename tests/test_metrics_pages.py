"""What the pages say and to whom: people by name, the two readings, filters, comparison, cost, many labels."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from metrics import looking, measures, periods, watches
from metrics.estimates import Facts
from metrics.histograms import packed
from metrics.marks import of
from metrics.models import CertaintyRollup, LabelRollup, MachineRollup, PersonRollup
from metrics.pages import KINDS
from metrics.totals import Totals
from metrics.watches import State
from review.models import Policy
from tests import factories as make
from tests.metrics_history import MINUTE, History

pytestmark = pytest.mark.django_db
DAY = datetime(2026, 3, 2, tzinfo=UTC)
NOON = DAY + timedelta(hours=36)
MARCH = {"from": "2026-03-01", "to": "2026-03-03"}


def looked(key: str, reader: User, **query: str) -> looking.Seen:
    period = periods.read({**MARCH, **query}, now=NOON)
    return looking.make(KINDS[key], period, reader=reader, now=NOON)


def signed_in(role: str) -> tuple[Client, User]:
    user = make.make_user(role, username=role, is_staff=True)
    client = Client()
    client.force_login(user)
    return client, user


def people() -> tuple[User, User]:
    past, rows = History(), []
    made = [make.make_user("reviewer", username=name, is_staff=True) for name in ("zoe", "abelard")]
    past.queue.groups.add(made[0].groups.get())
    for number, user in enumerate(made):
        rows.append(
            PersonRollup(
                case_type=past.case_type, span="day", start=DAY, user_id=user.pk, decided=100, shown=100,
                overrides=20 + number, checked=4, wrong=1, active=packed({160: 100}), planted_wrong=20, planted_caught=18,
            )
        )  # fmt: skip
    PersonRollup.objects.bulk_create(rows)
    return made[0], made[1]


def names(page: Any) -> list[str]:
    return [str(row[0]) for table in page.tables if table.key == "people" for row in table.rows]


def test_who_leads_people_sees_them_by_name_and_no_figure_that_rests_on_too_little() -> None:
    people()
    client, _user = signed_in("supervisor")
    page = client.get("/reports/people/", MARCH).context["page"]
    assert names(page) == ["abelard", "zoe"]  # the alphabet, whatever the figures
    [row] = [row for table in page.tables if table.key == "people" for row in table.rows if row[0] == "zoe"]
    assert row[6] == "–"  # 1 of 4 checked says nothing
    assert row[9] == "90.0 %"


def test_a_manager_sees_sums_and_no_name() -> None:
    people()
    client, _user = signed_in("manager")
    answer = client.get("/reports/people/", MARCH)
    assert names(answer.context["page"]) == []
    assert "abelard" not in answer.content.decode()
    assert client.get("/reports/people/people.csv", MARCH).status_code == 404


def test_a_reviewer_sees_their_own_row_and_no_other_report() -> None:
    zoe, _abe = people()
    client = Client()
    client.force_login(zoe)
    answer = client.get("/reports/people/", MARCH)
    assert names(answer.context["page"]) == ["zoe"]
    assert "abelard" not in answer.content.decode()
    assert 'href="/reports/"' not in answer.content.decode()
    assert client.get("/reports/quality/", MARCH).status_code == 403
    assert [str(link.name) for link in answer.context["pages"]] == ["People"]


@pytest.mark.parametrize(
    ("planted", "caught", "words"),
    [
        (0, 0, "which is too few"),
        (4, 3, "which is too few"),
        (40, 37, "escalate fewer"),
        (40, 12, "waved through"),
        (200, 140, "more than somebody who only waves through"),
    ],
)
def test_the_catch_rate_tells_the_two_readings_of_few_overrides_apart(planted: int, caught: int, words: str) -> None:
    totals, facts = Totals(), Facts(planted=(planted, caught))
    totals.coins[0.5, True].update(decided=4000, read=2000, wrong=10)
    found = measures.BY_KEY["override_rate_sampled"]
    verdict = watches.overrides(watches.Sight(found.estimate(totals, facts), None, totals, facts))
    assert verdict.state is State.ALERT
    assert words in str(verdict.remark)


def test_a_filter_leaves_out_what_is_not_kept_apart_by_it_and_narrows_the_rest() -> None:
    one, other = History(), History("refunds", mode="validator")
    for past in (one, other):
        past.decide(past.waiting(DAY, due=MINUTE), DAY + 30 * MINUTE, seconds=9, waited=MINUTE)
    from metrics import rollup

    rollup.roll_up()
    reader = make.make_user("manager")
    narrowed = looked("throughput", reader, mode="validator")
    assert narrowed.ask.report.totals.closed == 1
    assert {card.measure.key for card in narrowed.page.cards} == {"throughput_clock", "escalation_rate"}
    queue = looked("throughput", reader, queue="desk")
    assert {card.measure.key for card in queue.page.cards} == {"backlog", "backlog_growth", "backlog_hours"}
    assert [chart.key for chart in queue.page.charts] == ["backlog"]


def test_another_time_is_drawn_lighter_and_told_with_its_interval() -> None:
    past = History()
    for day, changed in ((DAY - timedelta(days=7), 0.5), (DAY, 0.1)):
        for number in range(40):
            task = past.waiting(day, due=timedelta(hours=1))
            past.decide(task, day + 30 * MINUTE, seconds=9, waited=MINUTE, override=number < 40 * changed)
    from metrics import rollup

    rollup.roll_up()
    client, _user = signed_in("manager")
    with time_machine.travel(NOON, tick=False):
        page = client.get("/reports/quality/", {"from": "2026-03-02", "to": "2026-03-02", "compare": "week"}).context[
            "page"
        ]
    [card] = [card for card in page.cards if card.measure.key == "override_rate"]
    assert card.change.startswith("−40.0 points")
    assert card.changed
    [chart] = [chart for chart in page.charts if chart.key == "overrides"]
    lighter = [trace for trace in chart.figure["data"] if trace.get("opacity")]
    assert "2026-02-23" in lighter[0]["name"]
    assert lighter[0]["y"] == [0.5]


@pytest.mark.parametrize(
    ("query", "field"), [({"compare": "x"}, "compare"), ({"compare": "custom"}, "compare_from"), ({"compare": "custom", "compare_from": "x"}, "compare_from")]
)  # fmt: skip
def test_a_wrong_comparison_is_refused_beside_its_field(query: dict[str, str], field: str) -> None:
    client, _user = signed_in("manager")
    answer = client.get("/reports/", query)
    assert answer.status_code == 400
    assert f"<strong>{field}</strong>" in answer.content.decode()


def test_of_many_labels_the_most_confused_are_drawn_and_that_is_said() -> None:
    past = History()
    rows = [("l0", "l1", 9), *((f"l{n}", f"l{n}", 5) for n in range(77))]
    LabelRollup.objects.bulk_create(
        LabelRollup(case_type=past.case_type, span="day", start=DAY, said=s, answered=a, sampled=True, count=n)
        for s, a, n in rows
    )
    [chart] = [chart for chart in looked("quality", make.make_user("manager")).page.charts if "confusion" in chart.key]
    assert len(chart.figure["data"][0]["x"]) == 20
    assert {"l0", "l1"} <= set(chart.figure["data"][0]["x"])
    assert "20 labels with most errors, of 77" in chart.caption
    assert len(chart.rows) == 78
    assert chart.rows[0][:3] == ["l0", "l1", "9"]


def test_reliability_and_coverage_weigh_each_case_by_its_chance() -> None:
    past = History()
    cells = [(18, 0.5, 100, 50, 5), (18, 0.1, 100, 10, 2), (8, 0.5, 100, 50, 25)]
    CertaintyRollup.objects.bulk_create(
        CertaintyRollup(
            case_type=past.case_type, span="day", start=DAY, confidence_bin=at, probability=p, automated=True,
            decided=decided, read=read, wrong=wrong,
        )
        for at, p, decided, read, wrong in cells
    )  # fmt: skip
    charts = {chart.key: chart for chart in looked("quality", make.make_user("manager")).page.charts}
    # At 0.90 – 0.95: half of the cases 5/50 wrong, half 2/10: 15 %, so right 85 %. At 0.40: 25/50.
    assert [(row[0], row[2]) for row in charts["reliability"].rows] == [
        ("0.40 – 0.45", "50.0 %"),
        ("0.90 – 0.95", "85.0 %"),
    ]
    # From 0.90 on 200 of 300 are covered with 15 %; all of them with (30 + 50) / 300 = 26.7 %.
    assert [row[:3] for row in charts["coverage"].rows] == [
        ["0.90", "66.7 %", "15.0 %"],
        ["0.40", "100.0 %", "26.7 %"],
    ]


def test_cost_is_told_in_hours_until_a_wage_is_set(settings: Any) -> None:
    past = History()
    for _ in range(4):
        past.decide(past.waiting(DAY, due=MINUTE), DAY + 30 * MINUTE, seconds=900, waited=MINUTE)
    from metrics import rollup

    rollup.roll_up()
    MachineRollup.objects.update(cost=2)
    reader = make.make_user("manager")
    settings.HUMAN_HOUR_COST = None
    assert [tile.value for tile in looked("cost", reader).page.tiles] == ["$0.5000", "15 min"]
    settings.HUMAN_HOUR_COST = 32.0
    # One hour for four cases is $8 each, and the model's $2 are $0.50 each.
    assert [tile.value for tile in looked("cost", reader).page.tiles] == ["$0.5000", "15 min", "$8.00", "$8.50"]


def test_changes_of_policies_are_marked_on_every_axis_of_time() -> None:
    past = History()
    Policy.objects.filter(pk=past.policy.pk).update(activated_at=DAY)
    past.automated(DAY)
    from metrics import rollup

    rollup.roll_up()
    seen = looked("overview", make.make_user("manager"))
    assert [mark.name for mark in of(seen.ask.report.period)] == ["policy 1 of support-email"]
    for chart in seen.page.charts:
        assert [shape["x0"] for shape in chart.figure["layout"]["shapes"]] == ["2026-03-02T00:00:00"]


@pytest.mark.parametrize("key", KINDS)
def test_an_empty_page_says_so(key: str) -> None:
    client, _user = signed_in("manager")
    text = client.get("/reports/" if key == "overview" else f"/reports/{key}/").content.decode()
    assert "Nothing happened in this time" in text
    assert not re.findall(r"<figure", text)
