"""Second reads: drawn by a coin, read by somebody else, settled at most once."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from cases.audit import journal
from cases.errors import Conflict, Refused
from cases.models import AuditEvent, Case
from cases.models.choices import Priority, State
from feedback import erasing, jobs, second_reads
from feedback.agreement_figures import figures_of
from feedback.models import Correction, Flag, SecondRead, SecondReadCursor
from review import claims
from review.decide import Answer, decide, first_answer
from review.models import Approval, Decision, ReviewTask
from review.shown import digest_of, newest_prediction
from tests.factories import make_case, make_case_type, make_decision, make_prediction, make_queue, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
RATE = {"second_read_rate": 1.0}


@pytest.fixture(autouse=True)
def from_the_beginning() -> None:
    SecondReadCursor.objects.create(pk=1, decision_id=0)
    make_queue("quality", kind="quality", groups=("auditor",))
    make_queue("supervisors", kind="supervisor", groups=("supervisor",))


def decided(*, output: dict[str, Any] | None = None, state: str = State.CLOSED, **how: Any) -> Decision:
    """A person's decision that has taken effect, of a case type all of whose decisions are read again."""
    case = how.pop("case", None) or make_case(how.pop("kind", None) or make_case_type(policy=RATE), state=state)
    prediction = make_prediction(case, label="billing")
    output = output or {"label": "refund"}
    by = how.pop("by", None) or make_user("reviewer")
    how = {"by": by, "output": output, "label": output["label"], "prediction": prediction, **how}
    return make_decision(case, task=make_task(case, claimed_by=by), **how)


def opened(decision: Decision) -> ReviewTask:
    jobs.read_again()
    return ReviewTask.objects.open().get(case=decision.case_id)


def answer(task: ReviewTask, label: str | None, *, by: User, amount: float | None = None) -> None:
    held = claims.claim(task.pk, user=by, origin="test")
    output = {"label": label} | ({} if amount is None else {"amount": amount})
    said = Answer("amend", output) if label else Answer("reject", reason="not ours")
    digest = digest_of(held, held.case, newest_prediction(held.case))
    decide(held.pk, user=by, lease_token=held.lease_token, digest=digest, answer=said, origin="test")


def disagreed(**how: Any) -> tuple[SecondRead, ReviewTask]:
    """A disagreement, and the task of the third person."""
    decision = decided(**how)
    answer(opened(decision), "billing", by=make_user("auditor"))
    return SecondRead.objects.get(), ReviewTask.objects.open().get(case=decision.case_id)


def test_a_drawn_decision_waits_in_the_quality_queue_to_be_read_blind() -> None:
    decision = decided()
    task = opened(decision)
    assert (task.queue.kind, task.reason, task.blind, task.priority) == ("quality", "second_read", True, Priority.LOW)
    read = SecondRead.objects.get()
    assert (read.decision, read.probability, read.task) == (decision, 1.0, task)
    assert AuditEvent.objects.get(action="second_read.drawn").data == {"probability": 1.0}


def test_running_the_job_again_draws_and_opens_nothing_twice() -> None:
    opened(decided())
    jobs.read_again()
    assert (SecondRead.objects.count(), ReviewTask.objects.open().count()) == (1, 1)


def test_the_coin_takes_the_share_of_the_policy_that_decided() -> None:
    kind = make_case_type(policy={"second_read_rate": 0.3})
    by = make_user("reviewer")
    for _ in range(60):
        decided(kind=kind, by=by)
    second_reads.draw()
    assert 8 <= SecondRead.objects.count() <= 30
    assert set(SecondRead.objects.values_list("probability", flat=True)) == {0.3}


def test_what_policy_decided_is_not_read_a_second_time() -> None:
    case = make_case(make_case_type(policy=RATE), state=State.CLOSED)
    make_decision(case)
    jobs.read_again()
    assert not SecondRead.objects.exists()


def test_an_installation_that_begins_with_second_reads_leaves_its_past_alone() -> None:
    SecondReadCursor.objects.all().delete()
    decided()
    jobs.read_again()
    assert not SecondRead.objects.exists()
    decided()
    jobs.read_again()
    assert SecondRead.objects.count() == 1


def test_all_that_a_paused_reader_decides_is_read_again() -> None:
    kind, by = make_case_type(), make_user("reviewer")
    Flag.objects.create(user=by, case_type=kind, step="pause")
    mine, _other = decided(kind=kind, by=by), decided(kind=kind)
    jobs.read_again()
    assert list(SecondRead.objects.values_list("decision", "probability")) == [(mine.pk, 1.0)]


def test_while_another_task_is_open_the_second_read_waits() -> None:
    decision = decided()
    other = make_task(decision.case)
    jobs.read_again()
    assert list(ReviewTask.objects.open()) == [other]
    ReviewTask.objects.filter(pk=other.pk).update(closed_at=other.opened_at, ending="cancelled")
    assert opened(decision).reason == "second_read"


def test_a_decision_is_read_again_only_once_it_has_taken_effect() -> None:
    decision = decided(state=State.DECIDED, held=True)
    jobs.read_again()
    assert not ReviewTask.objects.open().exists()
    Approval.objects.create(decision=decision, approved=True, by=make_user("supervisor"))
    Case.objects.filter(pk=decision.case_id).update(state=State.CLOSED)
    assert opened(decision).blind


def test_a_decision_that_no_longer_stands_is_not_read_again() -> None:
    decision = decided(state=State.DECIDED)
    second_reads.draw()
    Case.objects.filter(pk=decision.case_id).update(version=2, state=State.CLOSED)
    jobs.read_again()
    assert not SecondRead.objects.exists()
    assert not ReviewTask.objects.open().exists()


def test_who_decided_never_gives_the_second_answer() -> None:
    by = make_user("auditor")
    task = opened(decided(by=by))
    assert claims.claim_next(by, origin="test") is None
    with pytest.raises(Refused):
        claims.claim(task.pk, user=by, origin="test")


def test_a_second_answer_moves_nothing_and_is_no_decision() -> None:
    decision = decided()
    reader = make_user("auditor")
    answer(opened(decision), "refund", by=reader)
    read = SecondRead.objects.get()
    assert (read.agrees, read.reader, read.label, read.output) == (True, reader, "refund", {"label": "refund"})
    assert read.settled_at == read.read_at
    assert Decision.objects.count() == 1
    assert Case.objects.get(pk=decision.case_id).state == State.CLOSED
    assert not ReviewTask.objects.open().exists()
    assert not Correction.objects.exists()


def test_the_second_answer_is_given_at_once_without_a_look_at_the_machine() -> None:
    task, reader = opened(decided()), make_user("auditor")
    held = claims.claim(task.pk, user=reader, origin="test")
    with pytest.raises(Conflict):
        first_answer(
            held.pk, user=reader, lease_token=1, digest=digest_of(held, held.case, None), output={}, origin="test"
        )


@pytest.mark.parametrize(
    ("one", "other", "agree"),
    [
        ({"label": "refund", "name": "Ann  Lee"}, {"name": "Ann Lee ", "label": "refund"}, True),
        ({"label": "refund", "amount": 3}, {"label": "refund", "amount": 4}, False),
        ({"label": "refund", "amount": 3}, {"label": "refund"}, False),
        (None, {"label": "refund"}, False),
        (None, None, True),
    ],
)
def test_answers_agree_when_every_field_does_or_both_reject(one: Any, other: Any, agree: bool) -> None:
    assert second_reads.same(one, other) is agree


def test_a_disagreement_goes_to_a_third_person_who_sees_both_answers_unnamed() -> None:
    read, task = disagreed()
    assert (read.agrees, read.settled_at, read.adjudication) == (False, None, task)
    assert (task.queue.kind, task.blind) == ("supervisor", True)
    assert second_reads.to_settle(task) == read
    assert {one["label"] for one in second_reads.answers(read) if one} == {"refund", "billing"}
    assert second_reads.answers(read) == second_reads.answers(read)


def test_neither_of_the_two_settles_their_own_disagreement() -> None:
    read, task = disagreed(by=make_user("supervisor"))
    assert read.reader
    assert read.decision.decided_by
    read.reader.groups.add(*make_user("supervisor").groups.all())
    for person in (read.reader, read.decision.decided_by):
        with pytest.raises(Refused):
            claims.claim(task.pk, user=User.objects.get(pk=person.pk), origin="test")


def test_the_first_answer_is_right_and_stands_when_the_third_person_gives_it_too() -> None:
    read, task = disagreed()
    answer(task, "refund", by=make_user("supervisor"))
    read.refresh_from_db()
    assert (read.verdict, read.settled) == ("first", {"label": "refund"})
    assert Case.objects.get(pk=task.case_id).state == State.CLOSED
    assert not ReviewTask.objects.open().exists()
    assert not Correction.objects.exists()


@pytest.mark.parametrize(("label", "verdict"), [("billing", "second"), ("other", "neither")])
def test_another_verdict_is_a_correction_and_puts_the_case_up_for_decision_again(label: str, verdict: str) -> None:
    read, task = disagreed()
    third = make_user("supervisor")
    answer(task, label, by=third)
    read.refresh_from_db()
    assert (read.verdict, read.adjudicator) == (verdict, third)
    made = Correction.objects.get()
    assert (made.source, made.second_read, made.given_by) == ("adjudication", read, third)
    assert (made.label_before, made.label_after) == ("refund", label)
    assert Case.objects.get(pk=task.case_id).state == State.IN_REVIEW
    assert ReviewTask.objects.open().get(case=task.case_id).reason == "reported_error"


def test_no_verdict_ever_sets_off_another_second_read_or_a_second_dispute() -> None:
    read, task = disagreed()
    answer(task, "other", by=make_user("supervisor"))
    again = ReviewTask.objects.open().get(case=task.case_id)
    answer(again, "billing", by=make_user("supervisor"))
    Case.objects.filter(pk=task.case_id).update(state=State.CLOSED)
    assert Decision.objects.filter(case=task.case_id).count() == 2
    jobs.read_again()
    assert SecondRead.objects.get() == read
    assert not ReviewTask.objects.open().exists()


def test_a_rejection_against_an_answer_is_a_disagreement() -> None:
    decision = decided()
    answer(opened(decision), None, by=make_user("auditor"))
    read = SecondRead.objects.get()
    assert (read.output, read.agrees) == (None, False)


def test_erasing_a_case_leaves_of_the_second_answer_its_label_alone() -> None:
    decision = decided(output={"label": "refund", "amount": 12})
    answer(opened(decision), "refund", by=make_user("auditor"), amount=12)
    with journal(actor="test", origin="test") as log:
        erasing.forget(case_ids=[decision.case_id], log=log)
    read = SecondRead.objects.get()
    assert (read.output, read.settled) == ({"label": "refund"}, {})


def taking(client: Client, task: ReviewTask, user: User, place: int) -> Any:
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client.force_login(user)
    held = claims.claim(task.pk, user=user, origin="test")
    page = client.get(reverse("desk:review", args=[task.pk])).content.decode()
    assert "Two people answered differently" in page
    data: dict[str, object] = {"task": task.pk, "lease_token": held.lease_token, "answer": place}
    data["digest"] = digest_of(held, held.case, newest_prediction(held.case))
    return client.post("/admin/feedback/secondread/take/", data)


def test_the_third_person_takes_one_of_the_two_answers_on_the_desk(client: Client) -> None:
    read, task = disagreed()
    place = [one["label"] for one in second_reads.answers(read) if one].index("billing") + 1
    assert taking(client, task, make_user("supervisor"), place).status_code == 302
    read.refresh_from_db()
    assert (read.verdict, read.settled) == ("second", {"label": "billing"})


def test_an_answer_is_taken_by_nobody_who_does_not_hold_the_task(client: Client) -> None:
    read, task = disagreed()
    client.force_login(make_user("supervisor", is_staff=True))
    data = {"task": task.pk, "lease_token": 0, "answer": 1, "digest": ""}
    client.post("/admin/feedback/secondread/take/", data)
    read.refresh_from_db()
    assert read.settled_at is None


@pytest.mark.parametrize(("role", "told"), [("supervisor", True), ("auditor", False)])
def test_the_agreement_page_names_people_to_those_who_lead_them_alone(client: Client, role: str, told: bool) -> None:
    by = make_user("reviewer", username="first-reader")
    read, task = disagreed(by=by)
    answer(task, "other", by=make_user("supervisor"))
    client.force_login(make_user(role, is_staff=True))
    page = client.get(f"/admin/feedback/secondread/agreement/?case_type={read.case_type.key}").content.decode()
    assert "What people take for what" in page
    assert ("first-reader" in page) is told


def test_errors_that_nobody_found_are_estimated_from_those_the_two_found() -> None:
    kind, by, auditor = make_case_type(policy=RATE), make_user("reviewer"), make_user("auditor")
    # The machine says billing. Both correct it twice, the first alone once, nobody once.
    for first, second in (("refund", "refund"), ("other", "other"), ("refund", "billing"), ("billing", "billing")):
        answer(opened(decided(kind=kind, by=by, output={"label": first})), second, by=auditor)
    figures = figures_of(kind, people=True)
    assert figures.found == (3, 2, 2)
    assert figures.unfound
    assert figures.unfound.total == pytest.approx(4 * 3 / 3 - 1)
    assert (figures.agreed.value, figures.agreed.count) == (0.75, 4)
    assert figures.wrong.count == 3  # the disagreement is not settled yet
