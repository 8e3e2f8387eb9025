"""Which task comes next: shares, what presses, skills and caps; never one task twice."""

from __future__ import annotations

import re
import threading
from collections import Counter
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from cases.errors import Conflict
from cases.models import CaseType
from cases.models.choices import Priority, State
from review import claims, picking
from review.models import Profile, Queue, ReviewTask, Skill
from review.skills import MOST_LINES, readable, readable_lines, waiting_within
from tests.callers import Api
from tests.factories import make_case, make_case_type, make_decision, make_queue, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]

WEIGHTS = st.dictionaries(st.integers(1, 1000), st.integers(1, 100), min_size=1, max_size=8)


def take(user: User, **more: Any) -> ReviewTask:
    task = claims.claim_next(user, origin="test", **more)
    assert task is not None
    return task


def worker(*, most: int = 1000, role: str = "reviewer") -> User:
    user = make_user(role)
    Profile.objects.create(user=user, most_claims=most)
    return user


def fill(queue: Queue, case_type: CaseType, count: int, *, due: datetime | None = None, **fields: Any) -> None:
    policy = case_type.policies.get()
    cases = [make_case(case_type, state=State.IN_REVIEW, payload={"text": "x"}) for _ in range(count)]
    ReviewTask.objects.bulk_create(
        ReviewTask(
            case=case,
            case_type=case_type,
            queue=queue,
            policy=policy,
            reason="validation",
            due_at=(due or timezone.now() + timedelta(hours=9)) + timedelta(seconds=n),
            **fields,
        )
        for n, case in enumerate(cases)
    )


@given(weights=WEIGHTS, start=st.integers(0, picking.CIRCLE - 1), first=st.integers(0, 10**9))
def test_over_any_stretch_each_queue_gets_its_share_within_a_few_claims(
    weights: dict[int, int], start: int, first: int
) -> None:
    stretch = 300
    turns = range(first, first + stretch)
    got = Counter(picking.queues_in_turn(weights, turn=turn, start=start)[0] for turn in turns)
    for queue_id, weight in weights.items():
        assert abs(got[queue_id] - stretch * weight / sum(weights.values())) < 5


@given(weights=WEIGHTS, start=st.integers(0, picking.CIRCLE - 1), first=st.integers(0, 10**9))
def test_no_queue_waits_longer_than_three_times_its_share_says(weights: dict[int, int], start: int, first: int) -> None:
    for queue_id, weight in weights.items():
        longest = 3 * sum(weights.values()) // weight + 1
        turns = range(first, first + longest)
        assert any(picking.queues_in_turn(weights, turn=turn, start=start)[0] == queue_id for turn in turns)


@given(weights=WEIGHTS, turn=st.integers(0, 10**12))
def test_every_queue_is_tried_once_whoevers_turn_it_is(weights: dict[int, int], turn: int) -> None:
    assert sorted(picking.queues_in_turn(weights, turn=turn)) == sorted(weights)


def test_claims_are_shared_among_the_queues_by_weight() -> None:
    case_type, user = make_case_type(), worker()
    small, large = make_queue("small", weight=1), make_queue("large", weight=3)
    fill(small, case_type, 30)
    fill(large, case_type, 30, due=timezone.now() + timedelta(days=9))
    got = Counter(take(user).queue.key for _ in range(20))
    assert got["large"] in (14, 15, 16)


def test_what_is_overdue_or_urgent_goes_first_whatever_the_weight() -> None:
    case_type, user = make_case_type(), worker()
    heavy, light = make_queue("heavy", weight=100), make_queue("light", weight=1)
    fill(heavy, case_type, 5)
    fill(light, case_type, 2, due=timezone.now() - timedelta(hours=1))
    fill(light, case_type, 2, due=timezone.now() + timedelta(days=2), priority=Priority.URGENT)
    assert [take(user).queue.key for _ in range(5)] == ["light"] * 4 + ["heavy"]


def test_an_urgent_task_is_not_hidden_behind_those_that_are_due_sooner_in_its_queue() -> None:
    case_type, user = make_case_type(), worker()
    queue = make_queue()
    fill(queue, case_type, 3)
    fill(queue, case_type, 1, due=timezone.now() + timedelta(days=3), priority=Priority.URGENT)
    assert take(user).priority == Priority.URGENT


def test_a_queue_without_a_free_task_gives_its_turns_to_the_others() -> None:
    case_type, user = make_case_type(), worker()
    make_queue("empty", weight=100)
    fill(make_queue("other", weight=1), case_type, 4)
    assert [take(user).queue.key for _ in range(4)] == ["other"] * 4


def test_who_has_no_skill_noted_down_reads_everything_and_who_has_reads_only_that() -> None:
    receipts, letters = make_case_type(key="receipts"), make_case_type(key="letters")
    mine = make_task(make_case(receipts, state=State.IN_REVIEW), due_at=timezone.now() + timedelta(days=1))
    other = make_task(make_case(letters, state=State.IN_REVIEW))
    user = worker()
    Skill.objects.create(user=user, case_type=receipts)
    assert take(user).pk == mine.pk
    assert claims.claim_next(user, origin="test") is None
    assert take(worker()).pk == other.pk


@pytest.mark.parametrize(
    ("skill", "language", "reads"),
    [("pt", "pt-br", True), ("pt", "", True), ("pt", "pto", False), ("pt-br", "pt", False), ("es", "pt", False)],
)
def test_a_language_covers_its_regions_and_a_case_without_one_is_for_everybody(
    skill: str, language: str, *, reads: bool
) -> None:
    task, user = make_task(language=language), worker()
    Skill.objects.create(user=user, language=skill)
    assert (claims.claim_next(user, origin="test") is not None) is reads
    assert ReviewTask.objects.filter(readable(make_user_again(user)), pk=task.pk).exists() is reads


def make_user_again(user: User) -> User:
    return User.objects.get(pk=user.pk)


def test_a_skill_in_one_type_and_language_is_both_at_once() -> None:
    receipts, letters = make_case_type(), make_case_type()
    user = worker()
    Skill.objects.create(user=user, case_type=receipts, language="es")
    Skill.objects.create(user=user, case_type=letters)
    make_task(make_case(receipts, state=State.IN_REVIEW), language="de")
    spanish = make_task(make_case(receipts, state=State.IN_REVIEW), language="es")
    letter = make_task(make_case(letters, state=State.IN_REVIEW), language="de")
    assert {take(user).pk, take(user).pk} == {spanish.pk, letter.pk}
    assert claims.claim_next(user, origin="test") is None


@pytest.mark.parametrize("skills", [2, MOST_LINES + 1])
def test_of_several_skills_in_one_queue_the_earliest_due_task_comes_first(skills: int) -> None:
    types = [make_case_type() for _ in range(skills)]
    queue, user, now = make_queue(), worker(), timezone.now()
    fill(queue, make_case_type(), 2, due=now + timedelta(minutes=1))
    for hours, case_type in enumerate(reversed(types), start=1):
        Skill.objects.create(user=user, case_type=case_type)
        fill(queue, case_type, 1, due=now + timedelta(hours=hours))
    assert [take(user).case_type_id for _ in types] == [case_type.pk for case_type in reversed(types)]
    assert claims.claim_next(user, origin="test") is None


def test_an_urgent_task_within_one_skill_goes_before_all_within_another() -> None:
    receipts, letters = make_case_type(), make_case_type()
    queue, user = make_queue(), worker()
    for case_type in (receipts, letters):
        Skill.objects.create(user=user, case_type=case_type)
    fill(queue, receipts, 2)
    fill(queue, letters, 1, due=timezone.now() + timedelta(days=3), priority=Priority.URGENT)
    assert take(user).case_type_id == letters.pk


def test_a_rare_skill_is_looked_for_on_its_own_and_not_among_all_that_waits() -> None:
    receipts, letters = make_case_type(), make_case_type()
    user = worker()
    for case_type in (receipts, letters):
        Skill.objects.create(user=user, case_type=case_type)
    lines = readable_lines(user)
    assert [values[0] for _sql, values in lines] == [receipts.pk, letters.pk]
    assert all(sql.count("t.case_type_id = ") == 1 for sql, _values in lines)


def test_a_task_outside_ones_skills_is_refused_in_words() -> None:
    task, user = make_task(language="de"), worker()
    Skill.objects.create(user=user, language="es")
    with pytest.raises(Conflict, match=f"outside your skills: it needs {task.case.case_type.name} in the language de"):
        claims.claim(task.pk, user=user, origin="test")


def test_what_waits_for_somebody_is_what_they_can_read() -> None:
    first, second = make_case_type(), make_case_type()
    queue, user = make_queue(), worker()
    fill(queue, first, 2)
    fill(queue, second, 3)
    assert waiting_within(user, [queue.pk]) is None
    Skill.objects.create(user=user, case_type=first)
    assert waiting_within(make_user_again(user), [queue.pk]) == 2


def test_what_one_holds_one_may_claim_again_though_the_skill_was_taken_away() -> None:
    user = worker()
    task = make_task(claimed_by=user, language="de")
    Skill.objects.create(user=user, language="es")
    assert claims.claim(task.pk, user=user, origin="test").lease_token == 2


def test_who_holds_as_many_as_they_may_is_told_which() -> None:
    user, case_type = make_user("reviewer"), make_case_type()
    fill(make_queue(), case_type, 5)
    held = [take(user) for _ in range(3)]
    with pytest.raises(Conflict, match="as many as you may at once") as told:
        claims.claim_next(user, origin="test")
    assert told.value.code == "too-many-claims"
    assert all(f"#{task.case_id}" in told.value.message for task in held)
    free = ReviewTask.objects.free().first()
    assert free is not None
    with pytest.raises(Conflict, match="as many as you may"):
        claims.claim(free.pk, user=user, origin="test")
    assert Api(user).post("/tasks/claim/").status_code == 409
    assert claims.claim(held[0].pk, user=user, origin="test").lease_token == 2
    claims.release(held[1].pk, user=user, lease_token=1, origin="test")
    take(user)


def test_held_and_snoozed_tasks_take_no_room() -> None:
    user, case_type = worker(most=1), make_case_type()
    fill(make_queue(), case_type, 1)
    make_task(make_case(case_type, state=State.IN_REVIEW), claimed_by=user, hold_reason="waits for the bank")
    away = timezone.now() + timedelta(days=1)
    make_task(make_case(case_type, state=State.IN_REVIEW), claimed_by=user, lease_until=away)
    take(user)


def test_nobody_reads_twice_what_must_be_read_by_another() -> None:
    first, second = worker(), worker()
    case = make_case(state=State.IN_REVIEW)
    make_decision(case, by=first)
    task = make_task(case, reason="second_read")
    assert claims.claim_next(first, origin="test") is None
    assert take(second).pk == task.pk


def test_a_claim_asks_the_same_few_queries_however_much_waits(django_assert_max_num_queries: Any) -> None:
    case_type, user = make_case_type(), worker()
    for n in range(6):
        fill(make_queue(f"queue-{n}"), case_type, 10)
    Skill.objects.create(user=user, case_type=case_type)
    user = make_user_again(user)
    with django_assert_max_num_queries(16):
        take(user)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("people", "tasks"), [(8, 200), (32, 200)])
def test_many_who_claim_at_once_from_several_queues_never_get_one_task_twice(people: int, tasks: int) -> None:
    case_type = make_case_type()
    for n in range(2):
        fill(make_queue(f"queue-{n}", weight=n + 1), case_type, tasks // 2)
    users = [worker() for _ in range(people)]
    for user in users[::2]:
        Skill.objects.create(user=user, case_type=case_type)
    taken: list[int] = []
    start = threading.Barrier(people)

    def works(user: User) -> None:
        start.wait()
        while task := claims.claim_next(user, origin="test"):
            taken.append(task.pk)
        connection.close()

    threads = [threading.Thread(target=works, args=(user,)) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(150)
    assert len(taken) == len(set(taken)) == tasks


@pytest.mark.django_db(transaction=True)
def test_two_tabs_of_one_person_together_get_no_more_than_they_may_hold() -> None:
    fill(make_queue(), make_case_type(), 10)
    user = worker(most=2)
    start, taken, refused = threading.Barrier(6), list[int](), list[str]()

    def tab() -> None:
        start.wait()
        try:
            taken.append(take(make_user_again(user)).pk)
        except Conflict as refusal:
            refused.append(refusal.code)
        connection.close()

    threads = [threading.Thread(target=tab) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (len(taken), refused) == (2, ["too-many-claims"] * 4)


def test_whether_a_task_may_be_taken_is_looked_up_for_that_task_alone() -> None:
    """Not by reading all cases or decisions there are into memory first, as a planner may well choose to."""
    user, case_type = worker(), make_case_type()
    fill(make_queue("mail"), case_type, 5)
    with CaptureQueriesContext(connection) as queries:
        take(user)
    [heads] = [query["sql"] for query in queries if "UNION ALL" in query["sql"]]
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {'QUERY PLAN' if connection.vendor == 'sqlite' else ''} {heads}")
        plan = "\n".join(str(row[-1]) for row in cursor.fetchall())
    assert not re.search(r"hashed|SCAN [dekmops]\b", plan), plan
