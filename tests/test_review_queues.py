"""How the queues stand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from cases.models.choices import State
from review.models import ReviewTask
from review.queues import standings
from tests.callers import Api
from tests.factories import make_case, make_case_type, make_decision, make_queue, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def test_waiting_claimed_late_and_the_oldest_are_counted_by_queue() -> None:
    front, empty, case_type = make_queue(), make_queue("empty"), make_case_type()
    first, late, held, done = (make_task(make_case(case_type, state=State.IN_REVIEW)) for _ in range(4))
    oldest = timezone.now() - timedelta(days=3)
    ReviewTask.objects.filter(pk=first.pk).update(opened_at=oldest)
    ReviewTask.objects.filter(pk=late.pk).update(due_at=oldest)
    soon = timezone.now() + timedelta(minutes=5)
    ReviewTask.objects.filter(pk=held.pk).update(assignee=make_user("reviewer"), lease_until=soon)
    make_decision(done.case, task=done)
    counts = standings([front, empty])
    assert counts[front.pk] == {"waiting": 2, "claimed": 1, "overdue": 1, "oldest": oldest}
    assert counts[empty.pk] == {"waiting": 0, "claimed": 0, "overdue": 0, "oldest": None}


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
