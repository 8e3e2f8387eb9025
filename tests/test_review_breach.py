"""Late tasks: seen once, told, put up again or raised; never taken from who works on them and never decided."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone

from cases.clock import from_now
from cases.models import AuditEvent, Effect
from cases.models.choices import Reason, State
from review import breach
from review.models import Decision, Notice, Profile, Queue, ReviewTask
from tests.factories import make_case, make_case_type, make_endpoint, make_queue, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def late(**fields: Any) -> ReviewTask:
    return make_task(due_at=timezone.now() - timedelta(minutes=5), **fields)


def on_duty(role: str = "reviewer") -> User:
    user = make_user(role)
    Profile.objects.create(user=user, on_duty=True)
    return user


def front(on_breach: str) -> Queue:
    queue = make_queue()
    Queue.objects.filter(pk=queue.pk).update(on_breach=on_breach)
    return Queue.objects.get(pk=queue.pk)


def done() -> list[str]:
    return [event.data["done"] for event in AuditEvent.objects.filter(action="task.breached").order_by("id")]


def told(kind: str = "late") -> set[str]:
    return set(Notice.objects.filter(kind=kind).values_list("user__username", flat=True))


def test_a_late_task_is_written_down_once_and_told_to_those_on_duty() -> None:
    watcher, _away = on_duty(), make_user("reviewer")
    task = late()
    make_task()
    assert breach.see_batch() == 1
    assert breach.see_batch() == 0
    task.refresh_from_db()
    assert task.breached_at is not None
    assert done() == ["alerted"]
    [notice] = Notice.objects.all()
    assert (notice.user, notice.kind, notice.task, notice.text) == (watcher, "late", task, task.queue.name)


def test_only_those_who_may_claim_there_and_read_it_are_told() -> None:
    on_duty("expert")
    spanish, watcher = on_duty(), on_duty()
    spanish.skills.create(language="es")
    late(language="de")
    breach.see_batch()
    assert told() == {watcher.username}


def test_the_outside_is_told_without_the_content_and_without_holding_the_case_back() -> None:
    make_endpoint(events=["task.breached"])
    task = late()
    breach.see_batch()
    [effect] = Effect.objects.all()
    assert (effect.event, effect.blocking) == ("task.breached", False)
    assert effect.body["task"]["id"] == task.pk
    assert effect.body["task"]["done"] == "alerted"
    assert "payload" not in str(effect.body)


def test_who_works_on_a_late_task_keeps_it_and_is_told() -> None:
    holder = make_user("reviewer")
    task = late(queue=front("reassign"), claimed_by=holder)
    breach.see_batch()
    task.refresh_from_db()
    assert (task.assignee, done(), told("mine_late")) == (holder, ["alerted"], {holder.username})
    assert told() == set()


def test_who_holds_a_task_and_is_on_duty_is_told_once_of_it() -> None:
    holder, other = on_duty(), on_duty()
    late(claimed_by=holder)
    breach.see_batch()
    assert (told("mine_late"), told()) == ({holder.username}, {other.username})


def test_who_had_a_late_task_on_hold_is_told_though_it_is_raised() -> None:
    make_queue("experts", kind="expert", groups=("expert",))
    holder = make_user("reviewer")
    late(queue=front("raise"), claimed_by=holder, hold_reason="waits for the bank")
    breach.see_batch()
    assert (done(), told("mine_late")) == (["raised"], {holder.username})


def due(*, minutes: float, promised: float = 120, **fields: Any) -> ReviewTask:
    now = timezone.now()
    task = make_task(due_at=now + timedelta(minutes=minutes), **fields)
    ReviewTask.objects.filter(pk=task.pk).update(opened_at=task.due_at - timedelta(minutes=promised))
    return task


def test_who_holds_a_task_is_told_once_before_it_is_late() -> None:
    holder = make_user("reviewer")
    task = due(minutes=10, claimed_by=holder)
    due(minutes=40, claimed_by=holder)
    due(minutes=10)
    assert (breach.warn_holders(), breach.warn_holders()) == (1, 0)
    [notice] = Notice.objects.all()
    assert (notice.user, notice.kind, notice.task, notice.text) == (holder, "due_soon", task, task.queue.name)
    task.refresh_from_db()
    assert (task.assignee, task.closed_at) == (holder, None)


def test_of_a_short_promise_one_is_told_in_its_last_quarter_alone() -> None:
    holder = make_user("reviewer")
    due(minutes=10, promised=15, claimed_by=holder)
    assert breach.warn_holders() == 0
    due(minutes=3, promised=15, claimed_by=holder)
    assert breach.warn_holders() == 1


def test_who_takes_a_task_up_late_in_its_time_is_told_too() -> None:
    first, second = make_user("reviewer"), make_user("reviewer")
    task = due(minutes=5, claimed_by=first)
    breach.warn_holders()
    ReviewTask.objects.filter(pk=task.pk).update(assignee=second)
    assert breach.warn_holders() == 1
    assert told("due_soon") == {first.username, second.username}


def test_what_is_on_hold_is_put_up_again_with_a_note_of_who_had_it_and_why() -> None:
    holder = make_user("reviewer")
    task = late(queue=front("reassign"), claimed_by=holder, hold_reason="waits for the bank", note="Look at the date.")
    ReviewTask.objects.filter(pk=task.pk).update(lease_until=from_now(days=3000))
    breach.see_batch()
    task.refresh_from_db()
    assert ReviewTask.objects.free().filter(pk=task.pk, assignee=None, hold_reason="").exists()
    assert task.note.startswith("Look at the date.\n")
    assert f"{holder.username} had it on hold: waits for the bank" in task.note
    assert (done(), told("mine_late")) == (["put up again"], {holder.username})


def test_what_was_let_lapse_or_snoozed_is_put_up_again() -> None:
    queue = front("reassign")
    lapsed, snoozed, free = late(queue=queue, claimed_by=make_user("reviewer")), late(queue=queue), late(queue=queue)
    ReviewTask.objects.filter(pk=lapsed.pk).update(lease_until=from_now(seconds=-60))
    ReviewTask.objects.filter(pk=snoozed.pk).update(lease_until=from_now(days=2))
    breach.see_batch()
    assert ReviewTask.objects.free().filter(assignee=None).count() == 3
    events = {event.object_id: event.data["done"] for event in AuditEvent.objects.filter(action="task.breached")}
    assert events == {lapsed.pk: "put up again", snoozed.pk: "put up again", free.pk: "alerted"}


def test_what_is_on_hold_stays_so_where_the_queue_only_alerts() -> None:
    task = late(claimed_by=make_user("reviewer"), hold_reason="waits")
    breach.see_batch()
    task.refresh_from_db()
    assert (task.hold_reason, task.assignee is None) == ("waits", False)


def test_a_late_task_is_raised_to_a_more_senior_queue_first_in_line_and_only_once() -> None:
    make_queue("experts", kind="expert", groups=("expert",), on_breach="raise")
    expert = on_duty("expert")
    task = late(queue=front("raise"), blind=True, trace=[{"need": "validation", "result": True}], note="Hm.")
    assert breach.see_batch() == 1
    assert breach.see_batch() == 0
    task.refresh_from_db()
    raised = ReviewTask.objects.open().get(case=task.case)
    assert (task.ending, raised.queue.key, raised.due_at) == ("raised", "experts", task.due_at)
    assert (raised.blind, raised.trace, raised.note) == (True, task.trace, "Hm.\nRaised because it is late.")
    assert (done(), told()) == (["raised"], {expert.username})
    assert AuditEvent.objects.get(action="task.raised").data == {"to": "experts", "because": "late"}


def test_where_no_queue_is_more_senior_those_on_duty_are_told_and_it_stays() -> None:
    boss = on_duty("supervisor")
    task = late(queue=make_queue("seniors", kind="supervisor", groups=("supervisor",), on_breach="raise"))
    breach.see_batch()
    assert ReviewTask.objects.open().get().pk == task.pk
    assert (done(), told()) == (["alerted"], {boss.username})


@pytest.mark.parametrize("reason", [Reason.SECOND_READ, Reason.SECOND_APPROVAL, Reason.SAMPLE])
def test_an_independent_reading_is_never_raised(reason: str) -> None:
    make_queue("experts", kind="expert", groups=("expert",))
    task = late(queue=front("raise"), reason=reason)
    breach.see_batch()
    assert ReviewTask.objects.open().get().pk == task.pk


@pytest.mark.parametrize("on_breach", Queue.OnBreach.values)
def test_being_late_decides_nothing(on_breach: str) -> None:
    make_queue("experts", kind="expert", groups=("expert",))
    task = late(queue=front(on_breach))
    breach.see_batch()
    task.case.refresh_from_db()
    assert not Decision.objects.exists()
    assert task.case.state == State.IN_REVIEW
    assert ReviewTask.objects.open().filter(case=task.case).count() == 1


def many(count: int) -> None:
    case_type, queue = make_case_type(), front("raise")
    make_queue("experts", kind="expert", groups=("expert",))
    policy = case_type.policies.get()
    due = timezone.now() - timedelta(hours=1)
    ReviewTask.objects.bulk_create(
        ReviewTask(case=case, case_type=case_type, queue=queue, policy=policy, reason="validation", due_at=due)
        for case in [make_case(case_type, state=State.IN_REVIEW) for _ in range(count)]
    )


def test_many_late_tasks_make_one_notice_with_their_number_and_few_queries(
    django_assert_max_num_queries: Any,
) -> None:
    watcher = on_duty("expert")
    many(60)
    with django_assert_max_num_queries(25):
        assert breach.see_batch() == 60
    [notice] = Notice.objects.all()
    assert (notice.user, notice.text) == (watcher, "Experts: 60")


@pytest.mark.django_db(transaction=True)
def test_two_workers_see_each_late_task_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breach, "BATCH", 7)
    many(60)
    seen, start = list[int](), threading.Barrier(2)

    def works() -> None:
        start.wait()
        seen.append(breach.see_late_tasks(seconds=60))
        connection.close()

    threads = [threading.Thread(target=works) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert breach.see_late_tasks(seconds=60) + sum(seen) == 60
    assert len(done()) == 60
    assert ReviewTask.objects.open().filter(queue__key="experts").count() == 60
