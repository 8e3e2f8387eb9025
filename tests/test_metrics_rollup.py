"""Rollups: exact whatever happens afterwards, the same by events and by rebuilding, and never touched twice for nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.management import call_command

from cases.audit import settled_id
from cases.clock import from_now
from cases.models import AuditEvent, Case
from cases.models.choices import State
from metrics import jobs, rollup
from metrics.histograms import bucket_of, unpacked
from metrics.models import FlowRollup, RollupCursor, SampleRollup, StaleSpan, WorkRollup, base
from tests.metrics_history import MINUTE, History

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
DAY = datetime(2026, 3, 2, tzinfo=UTC)
NINE, TEN = DAY.replace(hour=9), DAY.replace(hour=10)
HOUR = timedelta(hours=1)


def rows(model: Any, **wanted: Any) -> list[tuple[Any, ...]]:
    names = ["span", "start", *model.keys, *model.figures]
    return sorted(model.objects.filter(**wanted).values_list(*names), key=str)


def everything() -> list[list[tuple[Any, ...]]]:
    return [rows(model) for model in (FlowRollup, WorkRollup, SampleRollup)]


def flow(start: datetime, span: str = "hour") -> dict[tuple[str, str], tuple[int, int, int]]:
    found = FlowRollup.objects.filter(start=start, span=span)
    return {(row.mode, row.reason): (row.received, row.routed, row.closed) for row in found}


def keep_minutes(monkeypatch: pytest.MonkeyPatch, *, since: datetime) -> None:
    """Sums by the minute from then on, however long ago that is."""
    monkeypatch.setattr(rollup, "KEPT", timedelta(days=20_000))
    RollupCursor.objects.update_or_create(pk=1, defaults={"minutes_since": since})


def test_cases_count_in_the_hours_they_came_were_routed_and_closed() -> None:
    past = History()
    past.automated(NINE)
    past.automated(NINE + 58 * MINUTE)  # routed at 9:59, closed at 10:00
    past.waiting(NINE + 30 * MINUTE, due=HOUR)
    rollup.roll_up()
    mode = "exception_handler"
    assert flow(NINE) == {("", ""): (3, 0, 0), (mode, ""): (0, 2, 1), (mode, "low_confidence"): (0, 1, 0)}
    assert flow(TEN) == {(mode, ""): (0, 0, 1)}
    assert flow(DAY, "day") == {("", ""): (3, 0, 0), (mode, ""): (0, 2, 2), (mode, "low_confidence"): (0, 1, 0)}


def test_a_late_outcome_report_changes_the_hour_of_the_decision_it_judges() -> None:
    past = History()
    made = past.decide(past.waiting(NINE, due=HOUR), NINE + 10 * MINUTE, seconds=20, waited=5 * MINUTE)
    rollup.roll_up()
    assert WorkRollup.objects.filter(start=NINE, span="hour").values_list("checked", "wrong").get() == (0, 0)
    past.report(made, NINE + 40 * HOUR, correct=False)
    rollup.roll_up()
    assert WorkRollup.objects.filter(start=NINE, span="hour").values_list("checked", "wrong").get() == (1, 1)


def test_a_reopened_case_leaves_the_hour_it_had_closed_in() -> None:
    past = History()
    case = past.automated(NINE).case
    rollup.roll_up()
    assert flow(NINE)["exception_handler", ""] == (0, 1, 1)
    Case.objects.filter(pk=case.pk).update(state=State.IN_REVIEW, version=2, closed_at=None, decided_at=None)
    past.note(case, "case.in_review", TEN)
    rollup.roll_up()
    assert flow(NINE)["exception_handler", ""] == (0, 1, 0)


def test_times_are_kept_as_histograms_in_the_buckets_that_python_computes() -> None:
    past = History()
    past.decide(past.waiting(NINE, due=HOUR), NINE + 10 * MINUTE, seconds=20, waited=5 * MINUTE)
    past.decide(past.waiting(NINE, due=HOUR), NINE + 20 * MINUTE, seconds=0, waited=timedelta(0))
    past.decide(past.waiting(NINE, due=HOUR, blind=True), NINE + 30 * MINUTE, seconds=90, waited=5 * MINUTE)
    rollup.roll_up()
    row = WorkRollup.objects.get(start=NINE, span="hour")
    assert unpacked(row.active) == {bucket_of(20): 1, 0: 1}
    assert unpacked(row.blind) == {bucket_of(90): 1}
    assert unpacked(row.waiting) == {bucket_of(300): 2, 0: 1}
    assert row.active_seconds == 110


@pytest.mark.parametrize("seconds", [0.0099, 0.0101, 1, 59.9, 3600, 86_400, 1e12])
def test_the_database_and_python_agree_on_the_bucket(seconds: float) -> None:
    past = History()
    past.decide(past.waiting(NINE, due=HOUR), NINE + 10 * MINUTE, seconds=seconds, waited=MINUTE)
    rollup.roll_up()
    assert unpacked(WorkRollup.objects.get(start=NINE, span="hour").active) == {bucket_of(seconds): 1}


def test_a_task_counts_as_met_when_it_is_decided_and_as_missed_when_it_falls_due() -> None:
    past = History()
    past.decide(past.waiting(NINE, due=HOUR), TEN, seconds=1, waited=MINUTE)  # due at 10:01
    past.decide(past.waiting(NINE, due=30 * MINUTE), TEN + HOUR, seconds=1, waited=MINUTE)  # missed at 9:31
    past.waiting(NINE, due=HOUR)  # missed at 10:01, still open
    rollup.roll_up()
    found = WorkRollup.objects.filter(span="hour").order_by("start").values_list("start", "met", "late", "unmet")
    assert list(found) == [(NINE, 0, 1, 0), (TEN, 1, 0, 1), (TEN + HOUR, 0, 0, 0)]


def test_samples_count_by_their_probability_in_the_hour_of_the_decision() -> None:
    past = History(rate=0.25)
    past.read(past.automated(NINE), TEN + HOUR, correct=False, seconds=45)
    past.automated(NINE)
    past.read(
        past.decide(past.waiting(NINE, due=HOUR, blind=True), NINE + HOUR / 2, seconds=9, waited=MINUTE),
        NINE + HOUR / 2,
        correct=True,
    )
    rollup.roll_up()
    found = SampleRollup.objects.filter(span="hour").order_by("start", "automated")
    assert [(r.start, r.probability, r.automated, r.decided, r.read, r.wrong, r.seconds) for r in found] == [
        (NINE, 0.25, False, 1, 1, 0, 0),
        (NINE, 0.25, True, 2, 1, 1, 0),
        (TEN + HOUR, 0.25, True, 0, 0, 0, 45),
    ]


def test_rebuilding_gives_what_the_events_gave() -> None:
    past, other = History(), History("refunds", mode="validator")
    for number in range(10):
        at = DAY + number * 7 * HOUR / 2
        past.read(past.automated(at), at + HOUR, correct=number % 3 > 0)
        other.decide(other.waiting(at, due=HOUR), at + HOUR, seconds=number, waited=MINUTE, override=number % 2 > 0)
        rollup.roll_up()
    before = everything()
    FlowRollup.objects.filter(start__lt=DAY + 9 * HOUR).update(routed=99)
    WorkRollup.objects.all()[3].delete()
    call_command("rebuild_rollups", verbosity=0)
    assert everything() == before
    assert RollupCursor.objects.get().event_id == settled_id(AuditEvent)


def test_a_second_run_without_events_sums_nothing() -> None:
    past = History()
    past.automated(NINE)
    assert rollup.roll_up() > 0
    assert rollup.roll_up() == 0
    assert not StaleSpan.objects.exists()


def test_only_touched_hours_are_summed_again() -> None:
    past = History()
    for hours in range(10):
        past.automated(DAY + hours * HOUR)
    rollup.roll_up()
    FlowRollup.objects.filter(start=NINE).update(routed=99)
    past.automated(DAY + HOUR)
    rollup.roll_up()
    assert flow(NINE)["exception_handler", ""] == (0, 99, 1)


def test_only_the_tables_that_an_event_can_change_are_summed_again() -> None:
    past = History()
    made = past.decide(past.waiting(NINE, due=HOUR), NINE + 10 * MINUTE, seconds=20, waited=5 * MINUTE)
    rollup.roll_up()
    FlowRollup.objects.filter(start=NINE).update(received=99)
    past.report(made, NINE + 40 * HOUR, correct=False)
    rollup.roll_up()
    assert flow(NINE)["", ""] == (99, 0, 0)
    assert WorkRollup.objects.filter(start=NINE, span="hour").values_list("wrong").get() == (1,)


def test_what_happens_now_is_summed_by_the_minute_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_minutes(monkeypatch, since=DAY)
    past = History()
    past.automated(NINE)
    past.automated(NINE + 30 * MINUTE)
    rollup.roll_up()
    assert flow(NINE)["", ""] == (2, 0, 0)
    FlowRollup.objects.filter(start=NINE, span=base.MINUTE).update(
        received=5
    )  # only to see that it is not summed again
    past.automated(NINE + 30 * MINUTE)
    rollup.roll_up()
    assert flow(NINE)["", ""] == (7, 0, 0)
    assert flow(DAY, "day")["", ""] == (7, 0, 0)


def test_minutes_are_kept_from_the_next_full_hour_on_and_forgotten_after_some_days() -> None:
    past = History()
    past.automated(NINE)
    rollup.roll_up()
    since = RollupCursor.objects.get().minutes_since
    assert since is not None
    assert timedelta(0) < since - datetime.now(UTC) <= HOUR
    RollupCursor.objects.update(minutes_since=DAY)
    past.automated(TEN)
    rollup.roll_up()
    assert not FlowRollup.objects.filter(span=base.MINUTE).exists()
    since = RollupCursor.objects.get().minutes_since
    assert since is not None
    assert rollup.KEPT <= datetime.now(UTC) - since <= rollup.KEPT + HOUR
    assert flow(TEN)["", ""] == (1, 0, 0)


def test_what_is_due_later_is_not_lost_when_minutes_begin_to_be_kept() -> None:
    past = History()
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    past.waiting(now - HOUR, due=5 * HOUR)
    rollup.roll_up()
    RollupCursor.objects.update(minutes_since=None)  # as before an upgrade: hours alone
    WorkRollup.objects.filter(span=base.MINUTE).delete()
    past.waiting(now - HOUR, due=5 * HOUR + MINUTE)
    rollup.roll_up()
    found = WorkRollup.objects.filter(span="hour", start__gt=now).values_list("start", "unmet")
    assert list(found) == [(now + 4 * HOUR, 2)]


def test_the_lag_is_the_age_of_the_oldest_event_that_is_not_in_the_sums() -> None:
    past = History()
    assert rollup.lag() == timedelta(0)
    past.note(past.automated(NINE).case, "case.viewed", datetime.now(UTC))
    assert rollup.lag() > 24 * HOUR
    rollup.roll_up()
    assert rollup.lag() == timedelta(0)


def test_noted_hours_survive_a_run_that_dies_before_it_sums_them(monkeypatch: pytest.MonkeyPatch) -> None:
    past = History()
    past.automated(NINE)

    def dies(*_parts: object, **_options: object) -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(rollup, "_sum_again", dies)
        with pytest.raises(KeyboardInterrupt):
            rollup.roll_up()
    assert rollup.roll_up() > 0
    assert flow(NINE)["exception_handler", ""] == (0, 1, 1)


def test_older_hours_that_took_long_are_followed_by_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    keep_minutes(monkeypatch, since=TEN)
    past = History()
    assert rollup.is_rested()
    rollup.roll_up()
    RollupCursor.objects.update(rest_until=from_now(seconds=30))
    assert not rollup.is_rested()
    past.automated(NINE)
    past.automated(TEN)
    jobs.roll_up()
    assert (flow(NINE), flow(TEN)["", ""]) == ({}, (1, 0, 0))
    RollupCursor.objects.update(rest_until=from_now(seconds=-1))
    jobs.roll_up()
    assert flow(NINE)["", ""] == (1, 0, 0)


def test_older_hours_give_way_after_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    past = History()
    past.automated(NINE)
    ticks = iter(range(0, 10_000, 2))
    monkeypatch.setattr("metrics.rollup.time.monotonic", lambda: next(ticks))
    assert jobs.roll_up() == 0
    assert StaleSpan.objects.exists()
    monkeypatch.undo()
    assert rollup.roll_up() > 0
    assert not StaleSpan.objects.exists()
