"""How the queues stand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases.models.choices import State
from review import claims
from review.forecast import HORIZON
from review.models import Queue, ReviewTask
from review.queues import Standing, outlooks, stand, stand_and_outlook, workers
from tests.callers import Api
from tests.factories import make_case, make_case_type, make_decision, make_queue, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def standing(queue: Queue) -> Standing:
    [(_queue, found)] = stand(Queue.objects.filter(pk=queue.pk))
    return found


def test_waiting_claimed_held_snoozed_and_late_are_counted_by_queue() -> None:
    front, empty, case_type = make_queue(), make_queue("empty"), make_case_type()
    made = [make_task(make_case(case_type, state=State.IN_REVIEW)) for _ in range(6)]
    _first, late, claimed, held, snoozed, done = (ReviewTask.objects.filter(pk=task.pk) for task in made)
    soon, long_ago = timezone.now() + timedelta(minutes=5), timezone.now() - timedelta(days=3)
    late.update(due_at=long_ago)
    claimed.update(assignee=make_user("reviewer"), lease_until=soon)
    held.update(assignee=make_user("reviewer"), lease_until=soon + timedelta(days=900), hold_reason="a call back")
    snoozed.update(lease_until=soon)
    make_decision(done.get().case, task=done.get())
    counts = standing(front)
    assert (counts.open, counts.waiting, counts.claimed, counts.held, counts.snoozed) == (5, 2, 1, 1, 1)
    assert (counts.overdue, counts.next_due) == (1, long_ago)
    assert standing(empty) == Standing()


def test_the_oldest_wait_is_that_of_the_oldest_open_task_and_not_the_newest() -> None:
    queue, case_type = make_queue(), make_case_type()
    made = [make_task(make_case(case_type, state=State.IN_REVIEW)) for _ in range(4)]
    ages = [timedelta(hours=2), timedelta(days=3), timedelta(minutes=1), timedelta(days=30)]
    opened = [timezone.now() - age for age in ages]
    for task, moment in zip(made, opened, strict=True):
        ReviewTask.objects.filter(pk=task.pk).update(opened_at=moment)
    make_decision(made[3].case, task=made[3])  # older still, and done
    assert standing(queue).oldest == opened[1]


def test_counting_stops_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("review.queues.MOST_COUNTED", 2)
    case_type = make_case_type()
    for _ in range(4):
        make_task(make_case(case_type, state=State.IN_REVIEW))
    assert standing(make_queue()).waiting == 2


def test_the_pace_counts_what_came_and_what_left_lately() -> None:
    queue, case_type, now = make_queue(), make_case_type(), timezone.now()
    made = [make_task(make_case(case_type, state=State.IN_REVIEW)) for _ in range(4)]
    for n, task in enumerate(made):
        opened = now - timedelta(hours=(1, 2, 3, 9)[n])
        ReviewTask.objects.filter(pk=task.pk).update(opened_at=opened, due_at=opened + timedelta(hours=2))
    ReviewTask.objects.filter(pk__in=[made[0].pk, made[3].pk]).update(closed_at=now - timedelta(minutes=5))
    ReviewTask.objects.filter(pk=made[1].pk).update(closed_at=now - timedelta(hours=5))
    read = stand_and_outlook(Queue.objects.filter(pk=queue.pk), now=now)
    assert read
    _queue, found, outlook = read
    assert (outlook.pace.arrived, outlook.pace.finished, outlook.pace.promised) == (3, 2, timedelta(hours=2))
    assert found.open == 1
    assert [count for _moment, count in outlook.due] == [1] * HORIZON


def test_who_works_here_is_who_holds_a_task_under_a_running_lease() -> None:
    queue, case_type = make_queue(), make_case_type()
    ann, ben, gone = (make_user("reviewer", username=name) for name in ("ann", "ben", "gone"))
    for user in (ben, ann, ann):
        make_task(make_case(case_type, state=State.IN_REVIEW), claimed_by=user)
    expired = timezone.now() - timedelta(minutes=1)
    make_task(make_case(case_type, state=State.IN_REVIEW), claimed_by=gone, lease_until=expired)
    assert workers(queue) == [ann, ben]


def test_a_queue_whose_every_task_is_claimed_does_not_look_empty() -> None:
    make_task(claimed_by=make_user("reviewer"))
    [queue] = Api(make_user("reviewer")).get("/queues/").json()["results"]
    assert (queue["waiting"], queue["claimed"]) == (0, 1)
    assert queue["oldest"].endswith("Z")


def test_one_sees_only_the_queues_one_works_in_and_a_supervisor_all() -> None:
    make_queue()
    make_queue("experts", groups=("expert",))
    keys = {queue["key"] for queue in Api(make_user("reviewer")).get("/queues/").json()["results"]}
    assert keys == {"front-desk"}
    assert {"front-desk", "experts"} <= {
        q["key"] for q in Api(make_user("supervisor")).get("/queues/").json()["results"]
    }


def test_the_queues_take_the_same_few_queries_however_many(django_assert_max_num_queries: Any) -> None:
    api = Api(make_user("reviewer"))
    for n in range(12):
        make_task(queue=make_queue(f"queue-{n}"))
    with django_assert_max_num_queries(12):
        assert len(api.get("/queues/").json()["results"]) >= 12


def test_five_hundred_queues_are_counted_and_one_task_among_them_is_found() -> None:
    user, case_type, last = make_user("reviewer"), make_case_type(), make_queue("last")
    made = Queue.objects.bulk_create(Queue(key=f"queue-{number}", name=f"Queue {number}") for number in range(500))
    Queue.groups.through.objects.bulk_create(
        Queue.groups.through(queue=queue, group=user.groups.get()) for queue in made
    )
    task = make_task(make_case(case_type, state=State.IN_REVIEW), queue=last)
    assert {queue.pk: found.open for queue, found in stand(Queue.objects.all()) if found.open} == {last.pk: 1}
    assert len(outlooks(Queue.objects.all(), now=timezone.now())) == Queue.objects.count() > 500
    claimed = claims.claim_next(user, origin="test")
    assert claimed is not None
    assert claimed.pk == task.pk
