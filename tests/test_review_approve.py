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
from feedback.models import Correction
from review.models import Approval, Decision, ReviewTask
from tests.callers import Api
from tests.factories import make_case, make_case_type, make_prediction, make_queue, make_task, make_user

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
    assert Api(make_user("supervisor")).post(f"/decisions/{decision['id']}/undo/").status_code == 403
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
