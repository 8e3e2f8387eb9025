"""Alike cases decided together: each checked by itself, left out where it does not fit, all undone together."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases.errors import Conflict, Invalid, Missing
from cases.models import AuditEvent, Case, CaseType, Effect
from cases.models.choices import State
from review import together
from review.decide import Answer
from review.models import Decision, DecisionBatch, Notice, ReviewTask
from review.shown import digest_of, newest_prediction
from review.together import Pick, decide_together, undo_together
from tests.callers import Api
from tests.factories import make_case, make_case_type, make_policy, make_prediction, make_queue, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
APPROVE = Answer("approve")


def waiting(count: int = 3, case_type: CaseType | None = None, **fields: Any) -> list[ReviewTask]:
    """Alike tasks of the front desk."""
    case_type = case_type or make_case_type(action={"backend": "log"}, policy={"grace_seconds": 60})
    made = []
    for _number in range(count):
        case = make_case(case_type, state=State.IN_REVIEW, label="refund", confidence=0.7)
        make_prediction(case, output={"label": "refund", "amount": 10})
        made.append(make_task(case, **fields))
    return made


def picked(*tasks: ReviewTask) -> list[Pick]:
    return [Pick(task.pk, digest_of(task, task.case, newest_prediction(task.case))) for task in tasks]


def why(done: together.Together) -> list[str]:
    return [result.why for result in done.left_out]


def test_each_ticked_case_gets_a_decision_of_its_own_and_one_batch() -> None:
    user, tasks = make_user("reviewer"), waiting(3)
    done = decide_together(user, picks=picked(*tasks[:2]), answer=Answer("approve", active_seconds=30), origin="test")
    decisions = list(Decision.objects.order_by("id"))
    assert [one.case_id for one in decisions] == [task.case_id for task in tasks[:2]]
    assert {one.batch for one in decisions} == {done.batch}
    assert [one.active_seconds for one in decisions] == [15, 15]
    assert [(one.outcome, one.override, one.shown, one.decided_by) for one in decisions] == [
        ("approve", False, True, user)
    ] * 2
    assert Effect.objects.count() == 2
    assert ReviewTask.objects.open().get() == tasks[2]
    made = AuditEvent.objects.filter(action="decision.made")
    assert [event.data["batch"] for event in made] == [done.batch.pk if done.batch else None] * 2


def test_another_answer_keeps_what_the_machine_said_beside_it() -> None:
    answer = Answer("amend", output={"label": "other"})
    decide_together(make_user("reviewer"), picks=picked(*waiting(2)), answer=answer, origin="test")
    assert [one.output for one in Decision.objects.all()] == [{"label": "other", "amount": 10}] * 2
    assert all(one.override for one in Decision.objects.all())


def test_one_reason_rejects_them_all_and_none_rejects_nothing() -> None:
    user, tasks = make_user("reviewer"), waiting(2)
    with pytest.raises(Invalid) as refused:
        decide_together(user, picks=picked(*tasks), answer=Answer("reject"), origin="test")
    assert "reason" in refused.value.errors
    decide_together(user, picks=picked(*tasks), answer=Answer("reject", reason="spam"), origin="test")
    assert [one.reason for one in Decision.objects.all()] == ["spam", "spam"]


def test_nothing_ticked_too_many_and_twice_the_same_are_refused() -> None:
    user, (task,) = make_user("reviewer"), waiting(1)
    many = [Pick(number, "") for number in range(1, together.MOST + 2)]
    for picks in ([], many, picked(task) * 2):
        with pytest.raises(Invalid) as refused:
            decide_together(user, picks=picks, answer=APPROVE, origin="test")
        assert "tasks" in refused.value.errors
    with pytest.raises(Invalid):
        decide_together(user, picks=picked(task), answer=Answer("amend"), origin="test")
    assert not Decision.objects.exists()


def odd_one(name: str) -> ReviewTask:
    """A case that looks like the others of its queue and does not belong with them."""
    case_type = CaseType.objects.get()
    kinds: dict[str, dict[str, Any]] = {
        "blind": {"blind": True},
        "reported": {"reason": "reported_error"},
        "elsewhere": {"queue": make_queue("others", groups=("expert",))},
        "taken": {"claimed_by": make_user("reviewer")},
        "another reason": {"reason": "low_confidence"},
    }
    (task,) = waiting(1, case_type, **kinds.get(name, {}))
    if name == "another label":
        make_prediction(task.case, label="other")
    if name == "no answer":
        make_prediction(task.case, output=None, error="timed out")
    return task


REFUSALS = {
    "blind": "blind",
    "reported": "look of its own",
    "elsewhere": "no such task",
    "taken": "",
    "another reason": "not like the others",
    "another label": "not like the others",
    "no answer": "",
}


@pytest.mark.parametrize("name", REFUSALS)
def test_what_does_not_fit_is_left_out_with_the_reason_and_stays_as_it_was(name: str) -> None:
    tasks = waiting(2)
    odd = odd_one(name)
    before = ReviewTask.objects.values().get(pk=odd.pk)
    picks = picked(tasks[0], odd, tasks[1])
    done = decide_together(make_user("reviewer"), picks=picks, answer=APPROVE, origin="test")
    assert [result.id for result in done.done] == [task.pk for task in tasks]
    assert [result.id for result in done.left_out] == [odd.pk]
    assert REFUSALS[name] in why(done)[0]
    assert why(done)[0]
    assert ReviewTask.objects.values().get(pk=odd.pk) == before


def test_what_changed_since_it_was_shown_is_left_out() -> None:
    tasks = waiting(2)
    picks = picked(*tasks)
    make_prediction(tasks[0].case, output={"label": "refund", "amount": 9_000})
    done = decide_together(make_user("reviewer"), picks=picks, answer=APPROVE, origin="test")
    assert "changed since" in why(done)[0]
    assert Decision.objects.get().case == tasks[1].case


def test_what_needs_a_second_approval_or_a_quiet_reading_is_left_out() -> None:
    case_type = make_case_type(policy={"second_approval": [{"field": "output.amount", "op": "gt", "value": 5}]})
    done = decide_together(make_user("reviewer"), picks=picked(*waiting(1, case_type)), answer=APPROVE, origin="test")
    assert "second approval" in why(done)[0]
    floor = make_case_type(impact=("money",), policy={"reading_floor_seconds": 10})
    done = decide_together(make_user("reviewer"), picks=picked(*waiting(1, floor)), answer=APPROVE, origin="test")
    assert "at leisure" in why(done)[0]
    assert (done.batch, DecisionBatch.objects.exists(), Decision.objects.exists()) == (None, False, False)


def test_where_the_coin_asks_a_reason_it_asks_for_it_here_too() -> None:
    case_type = make_case_type(policy={"reason_rate": 1.0})
    user, tasks = make_user("reviewer"), waiting(2, case_type)
    done = decide_together(user, picks=picked(*tasks), answer=APPROVE, origin="test")
    assert all("at random" in text for text in why(done))
    done = decide_together(user, picks=picked(*tasks), answer=Answer("approve", reason="same letter"), origin="test")
    assert len(done.done) == 2


def test_what_one_holds_already_may_be_among_them() -> None:
    user = make_user("reviewer")
    tasks = [*waiting(1), *waiting(1, CaseType.objects.get(), claimed_by=user)]
    assert len(decide_together(user, picks=picked(*tasks), answer=APPROVE, origin="test").done) == 2


def test_who_may_not_decide_decides_nothing_together() -> None:
    tasks = waiting(2)
    api = Api(make_user("manager"))
    body = {"tasks": [{"task": pick.task_id, "digest": pick.digest} for pick in picked(*tasks)], "outcome": "approve"}
    assert api.post("/decisions/bulk/", body).status_code == 403
    assert not Decision.objects.exists()


def test_one_undo_takes_all_of_them_back() -> None:
    user, tasks = make_user("reviewer"), waiting(3)
    done = decide_together(user, picks=picked(*tasks), answer=APPROVE, origin="test")
    assert done.batch is not None
    back = undo_together(done.batch.pk, by=user, origin="test")
    assert len(back.done) == 3
    assert set(Effect.objects.values_list("status", flat=True)) == {"cancelled"}
    assert set(Case.objects.values_list("state", flat=True)) == {"in_review"}
    assert DecisionBatch.objects.get().undone_at is not None
    with pytest.raises(Conflict):
        undo_together(done.batch.pk, by=user, origin="test")


def test_what_has_left_already_stays_and_says_so_while_the_rest_is_taken_back() -> None:
    user, tasks = make_user("reviewer"), waiting(2)
    done = decide_together(user, picks=picked(*tasks), answer=APPROVE, origin="test")
    assert done.batch is not None
    Effect.objects.filter(case=tasks[0].case).update(status="delivered", attempts=1)
    back = undo_together(done.batch.pk, by=user, origin="test")
    assert (len(back.done), len(back.left_out)) == (1, 1)
    assert "begun to leave" in why(back)[0]


def test_anothers_batch_is_out_of_sight_and_a_supervisor_undoes_it_with_a_reason() -> None:
    user, tasks = make_user("reviewer"), waiting(2)
    done = decide_together(user, picks=picked(*tasks), answer=APPROVE, origin="test")
    assert done.batch is not None
    with pytest.raises(Missing):
        undo_together(done.batch.pk, by=make_user("reviewer"), origin="test")
    boss = make_user("supervisor")
    assert len(undo_together(done.batch.pk, by=boss, origin="test").left_out) == 2
    assert len(undo_together(done.batch.pk, by=boss, origin="test", note="wrong pile").done) == 2
    assert list(Notice.objects.values_list("user", "kind")) == [(user.pk, "sent_back")] * 2


def test_it_is_there_for_programs_too() -> None:
    api, tasks = Api(make_user("reviewer")), waiting(2)
    body = {
        "tasks": [{"task": pick.task_id, "digest": pick.digest} for pick in picked(*tasks)]
        + [{"task": 10**9, "digest": "x"}],
        "outcome": "approve",
        "active_seconds": 30,
    }
    told = api.post("/decisions/bulk/", body).json()
    assert (told["done"], told["left_out"]) == (2, 1)
    assert [row["status"] for row in told["results"]] == ["done", "done", "left_out"]
    undone = api.post(f"/decisions/bulk/{told['batch']}/undo/").json()
    assert undone["done"] == 2
    assert api.post("/decisions/bulk/", {**body, "tasks": []}).status_code in (400, 422)


@pytest.mark.django_db(transaction=True)
def test_two_people_with_the_same_list_decide_each_case_once() -> None:
    tasks = waiting(8)
    picks, start = picked(*tasks), threading.Barrier(2)
    results: list[together.Together] = []

    def run() -> None:
        user = make_user("reviewer")
        start.wait()
        results.append(decide_together(user, picks=picks, answer=APPROVE, origin="test"))
        connection.close()

    threads = [threading.Thread(target=run) for _number in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sum(len(done.done) for done in results) == 8
    assert Decision.objects.count() == Effect.objects.count() == 8


# The page.


def signed_in(role: str = "reviewer") -> Client:
    client = Client()
    client.force_login(make_user(role, is_staff=True))
    return client


def listed(client: Client, case_type: CaseType, **asked: str) -> Any:
    query = {
        "queue": "front-desk",
        "case_type": str(case_type.pk),
        "label": "refund",
        "reason_why": "validation",
        **asked,
    }
    return client.get(reverse("desk:together"), query)


def form_of(*tasks: ReviewTask, **more: Any) -> dict[str, Any]:
    digests = {f"digest-{pick.task_id}": pick.digest for pick in picked(*tasks)}
    kind = {"case_type": tasks[0].case_type_id, "label": "refund", "reason_why": "validation", "queue": "front-desk"}
    return {**kind, **digests, "pick": [task.pk for task in tasks], "verb": "approve", "active_seconds": "20", **more}


def test_the_page_offers_what_waits_more_than_once() -> None:
    waiting(3)
    single = make_case_type(key="single")
    waiting(1, single)
    html = signed_in().get(reverse("desk:together")).content.decode()
    assert "3 cases" in html
    assert "single" not in html


def test_the_list_ticks_nothing_beforehand_and_shows_each_case() -> None:
    tasks = waiting(2)
    html = listed(signed_in(), tasks[0].case_type).content.decode()
    assert html.count('name="pick"') == 2
    assert '" checked>' not in html
    assert all(task.case.payload["text"] in html for task in tasks)
    assert "70 %" in html


def test_the_list_holds_nothing_that_is_read_blind() -> None:
    tasks = waiting(2)
    waiting(1, tasks[0].case_type, blind=True)
    assert listed(signed_in(), tasks[0].case_type).content.decode().count('name="pick"') == 2


def test_the_list_costs_the_same_for_two_cases_and_for_fifty() -> None:
    tasks, client = waiting(2), signed_in()
    listed(client, tasks[0].case_type)
    with CaptureQueriesContext(connection) as few:
        listed(client, tasks[0].case_type)
    waiting(60, tasks[0].case_type)
    with CaptureQueriesContext(connection) as many:
        html = listed(client, tasks[0].case_type).content.decode()
    assert html.count('name="pick"') == together.MOST
    assert len(many) == len(few) <= 20


def test_markup_in_a_case_stays_text_in_the_list() -> None:
    tasks = waiting(2)
    Case.objects.update(payload={"text": "<script>alert(1)</script>"})
    assert "<script>alert" not in listed(signed_in(), tasks[0].case_type).content.decode()


def test_deciding_on_the_page_tells_what_was_done_and_offers_one_undo() -> None:
    tasks, client = waiting(3), signed_in()
    html = client.post(reverse("desk:together"), form_of(*tasks[:2])).content.decode()
    assert "2 cases are decided" in html
    batch = DecisionBatch.objects.get()
    html = client.post(reverse("desk:together-undo", args=[batch.pk])).content.decode()
    assert "2 decisions were taken back" in html
    assert client.post(reverse("desk:together-undo", args=[batch.pk])).status_code == 409
    assert signed_in().post(reverse("desk:together-undo", args=[batch.pk])).status_code == 404


def test_a_refused_answer_keeps_the_ticks() -> None:
    tasks, client = waiting(3), signed_in()
    answer = client.post(reverse("desk:together"), form_of(*tasks[:2], verb="reject"))
    assert answer.status_code == 422
    assert answer.content.decode().count('" checked>') == 2
    assert not Decision.objects.exists()


def test_what_was_left_out_of_a_foreign_queue_tells_nothing_of_it() -> None:
    tasks = waiting(1)
    odd = odd_one("elsewhere")
    Case.objects.filter(pk=odd.case_id).update(payload={"text": "secret-payload"})
    html = signed_in().post(reverse("desk:together"), form_of(tasks[0], odd)).content.decode()
    assert "1 was left out" in html
    assert "secret-payload" not in html


def test_who_may_not_decide_is_shown_no_list() -> None:
    assert signed_in("manager").get(reverse("desk:together")).status_code == 403
    assert signed_in().get(reverse("desk:together"), {"queue": "nowhere"}).status_code == 404


def test_a_new_policy_does_not_stop_a_list_that_was_shown_under_the_old_one() -> None:
    tasks = waiting(2)
    picks = picked(*tasks)
    make_policy(tasks[0].case_type)
    assert len(decide_together(make_user("reviewer"), picks=picks, answer=APPROVE, origin="test").done) == 2
