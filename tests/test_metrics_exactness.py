"""Laws of the rollups: whatever happens in whatever order, summing along the way gives what summing afresh gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases.audit import journal
from cases.models import Case, Prediction
from cases.models.choices import Reason, State
from feedback.models import Correction, Draw, GoldCase, Planting, Round, Sample
from metrics import rollup
from metrics.histograms import Histogram, packed
from metrics.models import (
    CertaintyRollup,
    CheckRollup,
    FlowRollup,
    LabelRollup,
    MachineRollup,
    PersonRollup,
    RollupCursor,
    SampleRollup,
    SourceRollup,
    VersionRollup,
    WorkRollup,
)
from metrics.sums import TABLES
from review.models import Decision, ReviewTask
from tests.metrics_history import MINUTE, History

DAY = datetime(2026, 3, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)
MIDDLE = DAY + 6 * HOUR  # the hours before are summed as hours, those from here on by the minute
Step = tuple[str, int, float]


@contextmanager
def undone() -> Iterator[None]:
    """Each example begins with an empty database."""
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


@pytest.fixture(autouse=True)
def _old_minutes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rollup, "KEPT", timedelta(days=20_000))


def dump(*spans: str) -> dict[str, list[str]]:
    """Every row of every table without its id, byte for byte."""
    found = {}
    for table, (model, _summing) in TABLES.items():
        rows = model.objects.filter(span__in=spans or ("min", "hour", "day"))
        names = ["span", "start", *model.keys, *model.figures]
        found[table] = sorted(json.dumps(row, default=str) for row in rows.values_list(*names))
    return found


class Life:
    """A past that grows by steps, in any order; a step for which there is nothing yet does nothing."""

    def __init__(self) -> None:
        self.pasts = [History(rate=0.25), History("refunds", mode="teacher", rate=0.5)]
        self.people = [self.pasts[0].person, User.objects.create_user("otto")]

    def step(self, step: Step) -> None:
        name, number, hours = step
        past = self.pasts[number % 2]
        past.person = self.people[number // 2 % 2]
        getattr(self, name)(past, number, DAY + hours * HOUR)

    def automated(self, past: History, number: int, at: datetime) -> None:
        made = past.automated(at)
        label = ("refund", "billing")[number % 2]
        Decision.objects.filter(pk=made.pk).update(label=label)
        Prediction.objects.filter(decisions=made).update(
            label=label, confidence=number % 21 / 20, model="m", model_version=str(number % 3), cost=number / 1000
        )
        past.note(made.case, "case.classified", at)

    def waiting(self, past: History, number: int, at: datetime) -> None:
        reason = (Reason.LOW_CONFIDENCE, Reason.SAMPLE, Reason.HIGH_RISK)[number % 3]
        past.waiting(at, due=number % 5 * HOUR, reason=reason, blind=reason == Reason.SAMPLE)

    def decided(self, past: History, number: int, at: datetime) -> None:
        task = self._pick(ReviewTask.objects.filter(closed_at=None, case__case_type=past.case_type), number)
        if task and not Decision.objects.filter(case=task.case, case_version=1).exists():
            late = max(at, task.opened_at + MINUTE)
            past.decide(task, late, seconds=number / 3, waited=number * MINUTE / 2, override=number % 2 > 0)

    def read(self, past: History, number: int, at: datetime) -> None:
        decision = self._pick(Decision.objects.filter(sample=None, case__case_type=past.case_type), number)
        if decision:
            sample = past.read(decision, at + 30 * HOUR, correct=number % 3 > 0, seconds=number / 7)
            Correction.objects.create(
                case=decision.case, case_type=past.case_type, source="sample", sample=sample, label_after="other"
            )

    def reported(self, past: History, number: int, at: datetime) -> None:
        decision = self._pick(Decision.objects.filter(outcome_reports=None), number)
        if decision:
            past.report(decision, at + 500 * HOUR, correct=number % 2 > 0)

    def read_again(self, past: History, number: int, at: datetime) -> None:
        rows = Decision.objects.by_people().filter(second_read=None, case__case_type=past.case_type)
        decision = self._pick(rows, number)
        if decision:
            past.read_again(decision, at + 60 * HOUR, verdict=("", "first", "second")[number % 3], chance=0.25)

    def reopened(self, past: History, number: int, at: datetime) -> None:
        case = self._pick(Case.objects.filter(state=State.CLOSED, case_type=past.case_type), number)
        if case:
            changed = {"state": State.IN_REVIEW, "version": case.version + 1, "closed_at": None, "decided_at": None}
            Case.objects.filter(pk=case.pk).update(**changed)
            past.note(case, "case.in_review", at + 200 * HOUR)

    def erased(self, past: History, number: int, at: datetime) -> None:
        case = self._pick(Case.objects.filter(case_type=past.case_type), number)
        if case:
            Sample.objects.filter(case=case).update(first_answer={}, final_answer={})
            Case.objects.filter(pk=case.pk).update(payload={}, salt="")
            past.note(case, "case.erased", at + 900 * HOUR)

    def planted(self, past: History, number: int, at: datetime) -> None:
        case = self._pick(Case.objects.filter(gold=None, case_type=past.case_type), number)
        if case:
            known = {"kind": "gold", "output": {}, "shown": {}, "confidence": 0.5, "made_by": past.person}
            gold = GoldCase.objects.create(case=case, case_type=past.case_type, **known)
            answered = {"user": past.person, "caught": number % 2 > 0, "answered_at": at}
            planting = Planting.objects.create(gold=gold, case_type=past.case_type, **answered)
            with journal(actor="test", origin="test") as log:
                log("gold.answered", subject=planting)

    def drawn(self, past: History, number: int, at: datetime) -> None:
        decision = self._pick(Decision.objects.by_policy().filter(case__case_type=past.case_type), number)
        if decision:
            count = Round.objects.filter(case_type=past.case_type).count()
            span = {
                "since": at - 3 * HOUR,
                "until": at + 3 * HOUR,
                "opened_at": at + 20 * HOUR,
                "due_at": at + 90 * HOUR,
            }
            opened = Round.objects.create(case_type=past.case_type, number=count + 1, kind="once", size=1, **span)
            Draw.objects.create(round=opened, case=decision.case, probability=0.125, uniform=number % 3 > 0)
            with journal(actor="test", origin="test") as log:
                log("round.opened", subject=opened)

    def summed(self, past: History, number: int, at: datetime) -> None:
        rollup.roll_up()

    @staticmethod
    def _pick(rows: Any, number: int) -> Any:
        found = list(rows.order_by("pk"))
        return found[number % len(found)] if found else None


KINDS = [name for name in vars(Life) if not name.startswith("_") and name != "step"]
steps = st.lists(
    st.tuples(
        st.sampled_from([*KINDS, "automated", "waiting", "decided"]),
        st.integers(0, 40),
        st.floats(0, 12, allow_nan=False).map(lambda hours: round(hours, 2)),
    ),
    min_size=5,
    max_size=16,
)
calm = settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def lived(life: list[Step]) -> None:
    RollupCursor.objects.create(pk=1, minutes_since=MIDDLE)
    grown = Life()
    for step in life:
        grown.step(step)
    rollup.roll_up()


@pytest.mark.django_db
@pytest.mark.postgres_too
@calm
@given(steps)
def test_summing_along_the_way_gives_what_rebuilding_gives(life: list[Step]) -> None:
    with undone():
        lived(life)
        before = dump()
        rollup.rebuild()
        assert dump() == before


@pytest.mark.django_db
@calm
@given(steps)
def test_minutes_add_up_to_what_hours_are_summed_to(life: list[Step]) -> None:
    with undone():
        lived(life)
        by_minutes = dump("hour", "day")
        for model, _summing in TABLES.values():
            model.objects.all().delete()
        RollupCursor.objects.update(minutes_since=datetime(2100, 1, 1, tzinfo=UTC))
        rollup.rebuild()
        assert dump("hour", "day") == by_minutes


def total(model: Any, name: str, **only: Any) -> int:
    return model.objects.filter(**only).aggregate(sum=Sum(name, default=0))["sum"] or 0


@pytest.mark.django_db
@calm
@given(steps)
def test_sums_over_dimensions_agree_between_the_tables_and_with_the_rows(life: list[Step]) -> None:
    with undone():
        lived(life)
        for span in ("hour", "day"):
            of = {"span": span}
            assert total(FlowRollup, "received", **of) == total(SourceRollup, "received", **of) == Case.objects.count()
            assert total(FlowRollup, "routed", **of) == total(VersionRollup, "routed", **of)
            escalated = total(FlowRollup, "routed", **of) - total(FlowRollup, "routed", reason__in=["", "sample"], **of)
            assert total(VersionRollup, "escalated", **of) == escalated
            assert total(PersonRollup, "decided", **of) == Decision.objects.by_people().count()
            assert total(VersionRollup, "automated", **of) == Decision.objects.by_policy().count()
            for name in ("shown", "overrides"):
                seen = {total(model, name, **of) for model in (WorkRollup, PersonRollup, VersionRollup)}
                assert len(seen) == 1
            for name in ("checked", "wrong"):
                assert total(PersonRollup, name, **of) == total(CheckRollup, name, **of)
            for name in ("decided", "read", "wrong"):
                assert total(CertaintyRollup, name, **of) == total(SampleRollup, name, **of)
            assert total(LabelRollup, "count", sampled=False, **of) == total(PersonRollup, "shown", **of)
            assert (
                total(LabelRollup, "count", sampled=True, **of)
                == Sample.objects.filter(decision__case_version=1).count()
            )
            assert total(MachineRollup, "answers", **of) == Prediction.objects.count()


@given(st.lists(st.dictionaries(st.integers(0, 600), st.integers(0, 1000), max_size=6), min_size=3, max_size=6))
def test_merging_histograms_is_associative_and_does_not_mind_the_order(parts: list[dict[int, int]]) -> None:
    one, two, three, *more = [Histogram(packed(part)) for part in parts]
    assert packed(((one + two) + three).counts) == packed((one + (two + three)).counts)
    whole = Histogram.merged([one, two, three, *more])
    assert packed(whole.counts) == packed(Histogram.merged([*more, three, two, one]).counts)
    assert len(whole) == sum(map(len, (one, two, three, *more)))
    assert packed(Histogram.added(packed(part.counts) for part in (one, two, three, *more)).counts) == packed(
        whole.counts
    )


@pytest.mark.django_db
@pytest.mark.postgres_too
@pytest.mark.parametrize("change", ["read", "reported", "read_again", "reopened", "erased", "planted", "drawn"])
def test_what_comes_weeks_later_is_summed_where_it_belongs(change: str) -> None:
    RollupCursor.objects.create(pk=1, minutes_since=MIDDLE)
    life = Life()
    for hours in (1, 3, 7.5, 9):
        for kind in ("automated", "waiting", "decided"):
            life.step((kind, 2, hours))
    rollup.roll_up()
    before = dump()
    for number in (2, 6):
        life.step((change, number, 4))
        rollup.roll_up()
    after = dump()
    assert after != before or change == "erased"
    rollup.rebuild()
    assert dump() == after
