"""Second approval, sending back, and undoing."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.db.models.functions import Now

from cases.deliver import deliver_batch
from cases.models import AuditEvent, Case, Effect
from cases.models.choices import State
from feedback.models import Correction, OutcomeReport
from feedback.outcomes import report_outcome
from review.models import Approval, Decision, Notice, ReviewTask
from review.route import route_batch
from tests.callers import Api
from tests.factories import (
    make_case,
    make_case_type,
    make_decision,
    make_endpoint,
    make_policy,
    make_prediction,
    make_queue,
    make_task,
    make_user,
)

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
BIG = [{"field": "output.amount", "op": "gt", "value": 500}]


def decided(*, amount: int = 900, grace: int = 0, label: str = "refund", **action: Any) -> tuple[Api, dict[str, Any]]:
    """A decision over the API by an expert who works in the supervisors' queue too."""
    make_queue("seniors", kind="supervisor", groups=("supervisor", "expert"))
    policy = {"second_approval": BIG, "grace_seconds": grace}
    case_type = make_case_type(policy=policy, action={"backend": "log"})
    case = make_case(case_type, state=State.IN_REVIEW)
    make_prediction(case, output={"label": "refund", "amount": amount})
    api = Api(make_user("supervisor"))
    desk = api.post(f"/tasks/{make_task(case).pk}/claim/").json()
    output = {"label": label, "amount": amount}
    body = {"lease_token": desk["lease_token"], "digest": desk["digest"], "outcome": "amend", "output": output}
    answer = api.post(f"/tasks/{desk['id']}/decide/", body)
    assert answer.status_code == 200, answer.content
    return api, answer.json()


def drain() -> None:
    while deliver_batch():
        pass


def test_a_decision_that_needs_a_second_pair_of_eyes_is_held_and_sets_nothing_off() -> None:
    _api, decision = decided()
    assert decision["held"]
    task = ReviewTask.objects.open().get()
    assert task.label == "refund"
    assert (task.reason, task.queue.key) == ("second_approval", "seniors")
    drain()
    assert not Effect.objects.exists()
    assert Case.objects.get().state == State.DECIDED


def test_a_decision_below_the_limit_is_not_held() -> None:
    _api, decision = decided(amount=500)
    assert not decision["held"]
    assert Effect.objects.count() == 1


def test_nobody_approves_their_own_decision_and_is_told_why() -> None:
    api, decision = decided()
    answer = api.post(f"/decisions/{decision['id']}/approve/")
    assert answer.status_code == 403
    assert "Somebody else" in answer.json()["detail"]
    assert not Approval.objects.exists()


def test_another_person_lets_it_act_once() -> None:
    _api, decision = decided()
    other = Api(make_user("supervisor"))
    assert other.post(f"/decisions/{decision['id']}/approve/", {"note": "fine"}).json() == {"approved": True}
    again = other.post(f"/decisions/{decision['id']}/approve/")
    assert again.status_code == 409
    assert Effect.objects.count() == 1
    assert not ReviewTask.objects.open().exists()
    drain()
    assert Case.objects.get().state == State.CLOSED
    assert AuditEvent.objects.get(action="decision.approved").actor == other.user.username


def test_a_reviewer_may_not_give_the_second_approval() -> None:
    _api, decision = decided()
    assert Api(make_user("reviewer")).post(f"/decisions/{decision['id']}/approve/").status_code in (403, 404)


def test_a_second_approval_task_says_what_it_wants_when_it_is_decided_like_another() -> None:
    decided()
    other = Api(make_user("supervisor"))
    desk = other.post("/tasks/claim/").json()
    assert desk["held_decision"]["output"]["amount"] == 900
    body = {"lease_token": desk["lease_token"], "digest": desk["digest"], "outcome": "approve"}
    answer = other.post(f"/tasks/{desk['id']}/decide/", body)
    assert answer.status_code == 409
    assert "approve the held decision" in answer.json()["detail"]


def test_sending_back_needs_a_note_and_puts_the_case_up_again_with_it() -> None:
    _api, decision = decided()
    other = Api(make_user("supervisor"))
    refused = other.post(f"/decisions/{decision['id']}/approve/", {"approve": False})
    assert refused.status_code == 422
    assert "note" in refused.json()["errors"]
    answer = other.post(f"/decisions/{decision['id']}/approve/", {"approve": False, "note": "ask for the receipt"})
    assert answer.json()["approved"] is False
    case, task = Case.objects.get(), ReviewTask.objects.open().get()
    assert (case.state, case.version, task.note, task.queue.key) == (
        State.IN_REVIEW,
        2,
        "ask for the receipt",
        "front-desk",
    )
    assert other.post(f"/decisions/{decision['id']}/approve/").status_code == 409
    assert not Effect.objects.exists()


def test_a_held_override_teaches_only_once_it_is_approved() -> None:
    _api, decision = decided(label="other")
    assert not Correction.objects.exists()
    Api(make_user("supervisor")).post(f"/decisions/{decision['id']}/approve/")
    assert Correction.objects.get().label_after == "other"


def test_an_override_that_was_sent_back_teaches_nothing() -> None:
    _api, decision = decided(label="other")
    Api(make_user("supervisor")).post(f"/decisions/{decision['id']}/approve/", {"approve": False, "note": "no"})
    assert not Correction.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_an_approval_and_a_sending_back_at_the_same_time_end_as_one_of_them() -> None:
    _api, decision = decided()
    callers = [Api(make_user("supervisor")) for _ in range(6)]
    start = threading.Barrier(6)
    statuses: list[int] = []

    def answers(api: Api, *, approve: bool) -> None:
        start.wait()
        body = {"approve": approve, "note": "because"}
        statuses.append(api.post(f"/decisions/{decision['id']}/approve/", body).status_code)
        connection.close()

    threads = [
        threading.Thread(target=answers, args=(api,), kwargs={"approve": bool(n % 2)}) for n, api in enumerate(callers)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(statuses) == [200, 409, 409, 409, 409, 409]
    approval = Approval.objects.get()
    assert Effect.objects.count() == (1 if approval.approved else 0)
    assert Case.objects.get().version == (1 if approval.approved else 2)


def test_a_decision_is_undone_while_its_grace_period_runs() -> None:
    api, decision = decided(amount=10, grace=60)
    drain()
    assert Case.objects.get().state == State.DECIDED
    assert Api(make_user("reviewer")).post(f"/decisions/{decision['id']}/undo/").status_code in (403, 404)
    assert api.post(f"/decisions/{decision['id']}/undo/").status_code == 200
    case = Case.objects.get()
    assert (case.state, case.version) == (State.IN_REVIEW, 2)
    assert Effect.objects.get().status == "cancelled"
    assert api.post(f"/decisions/{decision['id']}/undo/").status_code == 409


def test_a_decision_whose_effects_have_left_is_not_undone() -> None:
    api, decision = decided(amount=10, grace=60)
    Effect.objects.update(next_attempt_at=Now())
    drain()
    answer = api.post(f"/decisions/{decision['id']}/undo/")
    assert answer.status_code == 409
    assert "reopen the case instead" in answer.json()["detail"]
    assert Decision.objects.count() == 1


def test_an_undone_decision_may_be_taken_anew_and_acts_once() -> None:
    api, decision = decided(amount=10, grace=60)
    api.post(f"/decisions/{decision['id']}/undo/")
    desk = api.post(f"/tasks/{ReviewTask.objects.open().get().pk}/claim/").json()
    body = {"lease_token": desk["lease_token"], "digest": desk["digest"], "outcome": "approve"}
    assert api.post(f"/tasks/{desk['id']}/decide/", body).status_code == 200
    assert sorted(Effect.objects.values_list("status", "case_version")) == [("cancelled", 1), ("pending", 2)]


# Who may give the second approval, whatever way the decision took.


def again(api: Api, *, amount: int) -> dict[str, Any]:
    """Claim and decide the open task."""
    desk = api.post(f"/tasks/{ReviewTask.objects.open().get().pk}/claim/").json()
    output = {"label": "refund", "amount": amount}
    body = {"lease_token": desk["lease_token"], "digest": desk["digest"], "outcome": "amend", "output": output}
    answer = api.post(f"/tasks/{desk['id']}/decide/", body)
    assert answer.status_code == 200, answer.content
    told: dict[str, Any] = answer.json()
    return told


def test_whoever_decided_before_the_sending_back_does_not_approve_what_another_decided_after_it() -> None:
    first, decision = decided()
    second, third = Api(make_user("supervisor")), Api(make_user("supervisor"))
    assert second.post(f"/decisions/{decision['id']}/send-back/", {"note": "less"}).status_code == 200
    anew = again(second, amount=800)
    assert anew["held"]
    for api in (first, second):
        refused = api.post(f"/decisions/{anew['id']}/approve/")
        assert (refused.status_code, "Somebody else" in refused.json()["detail"]) == (403, True)
    assert third.post(f"/decisions/{anew['id']}/approve/").status_code == 200


def test_whoever_undid_their_decision_does_not_approve_the_one_that_followed() -> None:
    first, decision = decided()
    first.post(f"/decisions/{decision['id']}/undo/")
    anew = again(Api(make_user("supervisor")), amount=800)
    assert first.post(f"/decisions/{anew['id']}/approve/").status_code == 403


def test_who_sent_a_decision_back_may_approve_the_better_one() -> None:
    first, decision = decided()
    second = Api(make_user("supervisor"))
    second.post(f"/decisions/{decision['id']}/send-back/", {"note": "less"})
    anew = again(first, amount=600)
    assert second.post(f"/decisions/{anew['id']}/approve/").status_code == 200
    assert Effect.objects.count() == 1


def test_the_decider_is_told_that_their_decision_was_sent_back_and_why() -> None:
    first, decision = decided()
    second = Api(make_user("supervisor"))
    assert second.post(f"/decisions/{decision['id']}/send-back/", {"note": " "}).status_code == 422
    task = second.post(f"/decisions/{decision['id']}/send-back/", {"reason": "ask for the receipt"}).json()["task"]
    notice = Notice.objects.get()
    assert (notice.user, notice.kind, notice.sender) == (first.user, "sent_back", second.user)
    assert (notice.task_id, notice.text) == (task, "ask for the receipt")
    assert AuditEvent.objects.filter(action="decision.sent_back", actor=second.user.username).exists()


def test_who_sent_a_decision_back_is_not_given_it_as_their_own_next_case() -> None:
    first, decision = decided()
    second = Api(make_user("supervisor"))
    second.post(f"/decisions/{decision['id']}/send-back/", {"note": "less"})
    assert second.post("/tasks/claim/").status_code == 204
    assert first.post("/tasks/claim/").status_code == 200


# An approval is bound to what was shown.


def test_an_approval_is_bound_to_the_held_decision_that_was_shown() -> None:
    _api, decision = decided()
    other = Api(make_user("supervisor"))
    shown = other.post("/tasks/claim/").json()["held_decision"]["digest"]
    for verb in ("approve", "send-back"):
        stale = other.post(f"/decisions/{decision['id']}/{verb}/", {"digest": "0" * 64, "note": "why"})
        assert stale.status_code == 409
    ReviewTask.objects.open().update(note="a complaint came in meanwhile")
    assert other.post(f"/decisions/{decision['id']}/approve/", {"digest": shown}).status_code == 409
    assert not Approval.objects.exists()
    shown = other.post(f"/tasks/{ReviewTask.objects.open().get().pk}/claim/").json()["held_decision"]["digest"]
    assert other.post(f"/decisions/{decision['id']}/approve/", {"digest": shown}).status_code == 200


# Held for hours: the world goes on meanwhile.


def test_no_clock_lets_a_held_decision_act_without_its_second_approval() -> None:
    """However late it grows: the sweep, the lease and the due moment pass, and nothing leaves."""
    decided(grace=60)
    past = "2020-01-01T00:00Z"
    ReviewTask.objects.open().update(due_at=past, lease_until=past, opened_at=past)
    Effect.objects.update(next_attempt_at=Now())
    drain()
    assert not Effect.objects.exists()
    assert Case.objects.get().state == State.DECIDED


def test_a_late_approval_lets_the_decision_act_as_it_was_held_not_as_the_world_is_now() -> None:
    """The policy in force and the machine's answer have changed since; the decision stands under the old ones."""
    _api, decision = decided(amount=900)
    case = Case.objects.get()
    make_policy(case.case_type, second_approval=[], grace_seconds=3600)
    make_prediction(case, output={"label": "other"}, label="other")
    assert Api(make_user("supervisor")).post(f"/decisions/{decision['id']}/approve/").status_code == 200
    told = Effect.objects.get().body["decision"]
    assert (told["output"], told["policy"]) == ({"label": "refund", "amount": 900}, 1)
    drain()
    assert Case.objects.get().state == State.CLOSED  # at once: its own policy gives no grace


def test_a_stricter_policy_that_came_meanwhile_does_not_ask_a_third_person() -> None:
    _api, decision = decided()
    make_policy(Case.objects.get().case_type, second_approval=[{"field": "output.amount", "op": "gt", "value": 1}])
    assert Api(make_user("supervisor")).post(f"/decisions/{decision['id']}/approve/").status_code == 200
    assert not ReviewTask.objects.open().exists()


def test_a_held_decision_is_waited_for_in_one_queue_only_and_routing_leaves_it_alone() -> None:
    decided()
    while route_batch():
        pass
    assert [task.reason for task in ReviewTask.objects.open()] == ["second_approval"]


def test_an_override_of_a_held_decision_takes_its_place_in_the_queue() -> None:
    _api, decision = decided()
    boss = Api(make_user("supervisor"))
    body = {"output": {"label": "refund", "amount": 700}, "note": "half of it was delivered"}
    better = boss.post(f"/decisions/{decision['id']}/override/", body).json()
    task = ReviewTask.objects.open().get()
    assert (task.reason, better["supersedes"], better["held"]) == ("second_approval", decision["id"], True)
    third = Api(make_user("supervisor"))
    late = third.post(f"/decisions/{decision['id']}/approve/")
    assert late.status_code == 409
    assert not Effect.objects.exists()
    assert third.post(f"/decisions/{better['id']}/approve/").status_code == 200
    assert Effect.objects.get().body["decision"]["output"]["amount"] == 700
    assert third.post(f"/decisions/{decision['id']}/approve/").status_code == 409


def test_nobody_outside_hears_of_a_reopening_before_they_heard_of_a_decision() -> None:
    make_endpoint(events=["case.reopened", "case.decided", "decision.overridden"])
    _api, decision = decided()
    boss = Api(make_user("supervisor"))
    boss.post(f"/decisions/{decision['id']}/override/", {"output": {"label": "other"}, "note": "no refund"})
    assert not Effect.objects.exists()
    boss.post(f"/cases/{decision['case']}/reopen/", {"note": "start over"})
    assert not Effect.objects.exists()


def test_the_overruling_of_a_held_decision_is_on_record_with_who_did_it() -> None:
    _api, decision = decided()
    boss = Api(make_user("supervisor"))
    boss.post(f"/decisions/{decision['id']}/send-back/", {"note": "no"})
    timeline = boss.get(f"/cases/{decision['case']}/events/").json()["results"]
    assert ("decision.sent_back", boss.user.username) in [(row["action"], row["actor"]) for row in timeline]


def test_a_case_reported_as_wrong_while_held_gets_one_task_and_keeps_the_flag() -> None:
    _api, decision = decided()
    reporter = make_user("integration")
    case = Case.objects.get()
    Case.objects.update(sender=reporter)
    report_outcome(case.pk, by=reporter, correct=False, source="shop", origin="test", note="the customer called")
    task = ReviewTask.objects.open().get()
    assert (task.reason, task.note) == ("reported_error", "the customer called")
    assert Case.objects.get().reason == "reported_error"
    late = Api(make_user("supervisor")).post(f"/decisions/{decision['id']}/approve/")
    assert late.status_code == 409
    assert not Effect.objects.exists()


def closed_and_overridden() -> tuple[Case, Decision]:
    """A decision that has taken effect, and a better one that waits for its second approval."""
    make_queue("seniors", kind="supervisor", groups=("supervisor",))
    case = make_case(make_case_type(action={"backend": "log"}), state=State.CLOSED)
    first = make_decision(case, by=make_user("reviewer"), task=make_task(case))
    boss = Api(make_user("supervisor"))
    body = {"output": {"label": "other"}, "note": "wrong account"}
    assert boss.post(f"/decisions/{first.pk}/override/", body).status_code == 200
    return case, first


def test_news_about_what_took_effect_reaches_who_approves_its_correction() -> None:
    case, first = closed_and_overridden()
    approver = Api(make_user("supervisor"))
    desk = approver.post("/tasks/claim/").json()
    reporter = make_user("integration")
    Case.objects.update(sender=reporter)
    told: dict[str, Any] = {"correct": False, "source": "shop", "note": "the customer called"}
    report, new = report_outcome(case.pk, by=reporter, origin="test", **told)
    assert (report.decision, new) == (first, True)
    task = ReviewTask.objects.open().get()
    assert (task.pk, task.reason) == (desk["id"], "second_approval")
    assert "the customer called" in task.note
    held = desk["held_decision"]
    stale = approver.post(f"/decisions/{held['id']}/approve/", {"digest": held["digest"]})
    assert stale.status_code == 409
    assert approver.post(f"/decisions/{held['id']}/approve/").status_code == 200
    assert OutcomeReport.objects.count() == 1


def test_a_held_case_is_not_withdrawn_and_its_approval_still_stands() -> None:
    _api, decision = decided()
    sender = Api(make_user("integration"))
    Case.objects.update(sender=sender.user)
    assert sender.post(f"/cases/{decision['case']}/cancel/", {"reason": "never mind"}).status_code == 409
    assert Api(make_user("supervisor")).post(f"/decisions/{decision['id']}/approve/").status_code == 200


def test_approving_sets_off_nothing_twice_and_brings_nothing_back() -> None:
    """Decided, undone, decided the same again, approved, approved again: one effect, and no further task."""
    first, decision = decided(grace=60)
    first.post(f"/decisions/{decision['id']}/undo/")
    anew = again(first, amount=900)
    other = Api(make_user("supervisor"))
    assert other.post(f"/decisions/{decision['id']}/approve/").status_code == 409
    assert other.post(f"/decisions/{anew['id']}/approve/").status_code == 200
    assert other.post(f"/decisions/{anew['id']}/approve/").status_code == 409
    assert [effect.case_version for effect in Effect.objects.all()] == [2]
    assert not ReviewTask.objects.open().exists()


@pytest.mark.django_db(transaction=True)
def test_an_approval_that_meets_a_reopening_never_lets_the_old_decision_act() -> None:
    _api, decision = decided()
    approver, opener = Api(make_user("supervisor")), Api(make_user("supervisor"))
    start = threading.Barrier(2)
    statuses: dict[str, int] = {}

    def run(name: str, api: Api, path: str) -> None:
        start.wait()
        statuses[name] = api.post(path, {"note": "because"}).status_code
        connection.close()

    calls = [
        ("approve", approver, f"/decisions/{decision['id']}/approve/"),
        ("reopen", opener, f"/cases/{decision['case']}/reopen/"),
    ]
    threads = [threading.Thread(target=run, args=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert statuses["reopen"] == 200
    assert statuses["approve"] in (200, 409)
    assert not Effect.objects.exclude(status="cancelled").exists()
    assert ReviewTask.objects.open().count() == 1


# Taking back what somebody else, or a policy, decided.


def test_a_supervisor_undoes_anothers_decision_with_a_reason_and_the_decider_is_told() -> None:
    api, decision = decided(amount=10, grace=60)
    boss = Api(make_user("supervisor"))
    refused = boss.post(f"/decisions/{decision['id']}/undo/")
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["note"])
    assert boss.post(f"/decisions/{decision['id']}/undo/", {"reason": "wrong customer"}).status_code == 200
    task = ReviewTask.objects.open().get()
    assert (task.queue.key, task.note) == ("front-desk", "wrong customer")
    assert Notice.objects.get().user == api.user
    assert AuditEvent.objects.get(action="decision.undone").actor == boss.user.username


def policy_decided(**fields: Any) -> tuple[Case, Decision]:
    make_queue("seniors", kind="supervisor", groups=("supervisor",))
    case_type = make_case_type("teacher", action={"backend": "log"}, policy={"grace_seconds": 600, **fields})
    case = make_case(case_type, state=State.CLASSIFIED)
    make_prediction(case, confidence=0.99)
    while route_batch():
        pass
    return case, Decision.objects.get()


def test_a_supervisor_undoes_what_policy_decided_while_its_grace_runs() -> None:
    case, decision = policy_decided()
    assert Effect.objects.get().status == "pending"
    boss = Api(make_user("supervisor"))
    assert boss.post(f"/decisions/{decision.pk}/undo/").status_code == 422
    assert boss.post(f"/decisions/{decision.pk}/undo/", {"note": "the model was misled"}).status_code == 200
    case.refresh_from_db()
    assert (case.state, case.version, Effect.objects.get().status) == (State.IN_REVIEW, 2, "cancelled")
    assert ReviewTask.objects.open().get().queue.key == "seniors"
    assert not Notice.objects.exists()


def test_a_policys_decision_that_was_to_be_read_blind_is_read_blind_when_undone() -> None:
    make_queue("quality", kind="quality", groups=("auditor",))
    _case, decision = policy_decided(sample_rate=1.0)
    Api(make_user("supervisor")).post(f"/decisions/{decision.pk}/undo/", {"note": "misled"})
    task = ReviewTask.objects.open().get()
    assert (task.reason, task.blind) == ("reopened", True)
