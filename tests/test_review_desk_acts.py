"""What the buttons of the desk do, one after the other: take, decide, next, undo, raise, approve."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from cases.models.choices import Reason, State
from review.models import Decision, ReviewTask
from tests import factories as make
from tests.desk import a_task, hidden, page_of, signed_in, submission

pytestmark = pytest.mark.django_db


def test_starting_takes_the_next_case_and_shows_it() -> None:
    client, user = signed_in()
    task = a_task()
    answer = client.post(reverse("desk:start"))
    assert answer.status_code == 302
    assert answer["Location"] == page_of(task)
    task.refresh_from_db()
    assert task.assignee == user
    page = client.get(answer["Location"])
    assert page.status_code == 200
    assert task.case.payload["text"] in page.content.decode()


@pytest.mark.postgres_too
def test_approving_decides_and_brings_the_next_case() -> None:
    client, user = signed_in()
    first, second = a_task(claimed_by=user), a_task()
    answer = client.post(page_of(first), submission(client, first, verb="approve"))
    decision = Decision.objects.get(task=first)
    assert (decision.outcome, decision.output, decision.override) == ("approve", {"label": "refund"}, False)
    assert answer["Location"] == f"{page_of(second)}?after={first.pk}"
    assert f"Decided #{first.case_id}" in client.get(answer["Location"]).content.decode()


def test_saving_changes_amends_and_counts_as_an_override() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    client.post(
        page_of(task), submission(client, task, verb="amend", **{"output.label": "billing", "output.amount": "12.50"})
    )
    decision = Decision.objects.get(task=task)
    assert (decision.outcome, decision.output, decision.override) == (
        "amend",
        {"label": "billing", "amount": 12.5},
        True,
    )


def test_raising_passes_the_task_on_with_its_reason_and_releasing_gives_it_back() -> None:
    client, user = signed_in()
    make.make_queue("supervisors", kind="supervisor", groups=("supervisor",))
    task, other = a_task(claimed_by=user), a_task()
    answer = client.post(page_of(task), submission(client, task, verb="raise", note="a solicitor writes"))
    assert answer["Location"].startswith(page_of(other))
    raised = ReviewTask.objects.get(case=task.case, closed_at=None)
    assert (raised.queue.key, raised.note) == ("supervisors", "a solicitor writes")
    answer = client.post(page_of(other), submission(client, other, verb="release"))
    assert answer["Location"].startswith(reverse("desk:start"))
    other.refresh_from_db()
    assert other.assignee is None


def test_starting_again_returns_to_what_one_holds_already() -> None:
    client, user = signed_in()
    held, free = a_task(claimed_by=user), a_task()
    assert client.post(reverse("desk:start"))["Location"] == page_of(held)
    free.refresh_from_db()
    assert free.assignee is None


def test_undo_within_the_grace_period_brings_the_case_back_to_the_same_desk() -> None:
    client, user = signed_in()
    task = a_task(case_type=make.make_case_type(policy={"grace_seconds": 60}), claimed_by=user)
    answer = client.post(page_of(task), submission(client, task, verb="approve"))
    assert "data-undo" in client.get(answer["Location"]).content.decode()
    answer = client.post(reverse("desk:undo", args=[task.pk]))
    again = ReviewTask.objects.get(case=task.case, closed_at=None)
    assert answer["Location"] == page_of(again)
    assert again.assignee == user


def test_without_a_grace_period_no_undo_is_offered() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    answer = client.post(page_of(task), submission(client, task, verb="approve"))
    assert "data-undo" not in client.get(answer["Location"]).content.decode()


def second_approval(client: Client, user: Any) -> ReviewTask:
    rule = [{"field": "output.amount", "op": "gt", "value": 100}]
    lane = make.make_queue("supervisors", kind="supervisor", groups=("supervisor",))
    rules = [{"default": True, "queue": make.make_queue()}, {"reason": "second_approval", "queue": lane}]
    task = a_task(case_type=make.make_case_type(policy={"second_approval": rule}, rules=rules), claimed_by=user)
    typed = submission(
        client, task, verb="amend", note="over the limit", **{"output.label": "refund", "output.amount": "250"}
    )
    client.post(page_of(task), typed)
    return ReviewTask.objects.get(case=task.case, closed_at=None)


def test_a_second_person_sees_the_held_decision_and_lets_it_act() -> None:
    client, user = signed_in()
    waiting = second_approval(client, user)
    boss, _ = signed_in("supervisor")
    user.groups.add(Group.objects.get(name="supervisor"))
    assert "Somebody else has to look at this" in client.get(page_of(waiting)).content.decode()
    boss.post(page_of(waiting), {"verb": "claim"})
    html = boss.get(page_of(waiting)).content.decode()
    assert f"{user.username} decided" in html
    assert "250" in html
    assert "over the limit" in html
    seen = {name: hidden(html, name) for name in ("lease_token", "digest")}
    assert boss.post(page_of(waiting), {"verb": "accept", **seen, "digest": ""}).status_code == 409
    boss.post(page_of(waiting), {"verb": "accept", **seen})
    assert Decision.objects.get(case=waiting.case).approval.approved


def test_a_second_person_sends_a_decision_back_with_a_note() -> None:
    client, user = signed_in()
    waiting = second_approval(client, user)
    boss, _ = signed_in("supervisor")
    boss.post(page_of(waiting), {"verb": "claim"})
    html = boss.get(page_of(waiting)).content.decode()
    seen = {name: hidden(html, name) for name in ("lease_token", "digest")}
    assert boss.post(page_of(waiting), {"verb": "send_back", **seen}).status_code == 422
    boss.post(page_of(waiting), {"verb": "send_back", **seen, "note": "half would do"})
    back = ReviewTask.objects.get(case=waiting.case, closed_at=None)
    assert (back.queue.key, back.note) == ("front-desk", "half would do")
    assert "half would do" in client.get(page_of(back)).content.decode()


def test_a_quality_sample_is_read_blind_and_nothing_tells_what_the_policy_decided() -> None:
    quality = make.make_queue("quality", kind="quality", groups=("auditor",))
    case = make.make_case(state=State.CLOSED, label="secret-label", confidence=0.9)
    prediction = make.make_prediction(case, label="secret-label", output={"label": "other"})
    make.make_decision(case, label="secret-label", output={"label": "other"}, prediction=prediction)
    client, user = signed_in("auditor")
    task = make.make_task(case, queue=quality, reason=Reason.SAMPLE, blind=True, claimed_by=user)
    assert "secret-label" not in client.get(page_of(task)).content.decode()
    client.post(page_of(task), submission(client, task, verb="answer"))
    after = client.get(page_of(task)).content.decode()
    assert "differs from your answer" in after
    client.post(page_of(task), submission(client, task, verb="amend"))
    task.refresh_from_db()
    assert task.ending == "decided"


def test_a_heartbeat_extends_the_lease_and_tells_when_it_is_lost() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    address = reverse("desk:heartbeat", args=[task.pk])
    assert client.post(address, {"lease_token": 1}).json()["seconds"] > 500
    for token in (2, "x", "9" * 30, ""):
        lost = client.post(address, {"lease_token": token})
        assert lost.status_code == 409
        assert lost.json()["detail"]


ASKED = {
    "hold": ("ask-hold", {"reason": "  "}, ""),
    "raise": ("ask-raise", {"note": "a <b>long</b> story"}, "a &lt;b&gt;long&lt;/b&gt; story"),
    "snooze": ("ask-snooze", {"until": "2020-01-01T09:00", "reason": "they call back"}, "they call back"),
    "hand_over": ("ask-handing", {"person": "", "note": "please take it"}, "please take it"),
    "help": ("ask-handing", {"person": "nobody", "note": "what is this?"}, "what is this?"),
}


@pytest.mark.parametrize("verb", ASKED)
def test_a_dialog_that_is_refused_is_open_again_with_what_was_typed_and_why(verb: str) -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    dialog, typed, kept = ASKED[verb]
    answer = client.post(page_of(task), submission(client, task, verb=verb, aside="1", **typed))
    html = answer.content.decode()
    assert answer.status_code in (409, 422)
    there = html.split(f'id="{dialog}"')[1].split("</dialog>")[0]
    assert "data-again open" in there.split(">")[0]
    assert kept in there
    assert 'role="alert"' in there
    assert html.count("data-again") == 1
    assert ReviewTask.objects.open().get().assignee == user


def test_what_a_dialog_asked_for_is_not_lost_with_the_lease() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    sent = submission(client, task, verb="hold", aside="1", reason="the customer calls back at noon")
    ReviewTask.objects.update(assignee=make.make_user("reviewer"), lease_token=9)
    answer = client.post(page_of(task), sent)
    assert answer.status_code == 409
    assert "the customer calls back at noon</textarea>" in answer.content.decode()
