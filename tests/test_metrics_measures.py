"""The measures of one small morning, computed on paper."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from cases.models.choices import Reason
from feedback.models import SecondRead
from metrics import estimates, measures, periods, report, rollup, watches
from metrics.estimates import Facts
from metrics.histograms import Histogram
from metrics.measures import BY_KEY, Reading
from metrics.report import Report
from metrics.totals import Totals
from metrics.watches import State
from tests.factories import make_task
from tests.metrics_history import MINUTE, History

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
DAY = datetime(2026, 3, 2, tzinfo=UTC)
NINE, NOON = DAY.replace(hour=9), DAY.replace(hour=12)
HOUR = timedelta(hours=1)


def morning() -> History:
    """40 cases by policy, 20 of them read and one found wrong; 10 decided by a person, 3 changed; one read blind;
    2 that nobody has taken and that fell due. All came at nine; it is noon."""
    past = History(rate=0.5)
    automated = [past.automated(NINE) for _ in range(40)]
    for number, made in enumerate(automated[:20]):
        past.read(made, NINE + HOUR, correct=number > 0, seconds=30)
    tasks = [past.waiting(NINE, due=HOUR) for _ in range(10)]
    decided = [
        past.decide(task, NINE + 31 * MINUTE, seconds=10 * n, waited=10 * MINUTE, override=n <= 3)
        for n, task in enumerate(tasks, start=1)
    ]
    past.report(decided[0], NINE + HOUR, correct=False)
    past.report(decided[1], NINE + HOUR, correct=True)
    blind = past.decide(past.waiting(NINE, due=HOUR, blind=True), NINE + 31 * MINUTE, seconds=200, waited=10 * MINUTE)
    past.read(blind, NINE + 31 * MINUTE, correct=True)
    for _ in range(2):
        past.waiting(NINE, due=30 * MINUTE, reason=Reason.HIGH_RISK)
    rollup.roll_up()
    return past


def of_the_day(now: datetime = NOON, **query: str) -> Report:
    period = periods.read({"from": "2026-03-02", "to": "2026-03-02", **query}, now=now)
    return report.build(period, now=now)


def reading(made: Report, key: str) -> Reading:
    return next(found for found in made.readings if found.measure.key == key)


def rounded(found: Reading, digits: int = 4) -> tuple[float | None, float | None, float | None]:
    """Value, low and high."""
    interval = found.estimate.interval
    ends = (interval.low, interval.high) if interval else (None, None)
    return tuple(None if x is None else round(x, digits) for x in (found.estimate.value, *ends))  # type: ignore[return-value]


def test_throughput_is_what_closed_over_the_hours_since_the_first_case_and_over_human_hours() -> None:
    morning()
    made = of_the_day()
    # 40 + 10 + 1 closed in the three hours since nine: 17 an hour. Garwood for 51 events: 37.97 to 67.06, over 3.
    assert rounded(reading(made, "throughput_clock"), 2) == (17.0, 12.66, 22.35)
    # 10 + 20 + … + 100 = 550 s, 200 s blind, 20 readings of 30 s: 1350 s = 0.375 h; 51 / 0.375 = 136.
    human = reading(made, "throughput_human").estimate
    assert (human.value, human.numerator, human.denominator) == (136.0, 51, 0.375)


def test_the_escalation_rate_counts_every_reason_but_the_sample() -> None:
    morning()
    found = reading(of_the_day(), "escalation_rate")
    # 10 + 1 + 2 of 53 cases.
    assert (found.estimate.numerator, found.estimate.denominator) == (13, 53)
    assert found.estimate.value == pytest.approx(13 / 53)
    assert found.verdict.state is State.WATCH  # 24.5 %, and the interval begins at 13.8 %, below the edge of 15 %
    assert rounded(found, 3)[1] == 0.138


def test_override_rates_of_the_escalated_and_of_the_sampled_stand_apart() -> None:
    morning()
    made = of_the_day()
    # 3 of 10; Clopper–Pearson tables: 6.67 % to 65.25 %.
    assert rounded(reading(made, "override_rate")) == (0.3, 0.0667, 0.6525)
    # One of 21 readings: 1 - 0.975^(1/21) = 0.0012 below.
    assert rounded(reading(made, "override_rate_sampled"))[:2] == (0.0476, round(1 - 0.975 ** (1 / 21), 4))


def test_errors_found_afterwards_are_split_by_who_decided() -> None:
    morning()
    made = of_the_day()
    # One of two reports: the ends solve p^2 = 0.025 from each side, 1 - sqrt(0.975) = 0.0126 and sqrt(0.975) = 0.9874.
    checked = reading(made, "post_validation_error")
    assert rounded(checked) == (0.5, 0.0126, 0.9874)
    assert checked.verdict.state is State.TOO_FEW
    # One of 20 readings; tables: 0.13 % to 24.87 %. The value equals the promise of 5 %, which is kept and not proved.
    automated = reading(made, "automated_error")
    assert rounded(automated) == (0.05, 0.0013, 0.2487)
    assert automated.verdict.state is State.GOOD
    assert "Not yet proved" in str(automated.verdict.remark)


def test_resolution_times_are_order_statistics_of_active_seconds() -> None:
    morning()
    made = of_the_day()
    # The fifth of 10, 20, … 100 is 50; ranks 2 and 9 enclose the median: 20 and 90. Buckets are 5 % wide.
    median = reading(made, "resolution_median").estimate
    assert median.value == pytest.approx(50, rel=0.025)
    assert median.interval is not None
    assert median.interval.low == pytest.approx(20, rel=0.05)
    assert median.interval.high == pytest.approx(90, rel=0.05)
    ninth = reading(made, "resolution_p90")
    assert ninth.estimate.value == pytest.approx(90, rel=0.025)
    assert ninth.estimate.interval is None  # ten values cannot bound it
    assert reading(made, "resolution_blind_median").estimate.value == pytest.approx(200, rel=0.025)
    assert reading(made, "waiting_median").estimate.value == pytest.approx(600, rel=0.025)


def test_tasks_that_fell_due_count_as_breaches_while_they_are_still_open() -> None:
    morning()
    made = of_the_day()
    # 11 in time, 2 due at 9:31 and open; tables for 11 of 13: 54.55 % to 98.08 %.
    found = reading(made, "sla_attainment")
    assert rounded(found) == (0.8462, 0.5455, 0.9808)
    assert found.verdict.state is State.ALERT
    assert [(line.queue, line.settled, line.met) for line in made.queues] == [("Front desk", 13, 11)]


def test_a_task_that_falls_due_later_in_the_hour_is_no_breach_yet() -> None:
    past = History()
    past.waiting(NOON, due=30 * MINUTE)  # due at 12:31
    rollup.roll_up()
    for now, breaches in ((NOON + 20 * MINUTE, 0), (NOON + 40 * MINUTE, 1), (NOON + 2 * HOUR, 1)):
        for interval in ("hour", "day"):
            made = of_the_day(now, interval=interval)
            assert made.totals.settled == breaches
            assert made.facts.overdue_tasks == breaches
            assert sum(line.settled for line in made.queues) == breaches


def test_the_backlog_is_what_is_open_at_the_end_of_each_step() -> None:
    morning()
    made = of_the_day(interval="hour")
    assert reading(made, "backlog").estimate.value == 2
    assert [step.backlog for step in made.steps] == [0] * 9 + [2] * 4
    forecast = reading(made, "backlog_hours")  # 13 opened, 11 ended, in three hours
    assert forecast.estimate.value is None
    assert "neither grows nor shrinks" in str(forecast.verdict.remark)
    assert forecast.verdict.state is State.GOOD


def test_a_backlog_that_surely_grows_is_called_out_with_its_pace() -> None:
    totals = Totals(hours=10)
    totals.tasks.update(opened=100, ended=40)
    facts = Facts(open_tasks=60)
    [found] = [r for r in measures.read(totals, before=Totals(), facts=facts) if r.measure.key == "backlog_hours"]
    assert found.verdict.state is State.ALERT
    assert "Growing by 6.0 tasks per hour" in str(found.verdict.remark)


def test_a_shrinking_backlog_says_when_it_will_be_empty() -> None:
    # 60 open, 100 ended and 40 opened in 10 hours: 6 an hour fewer, so ten hours. Garwood for 100 is 81.36 to 121.63 and
    # for 40 28.58 to 54.47, so between 60 / (12.163 - 2.858) = 6.4 and 60 / (8.136 - 5.447) = 22.3 hours.
    found = estimates.clearance(60, 40, 100, 10)
    assert found.value == 10
    assert found.interval is not None
    assert (round(found.interval.low, 1), round(found.interval.high, 1)) == (6.4, 22.3)


def test_hours_and_days_give_the_same_measures() -> None:
    morning()
    by_day, by_hour = of_the_day(), of_the_day(interval="hour")
    assert [r.estimate for r in by_day.readings] == [r.estimate for r in by_hour.readings]
    assert [r.estimate.interval for r in by_day.readings] == [r.estimate.interval for r in by_hour.readings]


def test_case_types_are_kept_apart_and_added_up() -> None:
    morning()
    other = History("refunds", mode="validator")
    other.waiting(NINE, due=HOUR)
    rollup.roll_up()
    assert of_the_day(case_type="refunds").totals.routed == 1
    assert of_the_day(case_type="support-email").totals.routed == 53
    both = of_the_day()
    assert both.totals.routed == 54
    assert "24.5% of the 53 cases outside validator mode" in str(reading(both, "escalation_rate").verdict.remark)


def test_validator_mode_alone_has_no_escalation_band() -> None:
    other = History("refunds", mode="validator")
    for _ in range(30):
        other.waiting(NINE, due=HOUR)
    rollup.roll_up()
    found = reading(of_the_day(), "escalation_rate")
    assert found.estimate.value == 1
    assert found.verdict.state is State.PLAIN


def test_an_empty_time_has_no_figures_and_no_alarms() -> None:
    made = of_the_day()
    assert made.empty
    assert all(found.estimate.value in {None, 0} for found in made.readings)
    assert {found.verdict.state for found in made.readings} <= {State.TOO_FEW, State.GOOD}


def test_a_low_override_rate_is_read_in_both_ways() -> None:
    totals = Totals()
    totals.coins[0.5, True].update(decided=4000, read=2000, wrong=10)
    found = BY_KEY["override_rate_sampled"]
    sight = watches.Sight(found.estimate(totals, Facts()), None, totals, Facts())
    verdict = watches.overrides(sight)
    assert verdict.state is State.ALERT  # 0.5 %, at most 0.92 %
    assert "two readings" in str(verdict.remark)


def test_a_time_near_the_blind_one_says_that_the_machine_hardly_helps() -> None:
    totals = Totals(active=Histogram.of([60] * 50), blind=Histogram.of([61] * 50))
    before = Totals(active=Histogram.of([60] * 50))
    [found] = [r for r in measures.read(totals, before=before, facts=Facts()) if r.measure.key == "resolution_median"]
    assert found.verdict.state is State.ALERT
    assert "without the machine" in str(found.verdict.remark)


@pytest.mark.parametrize(("now", "state"), [(100, State.GOOD), (98, State.GOOD), (40, State.ALERT)])
def test_throughput_falls_only_when_chance_is_no_explanation(now: int, state: State) -> None:
    sight = watches.Sight(estimates.rate(now, 10), estimates.rate(100, 10), Totals(), Facts())
    assert watches.falling(sight).state is state


def test_doubling_is_called_out_only_when_the_interval_is_beyond() -> None:
    before = estimates.quantile(Histogram.of([10] * 40), 0.5)
    surely = estimates.quantile(Histogram.of([30] * 40), 0.5)
    perhaps = estimates.quantile(Histogram.of([5] * 19 + [30] * 21), 0.5)
    assert watches.doubled(watches.Sight(surely, before, Totals(), Facts())).state is State.ALERT
    assert watches.doubled(watches.Sight(perhaps, before, Totals(), Facts())).state is State.WATCH


def test_every_measure_says_what_it_counts_and_every_band_what_to_do() -> None:
    for measure in measures.MEASURES:
        assert all(
            str(text) for text in (measure.name, measure.numerator, measure.denominator, measure.method, measure.band)
        )
        assert measure.watch is watches.none or str(measure.advice)
    assert Counter(measure.key for measure in measures.MEASURES).most_common(1)[0][1] == 1


def test_second_reads_count_among_the_checked_by_their_chance_and_each_decision_once() -> None:
    past = History()
    made = [past.decide(past.waiting(NINE, due=HOUR), NINE + 10 * MINUTE, seconds=20, waited=MINUTE) for _ in range(5)]
    past.read_again(made[0], NINE + HOUR)
    past.read_again(made[1], NINE + HOUR, verdict="second")
    past.read_again(made[2], NINE + HOUR, verdict="first")
    past.read_again(made[3], NINE + HOUR, verdict="neither")
    past.report(made[3], NINE + HOUR, correct=True)
    past.report(made[4], NINE + HOUR, correct=True)
    rollup.roll_up()
    found = reading(of_the_day(), "post_validation_error").estimate
    # Three reads at one half stand for two each, one of them wrong; two reported ones for themselves, one of them wrong:
    # (2 + 1) / (6 + 2).
    assert (found.numerator, found.denominator) == (2, 5)
    assert found.value == pytest.approx(3 / 8)
    assert found.interval
    assert found.interval.low < 3 / 8 < found.interval.high


def test_a_second_read_under_way_is_no_production_and_checks_nothing_yet() -> None:
    past = History()
    made = past.decide(past.waiting(NINE, due=HOUR), NINE + 10 * MINUTE, seconds=20, waited=MINUTE)
    rollup.roll_up()
    before = reading(of_the_day(), "waiting_median").estimate.observations
    SecondRead.objects.filter(pk=past.read_again(made, NINE + HOUR).pk).update(settled_at=None, agrees=False)
    make_task(
        made.case, reason="second_read", blind=True, policy=past.policy, opened_at=NINE + HOUR, due_at=NINE + 2 * HOUR
    )
    past.note(made.case, "task.opened", NINE + HOUR)
    rollup.roll_up()
    whole = of_the_day()
    assert reading(whole, "post_validation_error").estimate.observations == 0
    assert reading(whole, "waiting_median").estimate.observations == before
    assert reading(whole, "sla_attainment").estimate.denominator == 1
    assert reading(whole, "backlog").estimate.value == 0
