"""The sums by source, person, model version, confidence and label: each figure equals the count on paper."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User

from cases.audit import journal
from cases.models import Case, Prediction
from cases.models.choices import Reason
from feedback.models import Correction, GoldCase, Planting, Sample
from metrics import rollup
from metrics.histograms import bin_of, bucket_of, packed
from metrics.models import (
    CertaintyRollup,
    CheckRollup,
    LabelRollup,
    MachineRollup,
    PersonRollup,
    SourceRollup,
    VersionRollup,
)
from review.models import Decision, ReviewTask
from tests.metrics_history import MINUTE, History

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
NINE = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def found(model: Any, *names: str, span: str = "hour") -> list[tuple[Any, ...]]:
    rollup.roll_up()
    rows = model.objects.filter(span=span).values_list(*names)
    return sorted(rows, key=lambda row: [str(value) for value in row])


def said(decision: Decision, **fields: Any) -> None:
    """What the machine had said: the rows are written after the fact here, before anything is summed."""
    Prediction.objects.filter(decisions=decision).update(**fields)


def plant(past: History, *, reader: User, at: datetime, wrong: bool, caught: bool | None) -> Planting:
    case = past.automated(NINE - 24 * HOUR).case
    gold = GoldCase.objects.create(
        case=case, case_type=past.case_type, kind="drill", output={}, shown={}, confidence=0.9, made_by=reader
    )
    planting = Planting.objects.create(
        gold=gold, case_type=past.case_type, user=reader, wrong=wrong, caught=caught, answered_at=at
    )
    with journal(actor="test", origin="test") as log:
        log("gold.answered", subject=planting)
    return planting


def test_cases_count_by_their_source() -> None:
    past = History()
    for source in ("zendesk", "zendesk", "x" * 120):
        Case.objects.filter(pk=past.automated(NINE).case_id).update(source=source)
    assert found(SourceRollup, "source", "received") == [("x" * 120, 1), ("zendesk", 2)]


def test_each_person_has_a_row_of_their_own() -> None:
    past = History()
    past.decide(past.waiting(NINE, due=HOUR), NINE + 10 * MINUTE, seconds=20.5, waited=MINUTE)
    past.decide(past.waiting(NINE, due=HOUR), NINE + 11 * MINUTE, seconds=8, waited=MINUTE, override=True)
    past.decide(past.waiting(NINE, due=HOUR, blind=True), NINE + 12 * MINUTE, seconds=90, waited=MINUTE)
    rita = past.person
    past.person = User.objects.create_user("otto")
    made = past.decide(past.waiting(NINE, due=HOUR), NINE + 10 * MINUTE, seconds=3, waited=MINUTE)
    past.report(made, NINE + 48 * HOUR, correct=False)
    names = ("user_id", "decided", "shown", "overrides", "checked", "wrong", "active_seconds", "active")
    assert found(PersonRollup, *names) == [
        (rita.pk, 3, 2, 1, 0, 0, 118.5, packed({bucket_of(8): 1, bucket_of(20.5): 1})),
        (past.person.pk, 1, 1, 0, 1, 1, 3.0, packed({bucket_of(3): 1})),
    ]


def test_what_a_second_read_overturns_counts_against_the_first_reader_once() -> None:
    past = History()
    made = past.decide(past.waiting(NINE, due=HOUR), NINE + 10 * MINUTE, seconds=20, waited=MINUTE)
    past.read_again(made, NINE + 90 * HOUR, verdict="second", chance=0.25)
    past.report(made, NINE + 99 * HOUR, correct=False)
    assert found(PersonRollup, "decided", "checked", "wrong") == [(1, 1, 1)]
    assert found(CheckRollup, "probability", "checked", "wrong") == [(1.0, 1, 1)]


@pytest.mark.parametrize("reason", [Reason.SECOND_READ, Reason.SECOND_APPROVAL])
def test_checking_another_decision_is_no_production(reason: Reason) -> None:
    past = History()
    past.decide(past.waiting(NINE, due=HOUR, reason=reason), NINE + 10 * MINUTE, seconds=20, waited=MINUTE)
    assert found(PersonRollup, "decided") == []
    assert found(LabelRollup, "count") == []
    assert found(VersionRollup, "shown", "automated") == [(0, 0)]


def test_known_cases_are_kept_apart_from_production() -> None:
    past = History()
    rita = past.person
    for wrong, caught in ((True, True), (True, False), (True, None), (False, True)):
        plant(past, reader=rita, at=NINE + MINUTE, wrong=wrong, caught=caught)
    task = past.waiting(NINE, due=HOUR)
    ReviewTask.objects.filter(pk=task.pk).update(planted=True)
    assert found(PersonRollup, "start", "user_id", "decided", "planted_wrong", "planted_caught") == [
        (NINE, rita.pk, 0, 2, 1)
    ]


def test_a_planted_case_that_is_answered_later_is_noticed() -> None:
    past = History()
    planting = plant(past, reader=past.person, at=NINE, wrong=True, caught=False)
    assert found(PersonRollup, "planted_wrong", "planted_caught") == [(1, 0)]
    Planting.objects.filter(pk=planting.pk).update(caught=True, answered_at=NINE + 30 * MINUTE)
    with journal(actor="test", origin="test") as log:
        log("gold.answered", subject=planting)
    assert found(PersonRollup, "planted_wrong", "planted_caught") == [(1, 1)]


def test_answers_and_failures_count_with_their_costs_and_latencies() -> None:
    past = History()
    facts: list[dict[str, Any]] = [
        {"confidence": 1.0, "latency_ms": 1200, "cost": Decimal("0.000301"), "tokens": {"input": 10, "output": 3}},
        {"confidence": 0.95, "latency_ms": 0, "cost": Decimal("0.1"), "tokens": {"input": "many", "output": 4}},
        {"confidence": 0.0, "latency_ms": 9000, "error": "timeout", "output": None},
    ]
    for fields in facts:
        said(past.automated(NINE), model="m", model_version="2", **fields)
    names = ("model", "model_version", "answers", "errors", "cost", "tokens_in", "tokens_out", "latency", "confidence")
    assert found(MachineRollup, *names) == [
        ("m", "2", 2, 1, Decimal("0.100301"), 10, 7, packed({0: 1, bucket_of(1.2): 1}), packed({19: 2}))
    ]


def test_a_version_has_what_was_routed_by_it_and_what_was_decided_on_it() -> None:
    past = History()
    said(past.automated(NINE), model="m", model_version="1")
    said(
        past.decide(past.waiting(NINE, due=HOUR), NINE + 2 * HOUR, seconds=1, waited=MINUTE, override=True),
        model="m",
        model_version="1",
    )
    sample = past.waiting(NINE, due=HOUR, reason=Reason.SAMPLE, blind=True)
    Prediction.objects.filter(case=sample.case).update(model="m", model_version="2")
    names = ("start", "model_version", "routed", "escalated", "automated", "shown", "overrides")
    assert found(VersionRollup, *names) == [
        (NINE, "1", 2, 1, 1, 0, 0),
        (NINE, "2", 1, 0, 0, 0, 0),
        (NINE + 2 * HOUR, "1", 0, 0, 0, 1, 1),
    ]


def test_an_answer_that_came_after_the_routing_was_not_routed_by() -> None:
    past = History()
    task = past.waiting(NINE, due=HOUR)
    Prediction.objects.filter(case=task.case).update(model="early")
    Prediction.objects.create(case=task.case, output={}, model="late", created_at=NINE + 5 * MINUTE)
    assert found(VersionRollup, "model", "routed") == [("early", 1)]


def test_confidence_is_judged_by_bin_and_by_the_whole_chance_to_be_read() -> None:
    past = History(rate=0.25)
    for confidence, correct in ((1.0, True), (0.96, False), (0.949, True)):
        made = past.automated(NINE)
        said(made, confidence=confidence, model="m", model_version="1")
        past.read(made, NINE + 50 * HOUR, correct=correct)
    said(past.automated(NINE), confidence=0.951, model="m", model_version="1")
    names = ("confidence_bin", "probability", "automated", "decided", "read", "wrong")
    assert found(CertaintyRollup, *names) == [(18, 0.25, True, 1, 1, 0), (19, 0.25, True, 3, 2, 1)]


@pytest.mark.parametrize("number", range(21))
def test_the_database_and_python_agree_on_the_bin(number: int) -> None:
    said(History().automated(NINE), confidence=number / 20)
    assert found(CertaintyRollup, "confidence_bin") == [(bin_of(number / 20),)]


def test_labels_are_counted_on_shown_outputs_and_on_samples_apart() -> None:
    past = History()
    shown = past.decide(past.waiting(NINE, due=HOUR), NINE + MINUTE, seconds=1, waited=MINUTE, override=True)
    right = past.read(past.automated(NINE), NINE + 30 * HOUR, correct=True)
    wrong = past.read(past.automated(NINE), NINE + 30 * HOUR, correct=False)
    Decision.objects.filter(pk=shown.pk).update(label="billing")
    Decision.objects.filter(pk__in=[right.decision_id, wrong.decision_id]).update(label="refund")
    Sample.objects.filter(pk=wrong.pk).update(final_answer={"label": "other"})
    expected = [("refund", "billing", False, 1), ("refund", "other", True, 1), ("refund", "refund", True, 1)]
    assert found(LabelRollup, "said", "answered", "sampled", "count") == expected


def test_an_erased_reading_still_counts_under_its_label() -> None:
    past = History()
    sample = past.read(past.automated(NINE), NINE + 30 * HOUR, correct=False)
    Correction.objects.create(
        case=sample.case, case_type=past.case_type, source="sample", sample=sample, label_after="other"
    )
    Sample.objects.filter(pk=sample.pk).update(final_answer={})
    past.note(sample.case, "case.erased", NINE + 90 * HOUR)
    assert found(LabelRollup, "said", "answered", "sampled") == [("refund", "other", True)]
