"""Rounds of samples: who is drawn, with which chance, and what becomes of the reading."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from cases.deliver import deliver_batch
from cases.errors import Conflict, Forbidden, Invalid
from cases.models import AuditEvent, Case, CaseType, Effect
from cases.models.choices import Reason, State
from feedback import rounds
from feedback.examples import learnable
from feedback.models import Correction, Draw, Round, Sample
from feedback.outcomes import report_outcome
from feedback.rounds import Asked, choose, open_due, open_round, stop_round
from feedback.sampling import release
from review.claims import claim
from review.decide import Answer, decide, first_answer
from review.models import Decision, ReviewTask
from review.route import route_batch
from review.shown import digest_of, newest_prediction
from tests.factories import make_case, make_case_type, make_decision, make_prediction, make_queue, make_task, make_user

DATABASE = [pytest.mark.django_db, pytest.mark.postgres_too]
YESTERDAY = timedelta(hours=30)


@pytest.fixture
def case_type() -> CaseType:
    quality = make_queue("quality", kind="quality", groups=("auditor",))
    return make_case_type(
        "teacher", rules=[{"reason": "sample", "queue": quality}, {"default": True, "queue": make_queue()}]
    )


def automated(case_type: CaseType, *, label: str = "refund", at: datetime | None = None, **fields: Any) -> Case:
    """A case that policy decided, closed since."""
    case = make_case(case_type, state=State.CLOSED, **fields)
    prediction = make_prediction(case, label=label)
    decision = make_decision(case, prediction=prediction, output={"label": label}, label=label, shown=False)
    Decision.objects.filter(pk=decision.pk).update(decided_at=at or timezone.now() - YESTERDAY)
    return case


def asked(case_type: CaseType, **changes: Any) -> Asked:
    now = timezone.now()
    period = {"since": now - timedelta(days=2), "until": now - timedelta(days=1), "due_at": now + timedelta(days=3)}
    return Asked(case_type, **{**period, "size": 5, **changes})


def opened(case_type: CaseType, **changes: Any) -> Round:
    return open_round(asked(case_type, **changes), by=make_user("supervisor"), origin="test")


@given(
    labels=st.dictionaries(st.integers(1, 10_000), st.sampled_from("abc"), min_size=1, max_size=60),
    size=st.integers(1, 40),
    per_label=st.integers(0, 9),
)
def test_a_draw_repeats_itself_never_takes_a_case_twice_and_leaves_no_label_short(
    labels: dict[int, str], size: int, per_label: int
) -> None:
    drawn = list(choose(labels, name="round 1", size=size, per_label=per_label))
    assert drawn == list(choose(dict(reversed(labels.items())), name="round 1", size=size, per_label=per_label))
    assert len({item.case_id for item in drawn}) == len(drawn)
    uniform = [item for item in drawn if item.uniform]
    assert len(uniform) == min(size, len(labels))
    assert {item.probability for item in uniform} == {len(uniform) / len(labels)}
    for label in set(labels.values()):
        have = sum(labels[item.case_id] == label for item in drawn)
        assert have >= min(per_label, sum(other == label for other in labels.values()))


def test_every_case_has_the_same_chance_over_many_rounds() -> None:
    labels = dict.fromkeys(range(1, 21), "a")
    counts = [0] * 21
    for number in range(2_000):
        for item in choose(labels, name=f"round {number}", size=5, per_label=0):
            counts[item.case_id] += 1
    assert all(abs(count - 500) < 100 for count in counts[1:])


class TestOpening:
    pytestmark = DATABASE

    def test_it_draws_automated_closed_cases_of_the_period_that_were_never_sampled(self, case_type: CaseType) -> None:
        wanted = {automated(case_type).pk for _ in range(3)}
        automated(case_type, at=timezone.now() - timedelta(days=5))
        automated(case_type, sampled=True, sample_probability=0.1)
        automated(make_case_type("teacher"))
        decided = make_case(case_type, state=State.CLOSED)
        by_person = make_decision(decided, by=make_user("reviewer"), task=make_task(decided))
        Decision.objects.filter(pk=by_person.pk).update(decided_at=timezone.now() - YESTERDAY)
        round_ = opened(case_type, size=100)
        assert set(round_.draws.values_list("case_id", flat=True)) == wanted
        assert set(round_.draws.values_list("probability", "uniform")) == {(1.0, True)}
        with pytest.raises(Conflict):
            opened(case_type, size=100)

    def test_its_tasks_are_blind_in_the_quality_lane_and_due_one_after_the_other(self, case_type: CaseType) -> None:
        for _ in range(4):
            automated(case_type)
        round_ = opened(case_type, size=3)
        tasks = ReviewTask.objects.filter(draw__round=round_).order_by("due_at")
        assert {(task.reason, task.blind, task.queue.key) for task in tasks} == {("sample", True, "quality")}
        assert len({task.due_at for task in tasks}) == 3
        assert tasks[0].due_at > timezone.now()
        assert tasks[2].due_at == round_.due_at
        assert {draw.probability for draw in round_.draws.all()} == {0.75}

    def test_labels_that_came_out_short_are_topped_up_with_their_own_chance(self, case_type: CaseType) -> None:
        for _ in range(20):
            automated(case_type)
        rare = {automated(case_type, label="billing").pk for _ in range(4)}
        round_ = opened(case_type, size=1, per_label=2)
        extra = round_.draws.filter(uniform=False)
        of_rare = [draw for draw in extra if draw.case_id in rare]
        uniform = round_.draws.get(uniform=True)
        assert uniform.probability == pytest.approx(1 / 24)
        assert {draw.probability for draw in of_rare} == ({1 / 3} if uniform.case_id in rare else {0.5})
        assert round_.draws.filter(case__in=rare).count() == 2

    def test_a_case_with_another_open_task_is_left_out_with_the_reason(self, case_type: CaseType) -> None:
        busy = automated(case_type)
        make_task(busy)
        round_ = opened(case_type)
        draw = round_.draws.get()
        assert (draw.dropped, draw.task) == (rounds.BUSY, None)
        assert ReviewTask.objects.open().filter(case=busy).count() == 1

    @pytest.mark.parametrize(
        ("field", "changes"),
        [
            ("size", {"size": 0}),
            ("size", {"size": rounds.LARGEST + 1}),
            ("per_label", {"per_label": -1}),
            ("kind", {"kind": "hourly"}),
            ("until", {"until": timezone.now() + timedelta(days=1)}),
            ("until", {"since": timezone.now()}),
            ("due_at", {"due_at": timezone.now() - timedelta(days=1)}),
        ],
    )
    def test_a_fault_is_told_with_its_field(self, case_type: CaseType, field: str, changes: dict[str, Any]) -> None:
        automated(case_type)
        with pytest.raises(Invalid) as refusal:
            opened(case_type, **changes)
        assert list(refusal.value.errors) == [field]

    @pytest.mark.parametrize("role", ["reviewer", "expert", "manager", "integration", "administrator"])
    def test_only_supervisors_and_auditors_open_and_stop(self, case_type: CaseType, role: str) -> None:
        automated(case_type)
        with pytest.raises(Forbidden):
            open_round(asked(case_type), by=make_user(role), origin="test")
        round_ = opened(case_type)
        with pytest.raises(Forbidden):
            stop_round(round_, by=make_user(role), origin="test")

    def test_queries_do_not_grow_with_the_draws(self, case_type: CaseType) -> None:
        supervisor = make_user("supervisor")
        counts = []
        for number in (3, 4, 30):
            for _ in range(number):
                automated(case_type)
            with CaptureQueriesContext(
                connection,
            ) as queries:
                open_round(asked(case_type, size=number), by=supervisor, origin="test")
            counts.append(len(queries))
        assert counts[1] == counts[2] <= 40  # the first of them warms caches

    def test_it_is_on_record(self, case_type: CaseType) -> None:
        automated(case_type)
        round_ = opened(case_type)
        event = AuditEvent.objects.get(action="round.opened")
        assert (event.object_id, event.data) == (round_.pk, {"eligible": 1, "drawn": 1, "put_up": 1})
        assert AuditEvent.objects.filter(action="task.opened").count() == 1


class TestGoingOn:
    pytestmark = DATABASE

    def test_a_daily_round_goes_on_by_itself_once_its_next_day_is_over(self, case_type: CaseType) -> None:
        automated(case_type)
        first = opened(case_type, kind="daily")
        now = timezone.now()
        Round.objects.filter(pk=first.pk).update(
            since=now - timedelta(hours=49), until=now - timedelta(hours=25), opened_at=now - timedelta(days=1)
        )
        later = automated(case_type, at=now - timedelta(hours=3))
        assert (open_due(), open_due()) == (1, 0)
        second = Round.objects.get(number=2)
        assert second.since == now - timedelta(hours=25)
        assert list(second.draws.values_list("case_id", flat=True)) == [later.pk]

    def test_it_does_not_make_up_for_days_the_machinery_slept(self, case_type: CaseType) -> None:
        automated(case_type)
        first = opened(case_type, kind="daily")
        now = timezone.now()
        Round.objects.filter(pk=first.pk).update(since=now - timedelta(days=9), until=now - timedelta(days=8, hours=1))
        assert (open_due(), open_due()) == (1, 0)
        assert Round.objects.get(number=2).until == now - timedelta(hours=1)

    def test_a_stopped_round_does_not_go_on_and_its_unread_cases_leave_the_queue(self, case_type: CaseType) -> None:
        case = automated(case_type)
        first = opened(case_type, kind="weekly")
        long_ago = timezone.now() - timedelta(days=30)
        Round.objects.filter(pk=first.pk).update(since=long_ago, until=long_ago + timedelta(days=7))
        supervisor = make_user("supervisor")
        assert stop_round(first, by=supervisor, origin="test") == 1
        assert open_due() == 0
        assert not ReviewTask.objects.open().filter(case=case).exists()
        assert first.draws.get().dropped == rounds.STOPPED
        with pytest.raises(Conflict):
            stop_round(first, by=supervisor, origin="test")

    def test_two_of_one_kind_do_not_run_beside_each_other(self, case_type: CaseType) -> None:
        automated(case_type)
        opened(case_type, kind="daily")
        automated(case_type)
        with pytest.raises(Invalid):
            opened(case_type, kind="daily")


def deliver_all() -> None:
    while deliver_batch():
        pass


def read(task: ReviewTask, *, by: Any, answer: str) -> None:
    """Blind, and then without changing one's mind."""
    claimed = claim(task.pk, user=by, origin="test")
    digest = digest_of(claimed, claimed.case, newest_prediction(claimed.case))
    token = claimed.lease_token
    first_answer(task.pk, user=by, lease_token=token, digest=digest, output={"label": answer}, origin="test")
    task.refresh_from_db()
    digest = digest_of(task, task.case, newest_prediction(task.case))
    said = Answer(outcome="amend", output={"label": answer}, note="seen in the letter", active_seconds=12.0)
    decide(task.pk, user=by, lease_token=token, digest=digest, answer=said, origin="test")


def decide_anew(task: ReviewTask, *, by: Any, label: str) -> None:
    claimed = claim(task.pk, user=by, origin="test")
    digest = digest_of(claimed, claimed.case, newest_prediction(claimed.case))
    answer = Answer(outcome="amend", output={"label": label})
    decide(task.pk, user=by, lease_token=claimed.lease_token, digest=digest, answer=answer, origin="test")


class TestReading:
    pytestmark = DATABASE

    def test_a_reading_keeps_the_chance_of_its_draw(self, case_type: CaseType) -> None:
        automated(case_type)
        automated(case_type)
        draw = opened(case_type, size=1).draws.get()
        assert draw.task
        read(draw.task, by=make_user("auditor"), answer="refund")
        sample = Sample.objects.get()
        assert (sample.draw, sample.probability, sample.uniform, sample.correct) == (draw, 0.5, True, True)
        assert not Correction.objects.exists()

    def test_an_error_found_reopens_the_case_is_a_correction_and_takes_its_effects_back(self) -> None:
        quality = make_queue("quality", kind="quality", groups=("auditor",))
        rules = [{"reason": "sample", "queue": quality}, {"default": True, "queue": make_queue()}]
        case_type = make_case_type("exception_handler", action={"backend": "log"}, rules=rules)
        make_queue("seniors", kind="supervisor", groups=("supervisor",))
        case = make_case(case_type, state=State.CLASSIFIED)
        make_prediction(case, confidence=0.95)
        route_batch()
        deliver_all()
        Decision.objects.update(decided_at=timezone.now() - YESTERDAY)
        draw = opened(case_type).draws.get()
        assert draw.task
        read(draw.task, by=make_user("auditor"), answer="billing")
        correction = Correction.objects.get()
        assert (correction.source, correction.label_before, correction.label_after) == ("sample", "refund", "billing")
        assert (correction.sample, correction.why) == (Sample.objects.get(), "seen in the letter")
        again = ReviewTask.objects.open().get(case=case)
        assert (again.reason, again.blind) == (Reason.REPORTED_ERROR, False)
        case.refresh_from_db()
        assert (case.state, case.version) == (State.IN_REVIEW, 2)
        supervisor = make_user("supervisor")
        decide_anew(again, by=supervisor, label="billing")
        assert Effect.objects.filter(event="effect.compensate", compensates__case_version=1).count() == 1
        deliver_all()
        assert learnable(case_type) == []
        samples = Sample.objects.values_list("pk", flat=True)
        release(samples, by=supervisor, reason="two months old", origin="test")
        assert [example.label for example in learnable(case_type)] == ["billing"]

    def test_a_report_that_comes_before_the_reading_leaves_the_draw_to_who_decides_anew(
        self, case_type: CaseType
    ) -> None:
        make_queue("seniors", kind="supervisor", groups=("supervisor",))
        integration = make_user("integration")
        case = automated(case_type, sender=integration)
        draw = opened(case_type).draws.get()
        report_outcome(case.pk, by=integration, correct=False, source="crm", origin="test")
        task = ReviewTask.objects.open().get(case=case)
        assert task.blind
        read(task, by=make_user("supervisor"), answer="billing")
        sample = Sample.objects.get()
        assert (sample.draw, sample.automated, sample.correct) == (draw, True, False)
        assert Draw.objects.get().dropped == ""


class TestPages:
    pytestmark = DATABASE

    @pytest.fixture
    def office(self, client: Client) -> Client:
        client.force_login(make_user("supervisor", is_staff=True))
        return client

    def page(self, round_: Round) -> str:
        return reverse("admin:feedback_round_change", args=[round_.pk])

    def test_a_supervisor_opens_a_round_sees_it_and_stops_it(self, office: Client, case_type: CaseType) -> None:
        automated(case_type, at=timezone.now() - timedelta(days=3))
        today = timezone.now().date()
        days = {"since": today - timedelta(days=5), "until": today}
        form = {"case_type": case_type.pk, "kind": "once", **days, "size": 9, "per_label": 0, "days": 7}
        wrong = office.post(reverse("admin:feedback_round_add"), {**form, "until": today + timedelta(days=3)})
        assert "must be over" in wrong.content.decode()
        assert office.post(reverse("admin:feedback_round_add"), form).status_code == 302
        round_ = Round.objects.get()
        assert "0 of 1 read" in office.get(self.page(round_)).content.decode()
        assert f"{case_type} 1" in office.get(reverse("admin:feedback_round_changelist")).content.decode()
        office.post(reverse("admin:feedback_round_stop", args=[round_.pk]))
        round_.refresh_from_db()
        assert round_.closed_at
        assert "Stop this round" not in office.get(self.page(round_)).content.decode()

    def test_the_result_tells_the_errors_found_and_the_share_of_the_uniform_draws_alone(
        self, office: Client, case_type: CaseType
    ) -> None:
        make_queue("seniors", kind="supervisor", groups=("supervisor",))
        for label in ("refund", "refund", "billing"):
            automated(case_type, label=label)
        round_ = opened(case_type, size=1, per_label=1)
        auditor = make_user("auditor")
        for draw in list(round_.draws.select_related("task")):
            assert draw.task
            read(draw.task, by=auditor, answer="other")
        shown = office.get(self.page(round_)).content.decode()
        assert "1 of 1; 95 %" in shown
        assert shown.count("→ <strong>other</strong>") == 2
        listed = office.get(reverse("admin:feedback_sample_changelist")).content.decode()
        assert self.page(round_) in listed

    def test_releasing_asks_why_and_is_on_record(self, office: Client, case_type: CaseType) -> None:
        automated(case_type)
        round_ = opened(case_type)
        draw = round_.draws.get()
        assert draw.task
        read(draw.task, by=make_user("auditor"), answer="refund")
        release_page = reverse("admin:feedback_round_release", args=[round_.pk])
        office.post(release_page, {"reason": " "})
        assert Sample.objects.get().released_at is None
        office.post(release_page, {"reason": "calibrated on newer ones"})
        sample = Sample.objects.get()
        assert sample.released_at
        assert sample.released_because == "calibrated on newer ones"
        assert AuditEvent.objects.filter(action="sample.released", object_id=sample.pk).exists()

    def test_an_auditor_reads_and_may_not_release_and_a_reviewer_sees_nothing(
        self, client: Client, case_type: CaseType
    ) -> None:
        automated(case_type)
        round_ = opened(case_type)
        draw = round_.draws.get()
        auditor = make_user("auditor", is_staff=True)
        assert draw.task
        read(draw.task, by=auditor, answer="refund")
        client.force_login(auditor)
        shown = client.get(self.page(round_)).content.decode()
        assert "Your own readings" in shown
        assert "release-reason" not in shown
        client.post(reverse("admin:feedback_round_release", args=[round_.pk]), {"reason": "because"})
        assert Sample.objects.get().released_at is None
        client.force_login(make_user("reviewer", is_staff=True))
        assert client.get(self.page(round_)).status_code in {302, 403, 404}

    def test_the_lists_cost_the_same_for_one_round_and_for_many(self, office: Client, case_type: CaseType) -> None:
        counts = []
        for number in (1, 2, 9):
            for _ in range(number):
                automated(case_type)
                opened(case_type)
            with CaptureQueriesContext(connection) as queries:
                office.get(reverse("admin:feedback_round_changelist"))
            counts.append(len(queries))
        assert counts[1] == counts[2] <= 20
