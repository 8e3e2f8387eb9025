"""Undoing what one did with a task short of deciding it, while nobody else has begun with it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from cases.errors import Conflict
from cases.models import AuditEvent
from review import claims, handing, holding
from review.desk.page import SWAP
from review.models import Notice, Profile, ReviewTask
from review.taking_back import take_back
from tests import factories as make
from tests.desk import a_task, page_of, signed_in, submission

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
SOON = timedelta(hours=2)
ACTS: dict[str, dict[str, Any]] = {
    "hold": {"verb": "hold", "reason": "waits for the bank"},
    "snooze": {"verb": "snooze", "for": "15"},
    "skip": {"verb": "skip", "reason": "I know the sender"},
    "release": {"verb": "release"},
    "raise": {"verb": "raise", "note": "look at the amount"},
}


def back(task: ReviewTask, user: User) -> ReviewTask:
    return take_back(task.pk, user=user, origin="test")


@pytest.mark.parametrize("act", ACTS)
def test_the_toast_offers_to_undo_what_was_done_and_the_case_is_back_in_hand(act: str) -> None:
    client, user = signed_in()
    make.make_queue("seniors", kind="supervisor", groups=("supervisor",))
    task = a_task(claimed_by=user, note="Look at the date.")
    told = client.post(page_of(task), submission(client, task, aside="1", **ACTS[act]))
    html = client.get(told["Location"]).content.decode()
    assert f'action="{reverse("desk:undo", args=[task.pk])}"' in html
    answer = client.post(reverse("desk:undo", args=[task.pk]))
    again = ReviewTask.objects.claimed().get(case=task.case, assignee=user, hold_reason="", claimed_at__isnull=False)
    assert answer["Location"] == page_of(again)
    assert (again.queue, again.note, again.due_at) == (task.queue, task.note, task.due_at)
    assert 'id="decision"' in client.get(page_of(again)).content.decode()


def test_what_was_handed_over_comes_back_until_the_other_takes_it_up() -> None:
    giver, taker = make.make_user("reviewer"), make.make_user("reviewer")
    task = make.make_task(claimed_by=giver)
    told: dict[str, Any] = {"to": taker.username, "note": "yours", "lease_token": 1, "origin": "test"}
    handing.hand_to_person(task.pk, user=giver, **told)
    again = back(task, giver)
    assert (again.assignee, ReviewTask.objects.open().get().pk) == (giver, again.pk)
    assert not Notice.objects.filter(user=taker).exists(), "what is no longer theirs is not announced to them"
    assert AuditEvent.objects.filter(action="task.taken_back", case_id=task.case_id).count() == 1
    handed = handing.hand_to_person(again.pk, user=giver, **{**told, "lease_token": again.lease_token})
    claims.claim(handed.pk, user=taker, origin="test")
    with pytest.raises(Conflict, match="taken up by now"):
        back(again, giver)
    assert ReviewTask.objects.open().get().assignee == taker


def test_what_somebody_else_has_by_now_stays_theirs() -> None:
    first, second = make.make_user("reviewer"), make.make_user("reviewer")
    task = make.make_task(claimed_by=first)
    holding.skip(task.pk, user=first, lease_token=1, reason="no", origin="test")
    claims.claim(task.pk, user=second, origin="test")
    with pytest.raises(Conflict, match="holds this task now"):
        back(task, first)
    client, user = signed_in()
    Profile.objects.create(user=user)
    answer = client.post(reverse("desk:undo", args=[task.pk]))
    assert answer.status_code == 409
    assert "holds this task now" in answer.content.decode()


def test_who_holds_as_many_as_they_may_is_told_and_what_slept_sleeps_on() -> None:
    user = make.make_user("reviewer")
    Profile.objects.create(user=user, most_claims=1)
    task = make.make_task(claimed_by=user)
    holding.snooze(task.pk, user=user, lease_token=1, until=timezone.now() + SOON, origin="test")
    make.make_task(claimed_by=user)
    with pytest.raises(Conflict, match="as many as you may"):
        back(task, user)
    assert holding.snoozed().filter(pk=task.pk).exists()


def test_only_who_passed_a_task_on_takes_it_back() -> None:
    giver, other = make.make_user("reviewer"), make.make_user("reviewer")
    make.make_queue("seniors", kind="supervisor", groups=("supervisor",))
    task = make.make_task(claimed_by=giver)
    claims.raise_task(task.pk, user=giver, lease_token=1, reason="look", origin="test")
    with pytest.raises(Conflict):
        back(task, other)
    assert ReviewTask.objects.open().get().queue.key == "seniors"


def test_what_has_been_taken_up_is_not_offered_to_be_taken_back() -> None:
    client, user = signed_in()
    make.make_queue("seniors", kind="supervisor", groups=("supervisor",))
    task = a_task(claimed_by=user)
    answer = client.post(page_of(task), submission(client, task, aside="1", **ACTS["raise"]))
    raised = ReviewTask.objects.open().get()
    claims.claim(raised.pk, user=make.make_user("supervisor"), origin="test")
    assert "data-undo" not in client.get(answer["Location"]).content.decode()
    swapped = client.post(reverse("desk:undo", args=[task.pk]), headers={SWAP: "1"})
    assert swapped.status_code == 409
