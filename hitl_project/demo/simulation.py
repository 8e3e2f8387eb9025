"""Thirty days at the demo shop, played event by event: mail arrives, the model answers, people sit down and decide.

Pure but for the training of the models. Routes are chosen by the product's own routing; everything else that the product does is
imitated closely enough that `rows` can write down what would stand in its tables.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from random import Random

from cases.classifiers.base import Answer
from hitl_project.demo import desk, oversight, present, school, shifts
from hitl_project.demo.generator import generate, source
from hitl_project.demo.grammar import chance, dice
from hitl_project.demo.history import History, Life, Verdict
from hitl_project.demo.people import PEOPLE, Person, named

DAYS = 30
PER_DAY = {"support-email": 72, "refund-request": 15, "document-tag": 34, "receipt": 10, "reply": 12}
TAUGHT = {"support-email": 140, "document-tag": 60}
ROUND_DAYS = {"support-email": (0, 3, 7, 12, 19, 27), "document-tag": (0, 9, 22)}
# How long before the present people of a role stopped, so that something waits in every queue.
STOPPED = {"reviewer": 5, "expert": 13, "supervisor": 20, "auditor": 50}
# And by queue, by reason and by language: how many hours old a task must have been before anybody looked at it.
LEFT_ALONE = {"front-desk": 16, "fast-track": 20, "replies": 32, "expenses": 64, "second_approval": 72, "es": 60}
LAST_DECISIONS = ((14, "reply"), (9, "reply"), (6, "receipt"), (4, "reply"))  # minutes before the end
# Who still worked where within the hours that a queue's forecast looks back on, and when, in minutes before the end.
LATE_SHIFT = {
    "front-desk": "lucia",
    "replies": "rita",
    "expenses": "ravi",
    "experts": "edith",
    "supervisors": "sanjay",
    "fast-track": "sigrid",
    "quality": "agnes",
}
LATE_MINUTES = range(40, 220, 26)
LEFT_WAITING = 4  # at the least, in every queue
NEWS_RATE = 0.09
SECONDS_TO_ANSWER = 3


@dataclass(slots=True)
class World:
    """Everything that is going on. ``draw`` is the intake coin by case number."""

    history: History
    rng: Random
    draw: Callable[[int], float]
    schools: dict[str, school.School]
    agenda: list[tuple[datetime, int, Callable[[datetime], None]]] = field(default_factory=list)
    tickets: count[int] = field(default_factory=count)

    def plan(self, at: datetime, what: Callable[[datetime], None]) -> None:
        """Something to happen; what lies in the future of the demo never does."""
        if at <= self.history.now:
            heapq.heappush(self.agenda, (at, next(self.tickets), what))


def simulate(*, now: datetime, seed: int, first_number: int, draw: Callable[[int], float], days: int = DAYS) -> History:
    """Play the days up to ``now``. Case numbers count up from ``first_number``."""
    world = World(History(now=now), dice(seed), draw, _schools())
    start = now - timedelta(days=days)
    _teach(world, start, seed)
    _receive(world, start, first_number, seed)
    for key, on_days in ROUND_DAYS.items():
        rounds = [start + timedelta(days=day) for day in on_days if day < days]
        for at, until in zip(rounds, [*rounds[1:], now], strict=True):
            world.plan(at, partial(_lesson, world, key, until))
    _staff(world, start, days)
    _late_shift(world)
    _last_decisions(world)
    while world.agenda:
        at, _, what = heapq.heappop(world.agenda)
        what(at)
    present.stand(world.history, world.rng)
    return world.history


def _schools() -> dict[str, school.School]:
    return {key: school.School(key) for key in TAUGHT}


def _teach(world: World, start: datetime, seed: int) -> None:
    """The labelled examples the shop began with, from an old mailbox and an old archive."""
    for key, number in TAUGHT.items():
        for case in generate(key, number, seed + 2, at=start - timedelta(hours=5)):
            world.schools[key].teach(case, case.true_output, origin="labelled")
            world.history.taught.append((start - timedelta(hours=5), case))


def _receive(world: World, start: datetime, first_number: int, seed: int) -> None:
    """Number the cases in the order in which they come in."""
    moments = [
        (at, key)
        for key, per_day in PER_DAY.items()
        for at in shifts.arrivals(start, world.history.now, per_day=per_day, rng=world.rng)
    ]
    sources = {key: source(key, seed) for key in PER_DAY}
    for number, (at, key) in enumerate(sorted(moments), start=first_number):
        life = Life(number, sources[key](at), at, world.draw(number))
        life.tried = school.failed_try(key, world.rng)
        world.history.lives.append(life)
        world.plan(at + timedelta(seconds=SECONDS_TO_ANSWER), partial(_route, world, life))


def _lesson(world: World, key: str, until: datetime, at: datetime) -> None:
    """A round of training, and the running model's answers to all mail until the next round."""
    taught = world.schools[key]
    held = taught.hold_round(at)
    if held:
        world.history.rounds.append(held)
    upcoming = [life for life in world.history.lives if at <= life.created_at < until]
    taught.answer_all([life for life in upcoming if life.case.case_type == key])


def _route(world: World, life: Life, at: datetime) -> None:
    if life.answer is None:
        life.answer = school.proposed(life.case)
    route = oversight.route_of(life.case, life.answer, life.draw)
    life.routed_at, life.sampled, life.reason = at, route.sampled, route.reason
    if route.queue is not None:
        life.due_at = oversight.due(life.case, life.created_at)
        stay = desk.enter(life, route.queue.key, route.reason, at, life.due_at)
        stay.trace, stay.blind = route.trace, route.sampled
        return _wait(world, life)
    _automatic(life, life.answer, at)
    _close_later(world, life, at)
    _maybe_news(world, life, at)
    if route.sampled:
        stay = desk.enter(life, "quality", "sample", at, at + timedelta(days=7), reviewed=False)
        stay.trace, stay.blind = route.trace, True
        _wait(world, life)
    return None


def _automatic(life: Life, answer: Answer, at: datetime) -> None:
    output = dict(answer.output or {})
    life.verdicts.append(Verdict(version=life.version, outcome="approve", output=output, override=False, at=at))
    life.state = "decided"


def _close_later(world: World, life: Life, at: datetime) -> None:
    """What was decided leaves once it can no longer be undone."""
    world.plan(at + oversight.grace(life.case.case_type) + timedelta(seconds=5), partial(desk.close, life))


def _maybe_news(world: World, life: Life, at: datetime) -> None:
    """Some decisions are heard of again; wrong ones about the customers' matters more often."""
    wrong = not desk.is_right(life)
    if chance(NEWS_RATE * (1.6 if wrong else 1), world.rng):
        later = at + timedelta(hours=world.rng.uniform(8, 110))
        world.plan(later, partial(_hear, world, life))


def _hear(world: World, life: Life, at: datetime) -> None:
    desk.hear(life, at, world.rng)
    _wait(world, life)


def _wait(world: World, life: Life) -> None:
    """Note that a case has a task which somebody may take."""
    if life.open_stay:
        world.history.waiting[life.number] = life


def _staff(world: World, start: datetime, days: int) -> None:
    midnight = start.replace(hour=0, minute=0, second=0, microsecond=0)
    workers = [person for person in PEOPLE if person.role in STOPPED]
    for person in workers:
        last = world.history.now - timedelta(hours=STOPPED[person.role])
        for day in range(days + 1):
            for begin, end in shifts.sittings(person, midnight + timedelta(days=day), world.rng):
                if start < begin < last:
                    world.plan(begin, _sitting(world, person, min(end, last)))


def _last_decisions(world: World) -> None:
    """What has just been decided can still be taken back."""
    for minutes, case_type in LAST_DECISIONS:
        at = world.history.now - timedelta(minutes=minutes)
        world.plan(at, partial(_decide_one, world, named("rita"), case_type))


def _late_shift(world: World) -> None:
    """In every queue somebody has worked until just now, so that its pace is known and its forecast speaks."""
    for number, (queue, name) in enumerate(LATE_SHIFT.items()):
        for minutes in LATE_MINUTES:
            at = world.history.now - timedelta(minutes=minutes + number)
            world.plan(at, partial(_clear_one, world, named(name), queue))


def _clear_one(world: World, person: Person, queue: str, at: datetime) -> None:
    waiting = [life for life in world.history.waiting.values() if life.stays[-1].queue == queue]
    if len(waiting) > LEFT_WAITING:
        _work_on(world, desk.most_pressing(waiting, person), person, at)


def _decide_one(world: World, person: Person, case_type: str, at: datetime) -> None:
    waiting = [life for life in world.history.waiting.values() if not life.stays[-1].blind]
    fitting = [life for life in waiting if life.case.case_type == case_type]
    _work_on(world, desk.most_pressing(fitting, person), person, at)


def _work_on(world: World, found: Life | None, person: Person, at: datetime) -> None:
    if found is not None:
        del world.history.waiting[found.number]
        desk.take(found, person, at, world.rng)
        world.plan(at + timedelta(seconds=70), partial(_finish, world, found, person))


def _sitting(world: World, person: Person, end: datetime) -> Callable[[datetime], None]:
    def work(at: datetime) -> None:
        found = desk.most_pressing(_on_offer(world), person)
        if found is None:
            later = at + timedelta(minutes=world.rng.uniform(4, 9))
            return world.plan(later, work) if later < end else None
        del world.history.waiting[found.number]
        done = desk.take(found, person, at, world.rng)
        world.plan(done, partial(_finish, world, found, person))
        breather = done + timedelta(seconds=world.rng.uniform(3, 40))
        return world.plan(breather, work) if breather < end else None

    return work


def _on_offer(world: World) -> list[Life]:
    """What waits and may be taken; lately nobody has looked at some queues, so that the demo has something there too."""
    return [life for life in world.history.waiting.values() if not _left_alone(life, world.history.now)]


def _left_alone(life: Life, now: datetime) -> bool:
    stay = life.stays[-1]
    hours = max(LEFT_ALONE.get(each, 0) for each in (stay.queue, stay.reason, life.case.language))
    return now - stay.opened_at < timedelta(hours=hours)


def _finish(world: World, life: Life, person: Person, at: datetime) -> None:
    """The end of a stay, and what it sets off."""
    verdict = desk.settle(life, person, at, world.rng)
    _wait(world, life)
    if verdict is None:
        return
    if not verdict.held or verdict.approval:
        _close_later(world, life, at)
        _maybe_news(world, life, at)
    _learn(world, life, verdict)


def _learn(world: World, life: Life, verdict: Verdict) -> None:
    """What people decided is taught, but for the cases of the coin, which only measure."""
    taught = world.schools.get(life.case.case_type)
    if taught and verdict.output and not life.sampled and verdict.stay:
        taught.teach(life.case, verdict.output, origin="decision", group=life.case.requester)
