"""The governor says it loudly, with prices, and never touches a threshold."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feedback.models import ModelVersion
from metrics.alerting import governor, prices
from metrics.alerting.trial import try_out
from metrics.alerting.watching import watch
from metrics.models import Alert, PersonRollup, SampleRollup, Span, WorkRollup
from review.models import Policy
from tests import factories as make
from tests.alert_history import HOUR, NOW, flow, only, week


@pytest.fixture
def heavy(db: None) -> Any:
    case_type = make.make_case_type(mode="exception_handler", key="mail", policy={"threshold": 0.8})
    week(case_type, routed=10, escalated=3)
    return case_type


def test_above_the_limit_it_says_so_and_below_it_is_silent(heavy: Any) -> None:
    week(make.make_case_type(mode="exception_handler", key="calm"), routed=10, escalated=1)
    (found,) = governor.findings(now=NOW)
    assert (found.key, found.escalated, found.routed, found.limit, found.certain) == ("mail", 69, 230, 0.2, True)
    assert found.people is None  # no pace measured


def test_validator_mode_has_no_governor(db: None) -> None:
    case_type = make.make_case_type()
    for n in range(24):
        flow(case_type, NOW - n * HOUR, routed=10, escalated=10, mode="validator")
    assert governor.findings(now=NOW) == []


def test_people_are_priced_at_the_measured_pace(heavy: Any) -> None:
    day = NOW.replace(hour=0) - timedelta(days=1)
    row = {"case_type": heavy, "span": Span.DAY, "start": day}
    WorkRollup.objects.create(**row, queue_id=1, priority=1, ended=10, active_seconds=10 * 1200)
    PersonRollup.objects.create(**row, user_id=1, decided=10)
    (found,) = governor.findings(now=NOW)
    assert found.people == prices.People(per_day=69, seconds=1200, hours=23, needed=4, present=1)
    assert found.people.more == 3


def test_a_judged_version_that_is_not_at_work_is_priced_by_its_card(heavy: Any) -> None:
    def version(number: int, status: str, *, sure: float) -> None:
        points = [
            {"coverage": sure, "threshold": 0.82, "error": 0.01},
            {"coverage": 1.0, "threshold": 0.1, "error": 0.2},
        ]
        ModelVersion.objects.create(
            case_type=heavy, number=number, status=status, sha256=str(number), metrics={"risk_coverage": points}
        )

    version(1, "active", sure=0.6)
    assert governor.findings(now=NOW)[0].model is None
    version(2, "candidate", sure=0.75)
    found = governor.findings(now=NOW)[0].model
    assert found is not None
    assert (found.number, round(found.saves, 6)) == (2, 0.5)  # 15 points of 30


def test_sampling_elsewhere_is_priced_in_certainty(heavy: Any) -> None:
    other = make.make_case_type(mode="teacher", key="tags", name="Tags")
    day = NOW.replace(hour=0) - timedelta(days=2)
    row = {"span": Span.DAY, "start": day, "probability": 0.1, "automated": True}
    SampleRollup.objects.create(**row, case_type=other, decided=1000, read=100, wrong=4, seconds=2000)
    SampleRollup.objects.create(**row, case_type=heavy, decided=1000, read=100, wrong=4, seconds=2000)
    (found,) = governor.findings(now=NOW)[0].sampling
    assert (found.name, round(found.saved_reads * 28)) == ("Tags", 50)
    assert found.width_after > found.width


def test_it_never_lowers_a_threshold_by_itself(heavy: Any) -> None:
    before = list(Policy.objects.order_by("pk").values())
    only("governor")
    assert watch(now=NOW) == 1
    governor.findings(now=NOW)
    assert Alert.objects.get().evidence["figures"]["limit"] == 0.2
    assert list(Policy.objects.order_by("pk").values()) == before


def test_a_dry_run_tells_when_it_would_have_been_raised_and_raises_nothing(heavy: Any) -> None:
    found = try_out(only("governor"), now=NOW, days=5)
    assert [(each.name, each.until) for each in found.raised] == [(heavy.name, None)]
    assert not Alert.objects.exists()
    assert not try_out(only("no-worker", enabled=True), now=NOW).known


@given(read=st.integers(1, 500), share=st.floats(0, 1))
def test_fewer_readings_never_cost_less_certainty(read: int, share: float) -> None:
    found = prices.sampling(name="x", read=read, wrong=round(share * read), seconds=60, days=28)
    assert found.width_after >= found.width - 0.02
    assert found.saved_reads * 28 <= read
