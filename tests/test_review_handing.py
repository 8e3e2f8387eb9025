"""Putting a task into other hands, and asking for help."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases.errors import Conflict, Forbidden, Invalid, Missing
from cases.models import AuditEvent
from cases.models.choices import Reason
from review import claims, handing, holding
from review.models import Note, Notice, Profile, ReviewTask, Skill
from tests.callers import Api
from tests.factories import make_decision, make_queue, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def give(task: ReviewTask, **more: Any) -> ReviewTask:
    told: dict[str, Any] = {"lease_token": 1, "note": "You know this customer.", "origin": "test"}
    return handing.hand_to_person(task.pk, **{**told, **more})


def test_a_task_handed_to_a_person_waits_for_them_and_they_are_told() -> None:
    user, other = make_user("reviewer"), make_user("reviewer")
    task = make_task(claimed_by=user)
    again = give(task, user=user, to=other.username)
    task.refresh_from_db()
    assert (task.ending, again.case, again.queue, again.note) == (
        "handed_over",
        task.case,
        task.queue,
        "You know this customer.",
    )
    assert list(handing.waiting_for(other)) == [again]
    notice = Notice.objects.get()
    assert (notice.user, notice.kind, notice.task, notice.sender) == (other, "handed_over", again, user)
    assert claims.claim_next(user, origin="test") is None
    claimed = claims.claim(again.pk, user=other, origin="test")
    assert claimed.lease_token == 1
    assert not handing.waiting_for(other).exists()
    assert AuditEvent.objects.get(action="task.handed_over").data == {"to": other.username, "from": user.pk}


def test_what_nobody_takes_up_returns_to_the_queue() -> None:
    user, other, third = make_user("reviewer"), make_user("reviewer"), make_user("reviewer")
    again = give(make_task(claimed_by=user), user=user, to=other.username)
    assert timedelta(hours=3) < again.lease_until - timezone.now() < timedelta(hours=5)
    ReviewTask.objects.filter(pk=again.pk).update(lease_until=timezone.now() - timedelta(seconds=1))
    assert claims.claim_next(third, origin="test") == again


def test_what_is_put_into_ones_hands_counts_against_nothing_and_asks_for_no_skill() -> None:
    user, other = make_user("reviewer"), make_user("reviewer")
    Profile.objects.create(user=other, most_claims=1)
    Skill.objects.create(user=other, language="es")
    task = make_task(claimed_by=user, language="fr")
    again = give(task, user=user, to=other.username)
    assert claims.claim(again.pk, user=other, origin="test") == again


@pytest.mark.parametrize("who", ["nobody", "themselves", "an outsider", "a deactivated one"])
def test_a_task_goes_only_to_somebody_who_works_in_its_queue(who: str) -> None:
    user = make_user("reviewer")
    names = {
        "nobody": "no-such-person",
        "themselves": user.username,
        "an outsider": make_user("manager").username,
        "a deactivated one": make_user("reviewer", is_active=False).username,
    }
    task = make_task(claimed_by=user)
    with pytest.raises(Invalid, match="not handed over") as told:
        give(task, user=user, to=names[who])
    assert list(told.value.errors) == ["user"]
    task.refresh_from_db()
    assert task.closed_at is None


def test_a_second_approval_goes_to_who_may_give_it_and_never_to_who_decided() -> None:
    supervisors = make_queue("supervisors", groups=("supervisor",), kind="supervisor")
    user, decider, other = (make_user("supervisor") for _ in range(3))
    task = make_task(claimed_by=user, queue=supervisors, reason=Reason.SECOND_APPROVAL)
    make_decision(task.case, by=decider, held=True)
    assert [person.pk for person in handing.people_for(task, but=user)] == [other.pk]
    with pytest.raises(Invalid):
        give(task, user=user, to=decider.username)
    assert give(task, user=user, to=other.username).assignee == other


def test_handing_over_needs_a_note_and_ones_own_claim() -> None:
    user, other = make_user("reviewer"), make_user("reviewer")
    task = make_task(claimed_by=user)
    with pytest.raises(Invalid):
        give(task, user=user, to=other.username, note="  ")
    with pytest.raises(Conflict):
        give(task, user=user, to=other.username, lease_token=9)
    with pytest.raises(Forbidden):
        give(task, user=user, to=other.username, lease_token=None)


def test_a_supervisor_hands_over_anybodys_task_even_one_on_hold() -> None:
    user, other, supervisor = make_user("reviewer"), make_user("reviewer"), make_user("supervisor")
    task = make_task(claimed_by=user)
    holding.hold(task.pk, user=user, lease_token=1, reason="waiting", origin="test")
    again = give(task, user=supervisor, to=other.username, lease_token=None)
    assert (again.assignee, again.hold_reason) == (other, "")
    with pytest.raises(Conflict):
        give(task, user=supervisor, to=other.username, lease_token=None)


def test_a_task_handed_to_a_group_waits_in_its_queue_with_the_note() -> None:
    user, expert = make_user("reviewer"), make_user("expert")
    experts = make_queue("experts", groups=("expert",), kind="expert")
    task = make_task(claimed_by=user)
    told: dict[str, Any] = {"user": user, "note": "A matter of tax.", "lease_token": 1, "origin": "test"}
    again = handing.hand_to_queue(task.pk, to="experts", **told)
    assert (again.queue, again.assignee, again.note, again.due_at) == (experts, None, "A matter of tax.", task.due_at)
    assert claims.claim_next(expert, origin="test") == again


def test_quality_work_stays_with_quality_and_ordinary_work_out_of_it() -> None:
    quality = make_queue("quality", groups=("auditor",), kind="quality")
    user = make_user("reviewer")
    ordinary, sample = make_task(claimed_by=user), make_task(queue=quality, reason=Reason.SAMPLE)
    make_queue("experts", groups=("expert",), kind="expert")
    assert [queue.key for queue in handing.queues_for(ordinary)] == ["experts"]
    assert not handing.queues_for(sample).exists()
    with pytest.raises(Invalid):
        handing.hand_to_queue(ordinary.pk, user=user, to="quality", note="x", lease_token=1, origin="test")


def test_a_blind_task_is_read_blind_anew_by_the_next_person() -> None:
    user, other = make_user("reviewer"), make_user("reviewer")
    task = make_task(claimed_by=user, blind=True, first_answer={"label": "refund"})
    again = give(task, user=user, to=other.username)
    assert (again.blind, again.first_answer) == (True, None)


def test_a_question_goes_to_those_on_duty_and_the_task_stays() -> None:
    user, on_duty = make_user("reviewer"), make_user("reviewer")
    make_user("reviewer")
    Profile.objects.create(user=on_duty, on_duty=True)
    task = make_task(claimed_by=user)
    asked = handing.ask_help(task.pk, user=user, question="Is this ours?", origin="test")
    assert asked == [on_duty.username]
    assert (Note.objects.get().text, Notice.objects.get().kind) == ("Is this ours?", "help")
    assert ReviewTask.objects.get().assignee == user


def test_whoever_is_asked_may_answer_beside_the_case() -> None:
    user, other = make_user("reviewer"), make_user("reviewer")
    task = make_task(claimed_by=user)
    api = Api(other)
    assert api.post(f"/cases/{task.case_id}/notes/", {"text": "early"}).status_code == 403
    handing.ask_help(task.pk, user=user, question="Is this ours?", to=other.username, origin="test")
    assert api.post(f"/cases/{task.case_id}/notes/", {"text": "Yes."}).status_code == 201


def test_help_is_not_asked_of_who_may_not_see_the_case_or_of_nobody() -> None:
    user = make_user("reviewer")
    task = make_task(claimed_by=user)
    for to in ("", "no-such-person", make_user("manager").username):
        with pytest.raises(Invalid, match="Nobody was asked"):
            handing.ask_help(task.pk, user=user, question="Is this ours?", to=to, origin="test")
    assert not Note.objects.exists()


def test_a_task_one_may_not_see_cannot_be_handed_over() -> None:
    task = make_task(queue=make_queue("elsewhere", groups=("expert",)))
    with pytest.raises(Missing):
        give(task, user=make_user("reviewer"), to="rita")


def test_the_api_assigns_to_a_person_or_a_queue_and_not_to_both() -> None:
    user, other = make_user("reviewer"), make_user("reviewer")
    make_queue("experts", groups=("expert",), kind="expert")
    task, api = make_task(claimed_by=user), Api(user)
    path, body = f"/tasks/{task.pk}/assign/", {"lease_token": 1, "note": "please"}
    assert api.post(path, body).status_code == 422
    assert api.post(path, {**body, "user": other.username, "queue": "experts"}).status_code == 422
    answer = api.post(path, {**body, "user": other.username}).json()
    assert (answer["assignee"], answer["note"]) == (other.username, "please")
    assert Api(other).post(f"/tasks/{answer['id']}/claim/").status_code == 200
    supervisor = Api(make_user("supervisor"))
    moved = supervisor.post(f"/tasks/{answer['id']}/assign/", {"queue": "experts", "note": "for you"})
    assert moved.json()["queue"] == "experts"
    assert api.post(f"/tasks/{moved.json()['id']}/assign/", {"queue": "front-desk", "note": "x"}).status_code in (
        403,
        404,
    )


def test_the_api_asks_for_help_and_takes_away() -> None:
    user, other = make_user("reviewer"), make_user("reviewer")
    task = make_task(claimed_by=user)
    asked = Api(user).post(f"/tasks/{task.pk}/help/", {"question": "Is this ours?", "to": other.username})
    assert asked.json() == {"asked": [other.username]}
    assert Api(other).post(f"/tasks/{task.pk}/take-away/", {"reason": "mine"}).status_code == 403
    supervisor = Api(make_user("supervisor"))
    assert supervisor.post(f"/tasks/{task.pk}/take-away/", {"reason": ""}).status_code == 422
    assert supervisor.post(f"/tasks/{task.pk}/take-away/", {"reason": "rita is ill"}).status_code == 204
    assert ReviewTask.objects.get().assignee is None
