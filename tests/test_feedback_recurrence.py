"""How often an error came back, before and after each version went to work."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from cases.models import CaseType
from feedback.models import Correction, ModelVersion, PromptVersion
from feedback.recurrence import Period, Recurrence, by_week, recurrence, verdict
from tests.factories import make_case, make_case_type

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]

NOW = datetime(2026, 6, 10, 12, tzinfo=UTC)  # a Wednesday
WEEK = timedelta(weeks=1)


def old_type() -> CaseType:
    case_type = make_case_type()
    CaseType.objects.filter(pk=case_type.pk).update(created_at=NOW - 10 * WEEK)
    case_type.refresh_from_db()
    return case_type


def wrong(
    case_type: CaseType, *, ago: timedelta, times: int = 1, before: str = "refund", after: str = "billing"
) -> None:
    case = make_case(case_type)
    for _number in range(times):
        row = Correction.objects.create(
            case=case, case_type=case_type, source="override", label_before=before, label_after=after
        )
        Correction.objects.filter(pk=row.pk).update(created_at=NOW - ago)


def at_work(case_type: CaseType, number: int, *, ago: timedelta) -> ModelVersion:
    return ModelVersion.objects.create(case_type=case_type, number=number, status="retired", promoted_at=NOW - ago)


def history(case_type: CaseType, **more: Any) -> Recurrence:
    return recurrence(case_type, **{"label_before": "refund", "label_after": "billing", "now": NOW, **more})


def test_an_error_that_a_model_learnt_happens_less_often_from_then_on() -> None:
    case_type = old_type()
    for week in range(5, 10):
        wrong(case_type, ago=week * WEEK, times=6)
    version = at_work(case_type, 1, ago=4 * WEEK)
    wrong(case_type, ago=2 * WEEK)
    before, after = history(case_type).periods
    assert (before.version, before.errors, after.version, after.errors) == (None, 30, version, 1)
    assert (before.per_week, after.per_week, after.verdict) == (5.0, 0.25, "fewer")


def test_models_and_prompts_stand_in_the_order_in_which_they_went_to_work() -> None:
    case_type = old_type()
    second, first = at_work(case_type, 2, ago=2 * WEEK), at_work(case_type, 1, ago=6 * WEEK)
    prompt = PromptVersion.objects.create(case_type=case_type, number=1, promoted_at=NOW - 4 * WEEK)
    at_work(make_case_type(), 3, ago=3 * WEEK)
    assert [period.version for period in history(case_type).periods] == [None, first, prompt, second]


def test_a_few_days_or_a_few_errors_tell_nothing() -> None:
    case_type = old_type()
    wrong(case_type, ago=8 * WEEK, times=3)
    at_work(case_type, 1, ago=4 * WEEK)
    at_work(case_type, 2, ago=timedelta(days=3))
    _before, few, short = history(case_type).periods
    assert (few.verdict, short.verdict) == ("unknown", "unknown")
    assert (few.per_week, short.per_week) == (0.0, None)


def test_only_the_same_error_of_the_same_case_type_counts() -> None:
    case_type = old_type()
    wrong(case_type, ago=WEEK)
    wrong(case_type, ago=WEEK, after="other")
    wrong(case_type, ago=WEEK, before="other")
    wrong(make_case_type(), ago=WEEK)
    assert history(case_type).errors == 1


def test_weeks_without_an_error_are_shown_too_and_begin_on_monday() -> None:
    case_type = old_type()
    wrong(case_type, ago=2 * WEEK, times=2)
    weeks = history(case_type).weeks
    assert [week.errors for week in weeks] == [0] * 8 + [2, 0, 0]
    assert {week.begins.weekday() for week in weeks} == {0}


def test_it_reads_the_newest_corrections_only_along_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    case_type = old_type()
    wrong(case_type, ago=9 * WEEK, times=3)
    wrong(case_type, ago=WEEK, times=2)
    monkeypatch.setattr("feedback.recurrence.LOOKED_AT", 2)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        found = history(case_type)
    assert (found.errors, found.since, len(queries)) == (2, NOW - WEEK, 3)


hours = st.integers(0, 155 * 24 - 1).map(lambda hours: datetime(2026, 1, 5, tzinfo=UTC) + timedelta(hours=hours))


@given(moments=st.lists(hours))
def test_every_error_is_in_exactly_one_week(moments: list[datetime]) -> None:
    since = datetime(2026, 1, 5, tzinfo=UTC)
    assert sum(week.errors for week in by_week(moments, since=since, now=NOW)) == len(moments)


@given(errors=st.integers(0, 200), weeks=st.integers(1, 20))
def test_the_same_rate_is_never_called_a_difference(errors: int, weeks: int) -> None:
    early = Period(None, NOW - 2 * weeks * WEEK, NOW - weeks * WEEK, errors)
    late = Period(None, NOW - weeks * WEEK, NOW, errors)
    assert verdict(early, late) in ("same", "unknown")


def test_under_the_same_label_the_error_is_the_field_that_was_wrong() -> None:
    case_type = old_type()
    wrong(case_type, ago=WEEK, times=2, before="meals", after="meals")
    Correction.objects.update(before={"label": "meals", "total": 9}, after={"label": "meals", "total": 8})
    wrong(case_type, ago=WEEK, before="meals", after="meals")
    told = {"label_before": "meals", "label_after": "meals"}
    assert history(case_type, **told, fields=["total"]).errors == 2
    assert history(case_type, **told, fields=["tax"]).errors == 0
    assert history(case_type, **told).errors == 3
