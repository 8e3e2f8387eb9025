"""Two hundred cases on paper: every measure and its interval, from real rows through the rollups to the report."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import User
from django.test import Client

from cases.audit import journal
from cases.models import CaseType
from cases.models.choices import Reason
from feedback.models import GoldCase, Planting
from metrics import measures, periods, report, rollup
from metrics.charts import durations
from metrics.histograms import bucket_of, packed
from metrics.measures import Reading
from metrics.models import FlowRollup, PaceRollup, WorkRollup
from metrics.report import Report
from review.models import Queue, ReviewTask
from tests.factories import make_task
from tests.metrics_history import MINUTE, History

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
DAY = datetime(2026, 3, 2, tzinfo=UTC)
NINE, HOUR = DAY.replace(hour=9), timedelta(hours=1)
TOMORROW = DAY + timedelta(hours=36)


def two_hundred() -> History:
    """One day of one case type, everything at nine; read on the next day, so fifteen hours of clock.

    | cases | what happened |
    |---|---|
    | 100 | policy, coin 1/2: 50 read for 30 s each, 2 wrong |
    | 40 | policy, coin 1/10: 4 read for 30 s each, 1 wrong |
    | 40 | escalated, decided in 10, 20 … 400 s after 10 min of waiting; the first 8 changed the output |
    | 12 | sampled and read blind in 240 s each, 3 of the machine's answers wrong |
    | 8 | escalated, due after 30 min, nobody came |
    """
    past = History(rate=0.5)
    _by_policy(past, 100, read=50, wrong=2)
    past.rate = 0.1
    _by_policy(past, 40, read=4, wrong=1)
    past.rate = 0.5
    made = [past.waiting(NINE, due=HOUR) for _ in range(40)]
    decided = [
        past.decide(task, NINE + 31 * MINUTE, seconds=10 * n, waited=10 * MINUTE, override=n <= 8)
        for n, task in enumerate(made, start=1)
    ]
    for number, one in enumerate(decided[:8]):  # 8 second reads with a chance of 1/4, 2 of them overturn
        past.read_again(one, NINE + 2 * HOUR, verdict="second" if number < 2 else "", chance=0.25)
    for number, one in enumerate(decided[8:12]):  # 4 reports from downstream, 1 bad
        past.report(one, NINE + 3 * HOUR, correct=number > 0)
    for number in range(12):
        task = past.waiting(NINE, due=HOUR, reason=Reason.SAMPLE, blind=True)
        blind = past.decide(task, NINE + 31 * MINUTE, seconds=240, waited=10 * MINUTE)
        past.read(blind, NINE + 31 * MINUTE, correct=number >= 3)
    for _ in range(8):
        past.waiting(NINE, due=30 * MINUTE)
    _no_production(past, decided)
    rollup.roll_up()
    return past


def _by_policy(past: History, count: int, *, read: int, wrong: int) -> None:
    made = [past.automated(NINE) for _ in range(count)]
    for number, one in enumerate(made[:read]):
        past.read(one, NINE + HOUR, correct=number >= wrong, seconds=30)


def _no_production(past: History, decided: list[Any]) -> None:
    """Gold, a drill and second reads: on the same cases, with times and answers that would bend every figure."""
    for number in range(20):  # 20 wrong outputs planted, 17 caught
        case = decided[number].case
        task = make_task(case, policy=past.policy, queue=past.queue, opened_at=NINE, due_at=NINE + MINUTE)
        fields = {"planted": True, "closed_at": NINE + 5 * HOUR, "claimed_at": NINE + 4 * HOUR, "ending": "decided"}
        ReviewTask.objects.filter(pk=task.pk).update(**fields)
        kind = GoldCase.Kind.DRILL if number % 2 else GoldCase.Kind.GOLD
        gold = GoldCase.objects.create(
            case=case, case_type=past.case_type, kind=kind, output={}, shown={}, confidence=1, made_by=past.person
        )
        planting = Planting.objects.create(
            gold=gold, case_type=past.case_type, task=task, user=past.person, caught=number < 17, wrong=True,
            active_seconds=9000, answered_at=NINE + 5 * HOUR,
        )  # fmt: skip
        with journal(actor="test", origin="test") as log:
            log("gold.answered", case_id=case.pk, subject=planting)
    for one in decided[20:28]:
        read = make_task(
            one.case, policy=past.policy, queue=past.queue, reason="second_read", opened_at=NINE, due_at=NINE
        )
        ReviewTask.objects.filter(pk=read.pk).update(closed_at=NINE + 9 * HOUR, claimed_at=NINE, ending="decided")


# Shares: Clopper–Pearson, of which the tables give the ends. Rates: Garwood, half the chi-square quantiles with 2x and
# 2x + 2 degrees of freedom, over the hours. Weighted shares: Fay and Feuer, v/2y times the chi-square quantile with 2y²/v
# degrees of freedom, above with one more event of the largest weight.
PAPER = {
    # 100 + 40 + 40 + 12 closed in 15 h; 384 and 386 degrees of freedom.
    "throughput_clock": (192 / 15, 11.0534, 14.7442, 192, 15),
    # 10 + 20 + … + 400 = 8,200 s, 12 x 240 = 2,880 s, 54 readings of 30 s = 1,620 s: 12,700 s are 3.52778 h.
    "throughput_human": (192 / (12_700 / 3600), 46.9987, 62.6919, 192, 12_700 / 3600),
    "escalation_rate": (48 / 200, 0.1826, 0.3053, 48, 200),
    "override_rate": (8 / 40, 0.0905, 0.3565, 8, 40),
    # With coin 1/2: 100 + 40 + 12 = 152 first decisions, 62 read, 5 wrong; with 1/10: 40, 4 and 1. So
    # 152/192 x 5/62 + 40/192 x 1/4 = 0.1159, 7.62 and 9.05 degrees of freedom.
    "override_rate_sampled": (152 / 192 * 5 / 62 + 40 / 192 / 4, 0.0303, 0.3546, 6, 66),
    # By policy alone: 100/140 x 2/50 + 40/140 x 1/4 = 0.1; 3.63 and 5.54 degrees of freedom.
    "automated_error": (0.1, 0.0103, 0.4244, 3, 54),
    # Second reads at 1/4 stand for 8 x 4 = 32, reports for 4: 32/36 x 2/8 + 4/36 x 1/4 = 0.25; 4.91 and 6.90.
    "post_validation_error": (0.25, 0.0406, 0.83, 3, 12),
    "catch_rate": (17 / 20, 0.6211, 0.9679, 17, 20),
    # 40 and 12 in time; 8 due and open.
    "sla_attainment": (52 / 60, 0.7541, 0.9406, 52, 60),
    # 60 opened, 52 ended in 15 h: 4 (3.0524 to 5.1488) less 3.4667 (2.5891 to 4.5461), distances squared and added.
    "backlog_growth": (8 / 15, -0.903, 1.979, 8, 15),
    "backlog": (8, 8, 8, 8, 1),
}
# Times come from buckets 5 % wide. Ranks that enclose them: of 40 the median 14 to 27, nine in ten 32 to 40; of 12 the
# median 3 to 10; of 52 the median 19 to 34, nine in ten 42 to 52.
TIMES = {
    "resolution_median": (200, 140, 270),
    "resolution_p90": (360, 320, 400),
    "resolution_blind_median": (240, 240, 240),
    "waiting_median": (600, 600, 600),
    "waiting_p90": (600, 600, 600),
}


def of_the_day(**query: str) -> Report:
    period = periods.read({"from": "2026-03-02", "to": "2026-03-02", **query}, now=TOMORROW)
    return report.build(period, now=TOMORROW)


def ends(found: Reading) -> tuple[float, float]:
    assert found.estimate.interval
    return found.estimate.interval.low, found.estimate.interval.high


@pytest.mark.parametrize("interval", ["day", "hour"])
def test_two_hundred_cases_measure_as_on_paper(interval: str) -> None:
    two_hundred()
    made = of_the_day(interval=interval)
    assert made.totals.received == made.totals.routed == 200
    for key, (value, low, high, numerator, denominator) in PAPER.items():
        found = made.reading(key)
        assert found.estimate.value == pytest.approx(value), key
        assert ends(found) == pytest.approx((low, high), abs=6e-4), key
        assert (found.estimate.numerator, found.estimate.denominator) == pytest.approx((numerator, denominator)), key
    for key, (value, low, high) in TIMES.items():
        found = made.reading(key)
        assert found.estimate.value == pytest.approx(value, rel=0.025), key
        assert ends(found) == pytest.approx((low, high), rel=0.05), key
    assert made.reading("backlog_hours").estimate.value is None  # it does not shrink
    assert {*PAPER, *TIMES, "backlog_hours"} == set(measures.BY_KEY)


def test_resolution_stands_beside_the_control_arm_and_the_work_by_hand() -> None:
    past = two_hundred()
    # 200 s against 240 s is 17 % less; of the middles of their buckets, 18 %.
    assert "18% less than the same work read blind" in str(of_the_day().reading("resolution_median").verdict.remark)
    CaseType.objects.filter(pk=past.case_type.pk).update(manual_minutes=10)
    made = of_the_day(case_type="support-email")
    assert made.facts.manual_seconds == 600
    rows = {row[0]: row[4] for row in durations.against(made).rows}
    assert rows["read blind, the control arm"] == "-18%"
    assert rows["by hand, as the case type says"] == "-67%"


# A thousand cases an hour, 300 of them escalated at 15 minutes each, ten people: they do 10 x 60 / 15 = 40 of the 300, so
# 700 + 40 = 740 leave in every hour and the backlog grows by 260.
HOURS = 8


def a_full_office() -> None:
    kind = CaseType.objects.create(key="claims", name="Claims", output_schema={}, impact=["customer"])
    desk = Queue.objects.create(key="desk", name="Front desk")
    mode, begun = "exception_handler", DAY
    for hour in range(HOURS):
        at = begun + hour * HOUR
        for span in ("hour", "day") if not hour else ("hour",):
            times = HOURS if span == "day" else 1
            same = {"case_type": kind, "span": span, "start": at if span == "hour" else DAY}
            FlowRollup.objects.create(**same, mode="", reason="", received=1000 * times)
            FlowRollup.objects.create(**same, mode=mode, reason="", routed=700 * times, closed=700 * times)
            FlowRollup.objects.create(**same, mode=mode, reason="low_confidence", routed=300 * times, closed=40 * times)
            WorkRollup.objects.create(
                **same, queue_id=desk.pk, priority=2, opened=300 * times, ended=40 * times, met=40 * times,
                shown=40 * times, active_seconds=40 * 900.0 * times, active=packed({bucket_of(900): 40 * times}),
            )  # fmt: skip
            PaceRollup.objects.create(**same, active=packed({bucket_of(900): 40 * times}))


@pytest.mark.parametrize("interval", ["hour", "day"])
def test_a_thousand_cases_an_hour_with_ten_people_are_740_and_a_backlog_growing_by_260(interval: str) -> None:
    a_full_office()
    client = Client()
    client.force_login(User.objects.create_superuser("ada", password="x"))
    query = {"from": "2026-03-02", "to": "2026-03-02", "interval": interval}
    with time_machine.travel(DAY + HOURS * HOUR, tick=False):
        text = client.get("/reports/throughput/", query).content.decode()
        body = client.get("/api/v1/metrics/", query).json()["measures"]
    assert body["throughput_clock"]["value"] == 740
    assert body["throughput_human"]["value"] == 74  # 740 in ten hours of people
    assert body["backlog_growth"]["value"] == 260
    assert body["escalation_rate"]["value"] == 0.3
    assert body["backlog"]["value"] == 260 * HOURS
    assert "Growing by 260.0 tasks per hour." in body["backlog_hours"]["remark"]
    assert body["backlog_growth"]["state"] == body["backlog_hours"]["state"] == "alert"
    assert "740 per hour" in text
    assert "260 per hour" in text
    assert (
        "300.0 tasks an hour came to people, who took 15.0 min each: 75.0 hours of work in every hour; 10.0 were worked."
        in text
    )
