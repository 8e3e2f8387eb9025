"""Claims: no task in two hands, nothing lost when a hand lets go."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from cases.clock import from_now
from cases.errors import Conflict, Forbidden, Invalid, Missing
from cases.models import AuditEvent
from cases.models.choices import Priority, State
from review import claims
from review.models import Notice, Profile, ReviewTask
from review.tasks import due_at
from tests.callers import Api
from tests.factories import make_case, make_case_type, make_decision, make_prediction, make_queue, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def take(user: User, **more: Any) -> ReviewTask:
    task = claims.claim_next(user, origin="test", **more)
    assert task is not None
    return task


def worker() -> User:
    """A reviewer who may hold as many as they like."""
    user = make_user("reviewer")
    Profile.objects.create(user=user, most_claims=1000)
    return user


def expire(task: ReviewTask) -> None:
    ReviewTask.objects.filter(pk=task.pk).update(lease_until=Now())


def test_a_claim_gives_the_task_a_lease_and_a_token_and_is_audited() -> None:
    task, user = make_task(), make_user("reviewer")
    mine = take(user)
    assert (mine.pk, mine.assignee_id, mine.lease_token) == (task.pk, user.pk, 1)
    assert ReviewTask.objects.claimed().filter(pk=task.pk, lease_until__gt=from_now(seconds=500)).exists()
    assert AuditEvent.objects.get(action="task.claimed").actor == user.username


def test_a_queue_whose_every_task_is_claimed_gives_nothing_and_no_error() -> None:
    make_task(claimed_by=make_user("reviewer"))
    assert claims.claim_next(make_user("reviewer"), origin="test") is None
    assert Api(make_user("reviewer")).post("/tasks/claim/").status_code == 204


def test_the_most_pressing_task_of_a_queue_comes_first() -> None:
    user, case_type = worker(), make_case_type()
    policy = case_type.policies.get()
    tasks = {}
    for priority in (Priority.LOW, Priority.NORMAL, Priority.URGENT, Priority.HIGH):
        due = due_at(policy, priority=priority, since=timezone.now())
        case = make_case(case_type, state=State.IN_REVIEW, priority=priority)
        tasks[priority] = make_task(case, due_at=due, priority=priority)
    order = [take(user).pk for _ in range(4)]
    assert order == [tasks[p].pk for p in (Priority.URGENT, Priority.HIGH, Priority.NORMAL, Priority.LOW)]


def test_what_is_overdue_longest_comes_first() -> None:
    now = timezone.now()
    late, later = make_task(due_at=now - timedelta(hours=1)), make_task(due_at=now - timedelta(hours=2))
    user = make_user("reviewer")
    assert [take(user).pk, take(user).pk] == [later.pk, late.pk]


def test_one_claims_only_from_ones_own_queues() -> None:
    make_task(queue=make_queue("experts", groups=("expert",)))
    user = make_user("reviewer")
    assert claims.claim_next(user, origin="test") is None
    with pytest.raises(Missing, match="no such queue") as told:
        claims.claim_next(user, origin="test", queue="experts")
    assert "queue" in told.value.errors


def test_a_task_in_somebody_elses_hands_is_refused_with_their_name() -> None:
    holder = make_user("reviewer")
    task = make_task(claimed_by=holder)
    with pytest.raises(Conflict, match=holder.username):
        claims.claim(task.pk, user=make_user("reviewer"), origin="test")


def test_claiming_again_what_one_holds_renews_the_token_and_ends_the_old_tab() -> None:
    user = make_user("reviewer")
    task = make_task(claimed_by=user)
    assert claims.claim(task.pk, user=user, origin="test").lease_token == 2
    with pytest.raises(Conflict):
        claims.heartbeat(task.pk, user=user, lease_token=1)
    claims.heartbeat(task.pk, user=user, lease_token=2)


def test_a_heartbeat_extends_the_lease_and_cannot_revive_a_dead_one() -> None:
    user = make_user("reviewer")
    task = make_task(claimed_by=user)
    ReviewTask.objects.filter(pk=task.pk).update(lease_until=from_now(seconds=5))
    claims.heartbeat(task.pk, user=user, lease_token=1)
    assert ReviewTask.objects.filter(pk=task.pk, lease_until__gt=from_now(seconds=500)).exists()
    expire(task)
    with pytest.raises(Conflict, match="claim it again"):
        claims.heartbeat(task.pk, user=user, lease_token=1)


def test_an_expired_claim_goes_back_is_written_down_and_the_late_one_is_told_who_has_it() -> None:
    late, next_one = make_user("reviewer"), make_user("reviewer")
    task = make_task(claimed_by=late)
    expire(task)
    assert claims.note_expired() == 1
    assert claims.note_expired() == 0
    assert AuditEvent.objects.get(action="task.lease_expired").data == {"assignee": late.pk}
    assert take(next_one).pk == task.pk
    with pytest.raises(Conflict, match=f"{next_one.username} holds this task now"):
        claims.release(task.pk, user=late, lease_token=1, origin="test")


def test_a_released_task_is_free_at_once() -> None:
    user = make_user("reviewer")
    task = make_task(claimed_by=user)
    claims.release(task.pk, user=user, lease_token=1, origin="test")
    with pytest.raises(Conflict):
        claims.release(task.pk, user=user, lease_token=1, origin="test")
    assert take(make_user("reviewer")).lease_token == 2
    assert AuditEvent.objects.filter(action="task.released").count() == 1


def test_a_supervisor_takes_a_task_away_with_a_reason_and_a_reviewer_may_not() -> None:
    holder, boss = make_user("reviewer"), make_user("supervisor")
    task = make_task(claimed_by=holder)
    with pytest.raises(Forbidden):
        claims.take_away(task.pk, by=make_user("reviewer"), reason="mine", origin="test")
    with pytest.raises(Invalid) as told:
        claims.take_away(task.pk, by=boss, reason="  ", origin="test")
    assert "reason" in told.value.errors
    claims.take_away(task.pk, by=boss, reason="gone home", origin="test")
    assert ReviewTask.objects.free().filter(pk=task.pk, assignee=None).exists()
    event = AuditEvent.objects.get(action="task.taken_away")
    assert (event.actor, event.data) == (boss.username, {"reason": "gone home", "from": holder.pk})
    with pytest.raises(Conflict):
        claims.take_away(task.pk, by=boss, reason="again", origin="test")


def test_raising_opens_a_task_in_a_more_senior_queue_with_the_note_and_the_old_due_time() -> None:
    user = make_user("reviewer")
    make_queue("experts", kind="expert", groups=("expert",))
    make_queue("seniors", kind="supervisor", groups=("supervisor",))
    task = make_task(claimed_by=user, trace=[{"need": "validation", "result": True}])
    with pytest.raises(Invalid):
        claims.raise_task(task.pk, user=user, lease_token=1, reason="", origin="test")
    raised = claims.raise_task(task.pk, user=user, lease_token=1, reason="beyond me", origin="test")
    task.refresh_from_db()
    assert (task.ending, raised.queue.key, raised.note) == ("raised", "experts", "beyond me")
    assert (raised.due_at, raised.trace, raised.assignee) == (task.due_at, task.trace, None)
    expert = make_user("expert")
    higher = claims.raise_task(
        raised.pk, user=expert, lease_token=take(expert).lease_token, reason="me too", origin="test"
    )
    assert higher.queue.key == "seniors"
    boss = make_user("supervisor")
    claims.claim(higher.pk, user=boss, origin="test")
    with pytest.raises(Conflict, match="no queue more senior"):
        claims.raise_task(higher.pk, user=boss, lease_token=1, reason="up", origin="test")


def test_a_task_of_the_most_senior_queue_there_is_is_not_raised_down() -> None:
    expert = make_user("expert")
    make_queue()
    task = make_task(queue=make_queue("experts", kind="expert", groups=("expert",)), claimed_by=expert)
    with pytest.raises(Conflict, match="no queue more senior"):
        claims.raise_task(task.pk, user=expert, lease_token=1, reason="up", origin="test")
    task.refresh_from_db()
    assert task.closed_at is None


def test_who_loses_a_task_to_a_supervisor_learns_it() -> None:
    user, boss = make_user("reviewer"), make_user("supervisor")
    task = make_task(claimed_by=user)
    claims.take_away(task.pk, by=boss, reason="You have gone home.", origin="test")
    (notice,) = Notice.objects.all()
    assert (notice.user, notice.sender, notice.kind, notice.task) == (user, boss, "taken_away", task)
    assert notice.text == "You have gone home."


def test_nobody_claims_the_second_approval_of_their_own_decision() -> None:
    queue = make_queue("seniors", kind="supervisor", groups=("supervisor",))
    first, second = make_user("supervisor"), make_user("supervisor")
    case = make_case(state=State.DECIDED)
    make_decision(case, by=first, held=True)
    task = make_task(case, queue=queue, reason="second_approval")
    assert claims.claim_next(first, origin="test") is None
    with pytest.raises(Conflict, match="somebody else"):
        claims.claim(task.pk, user=first, origin="test")
    assert take(second).pk == task.pk


def test_a_closed_task_cannot_be_claimed_and_says_what_became_of_it() -> None:
    user = make_user("reviewer")
    task = make_task()
    make_decision(task.case, by=user, task=task)
    with pytest.raises(Conflict, match=f"decided by {user.username}"):
        claims.claim(task.pk, user=make_user("reviewer"), origin="test")


def test_claiming_takes_the_same_few_queries_however_many_tasks_wait(django_assert_max_num_queries: Any) -> None:
    case_type = make_case_type()
    for _ in range(30):
        make_task(make_case(case_type, state=State.IN_REVIEW))
    api = Api(make_user("reviewer"))
    with django_assert_max_num_queries(20):
        assert api.post("/tasks/claim/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_twenty_reviewers_share_500_tasks_and_no_task_is_taken_twice() -> None:
    queue, case_type = make_queue(), make_case_type()
    policy = case_type.policies.get()
    cases = [make_case(case_type, state=State.IN_REVIEW, payload={"text": "x"}) for _ in range(500)]
    due = timezone.now() + timedelta(hours=1)
    ReviewTask.objects.bulk_create(
        ReviewTask(case=case, case_type=case_type, queue=queue, policy=policy, reason="validation", due_at=due)
        for case in cases
    )
    users = [worker() for _ in range(20)]
    taken: list[tuple[int, int]] = []
    start = threading.Barrier(20)

    def works(user: User) -> None:
        start.wait()
        while task := claims.claim_next(user, origin="test"):
            taken.append((task.pk, task.lease_token))
        connection.close()

    threads = [threading.Thread(target=works, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(150)
    assert len(taken) == 500
    assert len({pk for pk, _ in taken}) == 500
    assert {token for _, token in taken} == {1}
    assert ReviewTask.objects.claimed().count() == 500


def test_a_blind_task_that_is_raised_stays_blind() -> None:
    user = make_user("reviewer")
    make_queue("experts", kind="expert", groups=("expert",))
    task = make_task(claimed_by=user, blind=True)
    make_prediction(task.case)
    raised = claims.raise_task(task.pk, user=user, lease_token=1, reason="hard", origin="test")
    assert (raised.blind, raised.first_answer) == (True, None)
