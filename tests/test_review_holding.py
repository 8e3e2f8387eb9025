"""Putting a task down: on hold, snoozed, skipped. Nothing is lost, and nobody is given what they put down at once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from cases.errors import Conflict, Invalid
from cases.models import AuditEvent
from review import claims, holding
from review.models import Note, Profile, ReviewTask, Skip
from review.people import deactivate
from tests.callers import Api
from tests.factories import make_queue, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def held(user: User, reason: str = "the customer was asked for a copy") -> ReviewTask:
    task = make_task(claimed_by=user)
    holding.hold(task.pk, user=user, lease_token=1, reason=reason, origin="test")
    task.refresh_from_db()
    return task


def test_a_held_task_stays_with_its_holder_without_time_limit() -> None:
    user = make_user("reviewer")
    task = held(user)
    assert (task.assignee, task.hold_reason) == (user, "the customer was asked for a copy")
    assert task.lease_until > timezone.now() + timedelta(days=3000)
    assert list(holding.held_by(user)) == [task]
    assert claims.note_expired() == 0
    assert claims.claim_next(make_user("reviewer"), origin="test") is None


def test_holding_needs_a_reason_and_a_running_claim() -> None:
    user = make_user("reviewer")
    task = make_task(claimed_by=user)
    with pytest.raises(Invalid) as told:
        holding.hold(task.pk, user=user, lease_token=1, reason=" \x00 ", origin="test")
    assert list(told.value.errors) == ["reason"]
    with pytest.raises(Conflict):
        holding.hold(task.pk, user=user, lease_token=7, reason="why", origin="test")
    assert not ReviewTask.objects.get().hold_reason


def test_what_is_on_hold_does_not_count_against_the_most_claims() -> None:
    user = make_user("reviewer")
    Profile.objects.create(user=user, most_claims=1)
    held(user)
    task = make_task()
    assert claims.claim(task.pk, user=user, origin="test").pk == task.pk
    with pytest.raises(Conflict, match="as many as you may"):
        holding.resume(holding.held_by(user).get().pk, user=user, origin="test")


def test_resuming_gives_an_ordinary_lease_under_a_new_token() -> None:
    user = make_user("reviewer")
    task = holding.resume(held(user).pk, user=user, origin="test")
    task.refresh_from_db()
    assert (task.lease_token, task.hold_reason) == (2, "")
    assert task.lease_until < timezone.now() + timedelta(hours=1)
    with pytest.raises(Conflict, match="not on hold"):
        holding.resume(task.pk, user=user, origin="test")


def test_a_heartbeat_does_not_cut_a_hold_short() -> None:
    user = make_user("reviewer")
    task = held(user)
    assert claims.heartbeat(task.pk, user=user, lease_token=1) > timezone.now() + timedelta(days=3000)


def test_a_supervisor_can_take_a_held_task_away_and_its_holder_is_told_who_did() -> None:
    user, supervisor = make_user("reviewer"), make_user("supervisor")
    task = held(user)
    claims.take_away(task.pk, by=supervisor, reason="rita is on holiday", origin="test")
    task.refresh_from_db()
    assert (task.assignee, task.hold_reason) == (None, "")
    assert claims.lost_because(task.pk, user) == f"{supervisor.username} has taken this task away from you."
    assert claims.claim_next(make_user("reviewer"), origin="test") == task


def test_whoever_leaves_holds_nothing_back() -> None:
    user = make_user("reviewer")
    task = held(user)
    deactivate(user, by=make_user("administrator"))
    task.refresh_from_db()
    assert (task.assignee, task.hold_reason) == (None, "")


def test_a_snoozed_task_is_nobodys_until_its_moment_and_then_anybodys() -> None:
    user, until = make_user("reviewer"), timezone.now() + timedelta(minutes=30)
    task = make_task(claimed_by=user)
    late = holding.snooze(task.pk, user=user, lease_token=1, until=until, reason="lunch", origin="test")
    assert late is False
    task.refresh_from_db()
    assert (task.assignee, task.lease_until) == (None, until)
    assert claims.claim_next(make_user("reviewer"), origin="test") is None
    assert "snoozed until" in claims.lost_because(task.pk, user)
    assert Note.objects.get().text == "lunch"
    ReviewTask.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert claims.claim_next(make_user("reviewer"), origin="test") == task


def test_a_snooze_past_the_due_date_says_so() -> None:
    user = make_user("reviewer")
    task = make_task(claimed_by=user)
    until = task.due_at + timedelta(minutes=1)
    assert holding.snooze(task.pk, user=user, lease_token=1, until=until, origin="test") is True


@pytest.mark.parametrize("span", [timedelta(seconds=-1), timedelta(days=31)])
def test_a_snooze_is_for_a_moment_to_come_and_for_thirty_days_at_most(span: timedelta) -> None:
    user = make_user("reviewer")
    task = make_task(claimed_by=user)
    with pytest.raises(Invalid) as told:
        holding.snooze(task.pk, user=user, lease_token=1, until=timezone.now() + span, origin="test")
    assert list(told.value.errors) == ["until"]
    assert ReviewTask.objects.get().assignee == user


def test_a_snoozed_task_can_be_woken_by_whoever_works_in_its_queue() -> None:
    user = make_user("reviewer")
    task = make_task(claimed_by=user)
    holding.snooze(task.pk, user=user, lease_token=1, until=timezone.now() + timedelta(hours=3), origin="test")
    holding.wake(task.pk, user=make_user("reviewer"), origin="test")
    assert claims.claim_next(user, origin="test") == task
    with pytest.raises(Conflict, match="not snoozed"):
        holding.wake(task.pk, user=user, origin="test")


def test_who_skips_a_task_is_not_given_it_again_but_others_are_and_they_may_still_ask_for_it() -> None:
    user, other = make_user("reviewer"), make_user("reviewer")
    task = make_task(claimed_by=user)
    holding.skip(task.pk, user=user, lease_token=1, reason="I know the sender", origin="test")
    assert claims.claim_next(user, origin="test") is None
    assert list(holding.skipped_by(user)) == [task]
    assert claims.claim_next(other, origin="test") == task
    claims.release(task.pk, user=other, lease_token=2, origin="test")
    assert claims.claim(task.pk, user=user, origin="test") == task
    assert not Skip.objects.exists()


def test_a_skip_wears_off() -> None:
    user = make_user("reviewer")
    task = make_task(claimed_by=user)
    holding.skip(task.pk, user=user, lease_token=1, reason="not now", origin="test")
    Skip.objects.update(until=timezone.now() - timedelta(seconds=1))
    assert claims.claim_next(user, origin="test") == task


def test_every_way_of_putting_down_is_audited_without_what_the_person_wrote() -> None:
    user = make_user("reviewer")
    held(user, reason="private matter")
    task = make_task(claimed_by=user)
    holding.skip(task.pk, user=user, lease_token=1, reason="private matter", origin="test")
    events = AuditEvent.objects.filter(action__in=["task.held", "task.skipped"])
    assert events.count() == 2
    assert not events.filter(data__icontains="private").exists()


def test_the_api_holds_lists_and_resumes() -> None:
    user = make_user("reviewer")
    task, api = make_task(claimed_by=user), Api(user)
    assert api.post(f"/tasks/{task.pk}/hold/", {"lease_token": 1, "reason": ""}).status_code == 422
    assert api.post(f"/tasks/{task.pk}/hold/", {"lease_token": 1, "reason": "waiting", "x": 1}).status_code == 422
    assert api.post(f"/tasks/{task.pk}/hold/", {"lease_token": 1, "reason": "waiting"}).status_code == 204
    make_task()
    (row,) = api.get("/tasks/?held=true").json()["results"]
    assert (row["id"], row["hold_reason"]) == (task.pk, "waiting")
    assert task.pk not in [row["id"] for row in api.get("/tasks/?held=false").json()["results"]]
    answer = api.post(f"/tasks/{task.pk}/resume/")
    assert (answer.status_code, answer.json()["lease_token"]) == (200, 2)


def test_the_api_snoozes_wakes_and_skips() -> None:
    user = make_user("reviewer")
    task, api = make_task(claimed_by=user), Api(user)
    until = (timezone.now() + timedelta(hours=2)).isoformat()
    body = {"lease_token": 1, "until": until}
    assert api.post(f"/tasks/{task.pk}/snooze/", {**body, "until": "tomorrow"}).status_code == 422
    assert api.post(f"/tasks/{task.pk}/snooze/", body).json() == {"late": True}
    assert api.get("/tasks/").json()["results"][0]["snoozed_until"]
    assert api.post(f"/tasks/{task.pk}/wake/").status_code == 204
    claimed = api.post("/tasks/claim/").json()
    body = {"lease_token": claimed["lease_token"], "reason": "conflict of interest"}
    assert api.post(f"/tasks/{task.pk}/skip/", body).status_code == 204
    assert api.post("/tasks/claim/").status_code == 204


def test_a_task_of_somebody_elses_queue_cannot_be_put_down() -> None:
    task = make_task(queue=make_queue("elsewhere", groups=("expert",)))
    api = Api(make_user("reviewer"))
    body = {"lease_token": 0, "reason": "x"}
    assert api.post(f"/tasks/{task.pk}/hold/", body).status_code == 404
    assert api.post(f"/tasks/{task.pk}/skip/", body).status_code == 404
    assert api.post(f"/tasks/{task.pk}/wake/").status_code == 404
