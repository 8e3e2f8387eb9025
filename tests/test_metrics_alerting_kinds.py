"""Each kind on paper: when it raises, when it is well, when it says nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils.translation import override

from metrics.alerting.kinds.table import WATCHES
from metrics.alerting.parameters import check, complete
from metrics.alerting.sequential import Step, Tally
from metrics.alerting.shapes import (
    DAILY,
    HOUR,
    HOURLY,
    BinSight,
    CountSight,
    DueSight,
    QueueSight,
    Season,
    ShareSight,
    State,
    TimeSight,
)
from metrics.histograms import Histogram
from metrics.models import Kind

NOW = datetime(2026, 3, 18, 12, tzinfo=UTC)


def judged(kind: str, sight: Any, *, trigger: str = "plain", **parameters: Any) -> Any:
    watch = WATCHES[kind]
    assert list(check(watch.fields, parameters)) == []
    verdict = watch.judge(sight, {**complete(watch.fields, parameters), "trigger": trigger})
    if verdict.figures:
        assert watch.words(verdict.figures)
    return verdict


def shares(
    *now: tuple[int, int], usual: tuple[int, int] = (105, 700), season: Season = HOURLY, **more: Any
) -> ShareSight:
    steps = tuple(Step(Tally(*each), Tally(*usual)) for each in now)
    starts = tuple(NOW - (len(now) - 1 - n) * season.step for n in range(len(now)))
    return ShareSight(starts, steps, season, **more)


EVEN = [(15, 100)] * 23


@pytest.mark.parametrize(
    ("measured", "change", "raised"),
    [("relative", 0.2, True), ("points", 0.2, False), ("points", 0.1, True), ("relative", 1.5, False)],
)
def test_twenty_percent_says_whether_it_means_points_or_relative(measured: str, change: float, *, raised: bool) -> None:
    verdict = judged(Kind.ESCALATION_JUMP, shares(*EVEN, (30, 100), (27, 90)), measured=measured, change=change)
    assert (verdict.state == State.RAISE) is raised


def test_the_exact_test_lets_pass_what_chance_explains() -> None:
    sight = shares(*EVEN, (19, 100), (0, 0))
    assert judged(Kind.ESCALATION_JUMP, sight, chance=None).state == State.RAISE
    assert judged(Kind.ESCALATION_JUMP, sight, chance=0.001).state == State.BETWEEN


def test_between_half_the_change_and_all_of_it_an_alert_neither_opens_nor_closes() -> None:
    states = [
        judged(Kind.ESCALATION_JUMP, shares(*EVEN, (part, 1000), (0, 0)), chance=None).state for part in (164, 170, 185)
    ]
    assert states == [State.WELL, State.BETWEEN, State.RAISE]


def test_too_little_says_nothing() -> None:
    assert judged(Kind.ESCALATION_JUMP, shares((3, 4), usual=(1, 9))).state == State.UNKNOWN
    assert judged(Kind.CATCH_RATE, shares((2, 2), season=DAILY)).state == State.UNKNOWN


def test_a_classifier_that_never_failed_before_is_not_failing_at_its_first_error() -> None:
    one = shares(*[(0, 50)] * 23, (1, 50), (0, 0), usual=(0, 350))
    many = shares(*[(0, 50)] * 23, (20, 50), (0, 0), usual=(0, 350))
    assert judged(Kind.CLASSIFIER_FAILING, one).state == State.WELL
    assert judged(Kind.CLASSIFIER_FAILING, many).state == State.RAISE


def test_sequentially_a_doubled_rate_is_raised_and_its_figures_tell_of_the_stretch_that_speaks_for_it() -> None:
    verdict = judged(Kind.ESCALATION_JUMP, shares(*EVEN, (33, 100), (35, 100)), trigger="sequential")
    assert verdict.state == State.RAISE
    assert (verdict.figures["part"], verdict.figures["whole"]) == (68, 200)
    assert verdict.figures["evidence"] > verdict.figures["bound"]


@pytest.mark.parametrize("trigger", ["plain", "sequential"])
def test_a_promise_is_broken_only_when_that_is_sure(trigger: str) -> None:
    days = [(1, 30)] * 28
    sure = judged(Kind.AUTOMATED_ERROR, shares(*[(5, 30)] * 28, season=DAILY, promise=0.05), trigger=trigger)
    assert sure.state == State.RAISE
    assert judged(Kind.AUTOMATED_ERROR, shares(*days, season=DAILY, promise=0.05), trigger=trigger).state == State.WELL
    assert judged(Kind.AUTOMATED_ERROR, shares(*days, season=DAILY)).state == State.UNKNOWN  # nothing promised


def test_where_chances_to_be_read_differed_the_weighted_interval_decides() -> None:
    sight = shares(*[(5, 30)] * 28, season=DAILY, promise=0.05, interval=(0.01, 0.12))
    assert judged(Kind.AUTOMATED_ERROR, sight, trigger="sequential").state != State.RAISE


@pytest.mark.parametrize("trigger", ["plain", "sequential"])
def test_overrides_leave_their_band_at_both_ends(trigger: str) -> None:
    def state(*day: tuple[int, int]) -> State:
        found: State = judged(Kind.OVERRIDE_OUT_OF_BAND, shares(*day * 28, season=DAILY), trigger=trigger).state
        return found

    assert state((15, 30)) == State.RAISE
    assert state((0, 60)) == State.RAISE
    assert state((4, 30)) == State.WELL


@pytest.mark.parametrize("trigger", ["plain", "sequential"])
def test_a_mean_that_doubles_is_raised_and_one_that_grows_a_little_is_not(trigger: str) -> None:
    def state(seconds: float) -> State:
        usual = Histogram.of([40, 50, 60, 70, 80] * 20)
        now = Histogram.of([seconds * part for part in (0.6, 0.8, 1.0, 1.2, 1.4)] * 8)
        sight = TimeSight((NOW - HOUR, NOW), (now, now), (usual, usual))
        found: State = judged(Kind.RESOLUTION_DOUBLED, sight, trigger=trigger).state
        return found

    assert state(150) == State.RAISE
    assert state(62) == State.WELL


def test_a_queue_saturates_when_arrivals_outrun_decisions_and_says_when_it_is_late() -> None:
    sight = QueueSight(NOW, open=60, hours=4, arrived=60, finished=20, late=5, first_late=NOW + 2 * HOUR)
    verdict = judged(Kind.QUEUE_SATURATED, sight)
    assert verdict.state == State.RAISE
    assert (verdict.figures["growth"], verdict.figures["breach_hours"]) == (10, 2)
    assert judged(Kind.QUEUE_SATURATED, QueueSight(NOW, 60, 4, 22, 20)).state == State.WELL
    assert judged(Kind.QUEUE_SATURATED, QueueSight(NOW, 3, 4, 60, 20)).state == State.BETWEEN


def test_tasks_that_fall_due_within_minutes_are_told_with_those_late_already() -> None:
    verdict = judged(Kind.SLA_ABOUT_TO_BREACH, DueSight(2, 1, NOW + timedelta(minutes=5)))
    assert verdict.state == State.RAISE
    with override("en"):
        words = WATCHES[Kind.SLA_ABOUT_TO_BREACH].words(verdict.figures)
    assert words == "2 tasks fall due within 15 minutes. 1 is late already."
    assert judged(Kind.SLA_ABOUT_TO_BREACH, DueSight(0, 7)).state == State.WELL


@pytest.mark.parametrize("kind", [Kind.DEAD_EFFECTS, Kind.NO_WORKER])
def test_what_should_not_be_there_at_all(kind: str) -> None:
    assert judged(kind, CountSight(1, ("crm",))).state == State.RAISE
    assert judged(kind, CountSight(0)).state == State.WELL


def test_confidence_that_is_spread_otherwise_has_drifted() -> None:
    usual = (0,) * 10 + (100,) * 10
    assert judged(Kind.CONFIDENCE_DRIFT, BinSight(NOW, (0,) * 10 + (10,) * 10, usual)).state == State.WELL
    assert judged(Kind.CONFIDENCE_DRIFT, BinSight(NOW, (0,) * 8 + (10,) * 10 + (0, 0), usual)).state == State.RAISE
    assert judged(Kind.CONFIDENCE_DRIFT, BinSight(NOW, (1,) * 20, usual)).state == State.UNKNOWN


def test_the_governor_speaks_above_its_limit_beyond_chance() -> None:
    states = [judged(Kind.GOVERNOR, shares(*[(part, 100)] * 24)).state for part in (30, 20, 19)]
    assert states == [State.RAISE, State.BETWEEN, State.WELL]


@pytest.mark.parametrize("value", [0, 11, True, "0.2", None, float("nan"), [0.2]])
def test_a_parameter_out_of_its_bounds_is_refused_by_name(value: Any) -> None:
    assert [name for name, _text in check(WATCHES[Kind.ESCALATION_JUMP].fields, {"change": value})] == ["change"]


def test_an_unknown_parameter_is_refused() -> None:
    assert [name for name, _text in check(WATCHES[Kind.GOVERNOR].fields, {"x": 1})] == ["x"]
    assert list(check(WATCHES[Kind.GOVERNOR].fields, [1]))
