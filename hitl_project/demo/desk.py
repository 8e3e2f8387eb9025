"""What happens at the demo's review desk: stays in queues, claims, decisions, second approvals, readings, news from downstream."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from random import Random

from hitl_project.demo import judgement, oversight
from hitl_project.demo.cases import Output
from hitl_project.demo.grammar import chance
from hitl_project.demo.history import Approved, Life, News, Reading, Stay, Verdict
from hitl_project.demo.people import Person

REJECTED = 0.2  # of the mails that want nothing of the shop
TWO_STEPS = 0.4  # the share of blind readers who look at the machine's answer before they settle
RAISE_RATE = {"ambiguous": 0.07, "out_of_scope": 0.10}
SENIOR = {"front-desk": "experts", "fast-track": "experts", "experts": "supervisors"}
RAISED_BECAUSE = [
    "Two wishes, I cannot tell which is meant.",
    "Never had one like this.",
    "Please check the order first.",
]
WRONG_BECAUSE = {
    "support-email": "The customer wrote again: we answered the wrong question.",
    "refund-request": "Booked back by accounts.",
    "document-tag": "Filed in the wrong place.",
    "receipt": "The card statement shows another figure.",
    "reply": "The customer wrote back: that is not what the handbook says.",
}
RIGHT_BECAUSE = ["Closed without a further mail.", "Customer confirmed.", "Found where it was expected."]


def enter(life: Life, queue: str, reason: str, at: datetime, due: datetime, *, reviewed: bool = True) -> Stay:
    """Put a case into a queue; ``reviewed`` says that its decision waits for it."""
    stay = Stay(queue=queue, reason=reason, opened_at=at, due_at=due)
    life.stays.append(stay)
    if reviewed:
        life.state = "in_review"
    return stay


def most_pressing(lives: Iterable[Life], person: Person) -> Life | None:
    """The free task that a person may take and that is due first."""
    waiting = [
        (stay.due_at, life.number, life) for life in lives if (stay := life.open_stay) and _may(person, life, stay)
    ]
    return min(waiting)[2] if waiting else None


def _may(person: Person, life: Life, stay: Stay) -> bool:
    groups = oversight.groups_of(stay.queue)
    independent = all(verdict.stay is None or verdict.stay.person != person for verdict in life.verdicts)
    return stay.person is None and person.role in groups and independent and person.reads(life.case.language)


def take(life: Life, person: Person, at: datetime, rng: Random) -> datetime:
    """Claim a task and tell when the person will be done with it."""
    stay = _open(life)
    stay.person, stay.claimed_at = person, at
    if stay.reason == "second_approval":
        return at + timedelta(seconds=rng.uniform(15, 60))
    shown = None if stay.blind else _said(life)
    found = judgement.judge(person, life.case, shown, rng)
    stay.first_answer = found.output
    return at + timedelta(seconds=found.seconds)


def settle(life: Life, person: Person, at: datetime, rng: Random) -> Verdict | None:
    """The end of a stay: an approval, a reading, a raised task or a decision."""
    stay = _open(life)
    if stay.reason == "second_approval":
        return _approve(life, stay, person, at)
    if stay.reason == "sample":
        _read(life, stay, person, at, rng)
        return None
    if stay.queue in SENIOR and chance(RAISE_RATE.get(life.case.difficulty, 0.005), rng):
        _raise(life, stay, at, rng)
        return None
    return _decide(life, stay, person, at, rng)


def close(life: Life, at: datetime) -> None:
    """Its effects are delivered."""
    if life.state == "decided":
        life.state = "closed"
        life.verdicts[-1].closed_at = at


def is_right(life: Life) -> bool:
    """Whether the decision that stands is the right one."""
    last = life.verdicts[-1]
    return last.outcome == "reject" or judgement.same(last.output, life.case.true_output)


def hear(life: Life, at: datetime, rng: Random) -> None:
    """News from downstream; a wrong decision puts the case up again, with the supervisors."""
    if life.state != "closed" or life.news or life.open_stay:
        return
    right = is_right(life)
    said = rng.choice(RIGHT_BECAUSE) if right else WRONG_BECAUSE[life.case.case_type]
    output = None if right else life.case.true_output
    life.news = News(life.verdicts[-1], right, output, "shop-mailroom", said, at)
    if not right:
        _reopen(life, at, said)


def _reopen(life: Life, at: datetime, note: str) -> None:
    life.version += 1
    life.reason = "reported_error"
    queue = oversight.lane(life.case.case_type, "high_risk")
    enter(life, queue, "reported_error", at, oversight.due(life.case, at)).note = note


def _open(life: Life) -> Stay:
    return life.stays[-1]


def _said(life: Life) -> Output | None:
    return dict(life.answer.output) if life.answer and life.answer.output else None


def _end(stay: Stay, at: datetime, ending: str) -> float:
    stay.closed_at, stay.ending = at, ending
    return round((at - (stay.claimed_at or at)).total_seconds(), 1)


def _approve(life: Life, stay: Stay, person: Person, at: datetime) -> Verdict:
    _end(stay, at, "decided")
    stay.first_answer = None
    verdict = life.verdicts[-1]
    verdict.approval = Approved(person, at)
    return verdict


def _read(life: Life, stay: Stay, person: Person, at: datetime, rng: Random) -> None:
    """A case that acted already is read blind, and tells whether the machine was right; if not, it is reopened."""
    seconds = _end(stay, at, "decided")
    answer, acted = stay.first_answer or {}, life.verdicts[-1]
    correct = answer == acted.output
    note = "" if correct else judgement.note("amend", life.case.case_type, rng)
    life.reading = Reading(person, acted, answer, answer, correct, at, seconds, automated=True, note=note)
    if not correct and life.state == "closed":
        _reopen(life, at, note)


def _raise(life: Life, stay: Stay, at: datetime, rng: Random) -> None:
    _end(stay, at, "raised")
    stay.first_answer = None
    onward = enter(life, SENIOR[stay.queue], stay.reason, at, stay.due_at)
    onward.trace, onward.blind, onward.note = stay.trace, stay.blind, rng.choice(RAISED_BECAUSE)


def _decide(life: Life, stay: Stay, person: Person, at: datetime, rng: Random) -> Verdict:
    seconds = _end(stay, at, "decided")
    said, output = _said(life), stay.first_answer or {}
    looked = not stay.blind or chance(TWO_STEPS, rng)
    verdict = _verdict(life, stay, said=said, output=output, looked=looked, at=at, rng=rng)
    verdict.seconds = seconds
    if output.get("label") == "other" and not stay.blind and chance(REJECTED, rng):
        _reject(verdict, rng)
    if life.sampled and life.version == 1:
        life.reading = Reading(
            person, verdict, output, output, output == said, at, seconds, automated=False, note=verdict.note
        )
    if not (stay.blind and looked):
        stay.first_answer = None
    life.verdicts.append(verdict)
    life.state = "decided"
    if verdict.held:
        reviewed = enter(
            life,
            oversight.lane(life.case.case_type, "second_approval"),
            "second_approval",
            at,
            oversight.due(life.case, at),
        )
        reviewed.note, life.state = verdict.note, "decided"
    return verdict


def _reject(verdict: Verdict, rng: Random) -> None:
    verdict.outcome, verdict.output, verdict.override = "reject", None, verdict.shown
    verdict.note = judgement.note("reject", "", rng)


def _verdict(
    life: Life, stay: Stay, *, said: Output | None, output: Output, looked: bool, at: datetime, rng: Random
) -> Verdict:
    shown = said is not None and looked
    outcome = "approve" if output == said else "amend"
    return Verdict(
        version=life.version,
        outcome=outcome,
        output=output,
        override=shown and output != said,
        at=at,
        stay=stay,
        shown=shown,
        held=oversight.needs_second(life.case, output),
        note=judgement.note(outcome, life.case.case_type, rng),
    )
