"""The demo's known cases: a few that are in use, what their readers made of them, and a flag that is open."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice

from django.contrib.auth.models import User

from cases.audit import journal
from cases.errors import Conflict
from cases.models import Case
from cases.models.choices import Priority, State
from feedback import copies, flags, gold
from feedback.models import Correction, Flag, GoldCase, Planting
from hitl_project.demo.book import Book
from review.models import Decision, Notice, Policy, Queue, ReviewTask
from review.route import view_of

CASE_TYPE = "support-email"
ERRORS, DRILLS, LOOKED_AT = 8, 6, 200
MADE_BEFORE, MET_BEFORE, WAITED = timedelta(days=13), timedelta(days=10), timedelta(minutes=40)
READERS = ("rita", "ravi", "rolf", "lucia")
INATTENTIVE = "rolf"
OVERLOOKED = {("ravi", 3), ("lucia", 6)}  # what else was let pass, by reader and position
RETIRED = "A colleague talked about it at lunch."
WHY = {
    "return-request": "They want to send it back, and nothing of it is broken.",
    "damaged-item": "It arrived broken: that beats a return, whatever else they ask for.",
    "wrong-item": "They name what they ordered and what came; the two differ.",
    "order-status": "They only ask where it is. All else is mentioned in passing.",
    "billing": "What was charged is the matter, not the parcel.",
}
OTHERWISE = "Read to the end: the wish is in the last lines."


def plant_known(book: Book) -> None:
    """Written after the history, with the product's own copies: what was met looks as it did to its reader."""
    policy = book.policies[CASE_TYPE]
    made = _make(book, policy)
    for position, known in enumerate(made):
        day = book.history.now - MET_BEFORE + timedelta(days=0.6 * position)
        for number, name in enumerate(READERS):
            at = day.replace(hour=9 + (3 * position + number) % 7, minute=13 * number)
            if not Flag.objects.filter(user=book.users[name]).exists():
                _meet(known, policy, book.users[name], at=at, caught=_catches(name, position))
                _flag(book.users[name], policy)
    _retire(made[:1], book)


def _make(book: Book, policy: Policy) -> list[GoldCase]:
    """The machine's own errors that people corrected, and drills on what it got right, in turns."""
    by, at = book.users["sanjay"], book.history.now - MADE_BEFORE
    errors = Correction.objects.filter(case_type=policy.case_type_id, source="override", created_at__lt=at)
    right = Decision.objects.by_people().filter(case__case_type=policy.case_type_id, override=False, decided_at__lt=at)
    wrong_ids, right_ids = (
        rows.order_by("pk").values_list("case_id", flat=True)[:LOOKED_AT] for rows in (errors, right)
    )
    chosen = [
        *islice(_fit(wrong_ids, GoldCase.Kind.GOLD, policy=policy, by=by), ERRORS),
        *islice(_fit(right_ids, GoldCase.Kind.DRILL, policy=policy, by=by), DRILLS),
    ]
    made = sorted(chosen, key=lambda found: found.case_id)
    with journal(actor=by, origin="admin", at=at) as log:
        for found in made:
            found.created_at = at
            found.save()
            log(f"{found.kind}.made", subject=found, data={"gold": found.pk})
    return made


def _fit(case_ids: Iterable[int], kind: str, *, policy: Policy, by: User) -> Iterator[GoldCase]:
    """Those that would come to a person by themselves, unsaved."""
    view = view_of(policy)
    ordinary = Case.objects.filter(priority=Priority.NORMAL, state=State.CLOSED).in_bulk(list(case_ids))
    for case_id in ordinary:
        found = _known(case_id, kind, by=by)
        if found is not None and copies.way_of(found, policy=policy, view=view) is not None:
            yield found


def _known(case_id: int, kind: str, *, by: User) -> GoldCase | None:
    try:
        known = gold.known_of(case_id, by=by)
    except Conflict:
        return None
    shown = known.prediction.output if kind == GoldCase.Kind.GOLD else gold.believable(known)
    if shown is None or shown == known.decision.output:
        return None
    confidence = min(gold.MOST_SHOWN, max(gold.LEAST_SHOWN, known.prediction.confidence))
    case, why = known.case, WHY.get(known.decision.label, OTHERWISE)
    told = {"case": case, "case_type": case.case_type, "output": known.decision.output, "shown": shown}
    return GoldCase(kind=kind, confidence=confidence, why=why, made_by=by, **told)


def _catches(name: str, position: int) -> bool:
    return position == 0 if name == INATTENTIVE else (name, position) not in OVERLOOKED


def _meet(known: GoldCase, policy: Policy, user: User, *, at: datetime, caught: bool) -> None:
    """Planted in the morning and answered, unless they decided the case itself."""
    way = copies.way_of(known, policy=policy, view=view_of(policy))
    if way is None or way.route.queue is None or known.case.decisions.filter(decided_by=user).exists():
        return
    queue, came, seconds = Queue.objects.get(pk=way.route.queue.id), at - WAITED, 44.0 if caught else 15.0
    with journal(actor="quality", origin="worker", at=came) as log:
        planting = copies.put(way, policy=policy, queue=queue, log=log, now=came)
    claimed = at - timedelta(seconds=seconds + 9)
    held = {"assignee": user, "claimed_at": claimed, "lease_until": at, "lease_token": 1}
    ended = {"closed_at": at, "ending": ReviewTask.Ending.DECIDED}
    ReviewTask.objects.filter(planting=planting).update(**held, **ended)
    output = known.output if caught else known.shown
    judged = {"user": user, "output": output, "caught": caught, "active_seconds": seconds}
    Planting.objects.filter(pk=planting.pk).update(planted_at=came, answered_at=at, told_at=at, **judged)
    with journal(actor=user, origin="admin", at=at) as log:
        log("gold.answered", subject=planting, data={"caught": caught})


def _flag(user: User, policy: Policy) -> None:
    """What the sequential test makes of the answers."""
    last = Planting.objects.filter(user=user).order_by("answered_at").last()
    if last is None or last.answered_at is None:
        return
    with journal(actor=user, origin="admin", at=last.answered_at) as log:
        flag = flags.look_at(user, case_type=policy.case_type, log=log)
    if flag is not None:
        Flag.objects.filter(pk=flag.pk).update(opened_at=last.answered_at)
        Notice.objects.filter(kind=Notice.Kind.FLAG).update(at=last.answered_at)


def _retire(known: list[GoldCase], book: Book) -> None:
    at = book.history.now - timedelta(days=1)
    with journal(actor=book.users["sanjay"], origin="admin", at=at) as log:
        for found in known:
            gold.end(found, because=RETIRED, log=log)
            GoldCase.objects.filter(pk=found.pk).update(retired_at=at)
