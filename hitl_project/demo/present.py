"""How the office stands when the history ends: what lies on hold, sleeps, changed hands or was sent back, and what people
wrote beside it. For each case type one waiting case carries everything that a case can carry. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from random import Random
from typing import Any

from cases import schemas
from hitl_project.demo import desk, dressing, letters, oversight, school
from hitl_project.demo.customers import pick, slots
from hitl_project.demo.grammar import dice
from hitl_project.demo.history import Alarm, Approved, History, Life, Remark, Stay
from hitl_project.demo.papers import Paper
from hitl_project.demo.people import Person, named, of_role

TALKING = {"document-tag": ("agnes", "edith"), "refund-request": ("ravi", "sanjay")}
REMARKS = {
    "support-email": "@rita the customer rang as well, it is the same matter. She is at home until six.",
    "refund-request": "@sanjay this is the third request from this address since spring. Do we pay again?",
    "document-tag": "@edith the original is in the grey folder in accounts, the scan cut off the second page.",
    "receipt": "@rita the second till roll is stapled behind it. Only the first one counts.",
    "reply": "@rita please mention that the shop in Merrow has one on the shelf.",
}
ANSWERS = {
    "support-email": "Thanks @ravi, I have seen it in the phone log.",
    "refund-request": "Looked it up: two were our carrier's fault. Treat this one by the rule, @ravi.",
    "document-tag": "Thank you, @agnes. I read it there.",
    "receipt": "Seen, @ravi. The sums agree without it.",
    "reply": "Will do, @ravi.",
}

DOUBTS = "I am not sure about this one: what does the customer's own account say? Please look at the order again."


def stand(history: History, rng: Random) -> None:
    """Arrange what is open at the end of the history."""
    for case_type in sorted(REMARKS):
        _furnish(history, case_type)
    _hold(history)
    _snooze(history)
    _hand_over(history, to=named("rita"), language="")
    _hand_over(history, to=named("lucia"), language="es")
    _send_back(history)
    _ask_for_help(history)
    _press(history, rng)


def waiting(
    history: History, case_type: str = "", *, reason: str = "", language: str = "", person: Person | None = None
) -> list[Life]:
    """Open cases that nobody holds and that are not read blind, the most pressing first; those that ``person`` may take."""
    found = []
    for life in history.lives:
        stay = life.open_stay
        if stay is None or stay.person or stay.blind or life.remarks or life.alarms:
            continue
        fits = (not case_type or life.case.case_type == case_type) and life.case.language == language
        fits = fits and (person is None or person.role in oversight.groups_of(stay.queue))
        if fits and (stay.reason == reason if reason else stay.reason != "second_approval"):
            found.append((stay.due_at, life.number, life))
    return [life for _due, _number, life in sorted(found, key=lambda each: each[:2])]


def _furnish(history: History, case_type: str) -> None:
    """Give one waiting case of a type everything: files, an older mail, a lost try, a past, remarks."""
    rng, (asks, answers) = dice(f"furnish/{case_type}"), TALKING.get(case_type, ("ravi", "rita"))
    known = {life.case.requester for life in history.lives if life.state == "closed"}
    able = waiting(history, case_type, person=None if answers == "sanjay" else named(answers))
    fitting = [life for life in able if life.case.requester in known and life.answer and life.answer.output]
    mistaken = _mistaken(history, case_type)
    for life in sorted(fitting, key=lambda life: _label(life) not in mistaken)[:1]:
        life.tried = life.tried or school.lost_try(case_type, rng)
        life.case = replace(life.case, payload=_quoting(life, rng), papers=_whole(life, rng))
        _talk(life, history, named(asks), named(answers))


def _mistaken(history: History, case_type: str) -> set[str]:
    """The labels that the machine gave to cases of a type where a person then said another."""
    of_type = [life for life in history.lives if life.case.case_type == case_type and life.verdicts]
    return {_label(life) for life in of_type if _label(life) != schemas.label_of(life.verdicts[-1].output)}


def _label(life: Life) -> str:
    """What the machine said."""
    return schemas.label_of(life.answer.output if life.answer else None)


def _talk(life: Life, history: History, first: Person, second: Person) -> None:
    """A question beside a case, and its answer."""
    opened, case_type = life.stays[-1].opened_at, life.case.case_type
    asked, read = opened + timedelta(minutes=12), opened + timedelta(minutes=31)
    life.remarks.append(Remark(first, REMARKS[case_type], min(asked, history.now), to=(second,)))
    life.remarks.append(Remark(second, ANSWERS[case_type], min(read, history.now), to=(first,)))


def _quoting(life: Life, rng: Random) -> dict[str, Any]:
    """The payload with an older mail below its own, where it has none."""
    payload, at = life.case.payload, life.created_at
    mail = payload.get("mail", payload)
    if ">" in mail["text"]:
        return payload
    if mail is not payload:
        return {**payload, "mail": {**mail, "text": f"{mail['text']}\n\n{letters.asked(at=at)}"}}
    return {**payload, "text": f"{mail['text']}\n\n{letters.quoted(slots(pick(rng), rng), at=at, rng=rng)}"}


def _whole(life: Life, rng: Random) -> tuple[Paper, ...]:
    """The case's own files, and a picture and a page where it brought none."""
    case, papers, drawn = life.case, life.case.papers, slots(pick(rng), rng)
    if case.case_type == "document-tag":
        return dressing.pages(case.payload["title"], case.payload["text"].split("\n"), seed=1)
    kinds = {paper.content_type for paper in papers}
    if "image/png" not in kinds:
        papers += (dressing.photo({**drawn, **letters.told_in(case.context)}, rng),)
    if "application/pdf" not in kinds and case.case_type == "receipt":
        papers += (Paper("e-receipt.pdf", "page", papers[0].lines),)
    elif "application/pdf" not in kinds:
        papers += (dressing.confirmation({**drawn, **letters.told_in(case.context)}, case.requester),)
    return papers


def _hold(history: History) -> None:
    """Rita waits for word from others."""
    for case_type, why in (
        ("reply", "Waiting for the warehouse: is there another one in stock?"),
        ("support-email", "The customer rings back at four."),
    ):
        for life in waiting(history, case_type, person=named("rita"))[:1]:
            stay = _put_down(life, named("rita"), "held", history, hours_ago=3)
            stay.hold_reason, stay.lease_until = why, history.now + timedelta(days=3650)
            life.remarks.append(Remark(named("rita"), f"On hold: {why}", stay.claimed_at or history.now))


def _snooze(history: History) -> None:
    tomorrow = (history.now + timedelta(days=1)).replace(hour=9, minute=0, second=0, microsecond=0)
    for life in waiting(history, "refund-request", person=named("edith"))[:1]:
        stay = _put_down(life, named("edith"), "snoozed", history, hours_ago=2)
        stay.lease_until = tomorrow
        life.remarks.append(
            Remark(named("edith"), "The carrier answers tomorrow morning.", stay.claimed_at or history.now)
        )


def _put_down(life: Life, person: Person, how: str, history: History, *, hours_ago: float) -> Stay:
    stay = life.stays[-1]
    at = max(stay.opened_at + timedelta(minutes=2), history.now - timedelta(hours=hours_ago))
    stay.person, stay.put_down, stay.claimed_at = person, how, at
    return stay


def _hand_over(history: History, *, to: Person, language: str) -> None:
    """Ravi passes on what somebody else knows better."""
    note = (
        "Please take this one, you know the customer."
        if not language
        else "No hablo español. ¿Puedes mirarlo, por favor?"
    )
    for life in waiting(history, "support-email", language=language, person=to)[:1]:
        before, ravi = life.stays[-1], named("ravi")
        at = max(before.opened_at + timedelta(minutes=5), history.now - timedelta(hours=1))
        before.person, before.claimed_at = ravi, at - timedelta(minutes=1)
        before.closed_at, before.ending = at, "handed_over"
        onward = desk.enter(life, before.queue, before.reason, at, before.due_at)
        onward.trace, onward.note, onward.person, onward.put_down = before.trace, note, to, "given"
        onward.lease_until = history.now + timedelta(hours=4)
        life.alarms.append(Alarm(to, "handed_over", at, sender=ravi, text=note))


def _send_back(history: History) -> None:
    """A second person had doubts about what was decided."""
    for life in waiting(history, reason="second_approval")[:1]:
        stay, verdict = life.stays[-1], life.verdicts[-1]
        before = verdict.stay
        if before is None or before.person is None:
            continue
        second = next(one for one in of_role("supervisor") if one != before.person)
        at = max(stay.opened_at + timedelta(minutes=9), history.now - timedelta(hours=2))
        stay.person, stay.claimed_at, stay.closed_at, stay.ending = second, at - timedelta(minutes=2), at, "decided"
        verdict.approval = Approved(second, at, approved=False, note=DOUBTS)
        life.version, life.reason = life.version + 1, before.reason
        again = desk.enter(life, before.queue, before.reason, at, oversight.due(life.case, at))
        again.note, again.trace = DOUBTS, before.trace
        life.alarms.append(Alarm(before.person, "sent_back", at, sender=second, text=DOUBTS))


def _ask_for_help(history: History) -> None:
    """A raised case, with the question that it was raised with."""
    raised = [life for life in waiting(history) if any(stay.ending == "raised" for stay in life.stays)]
    for life in (raised or waiting(history, "support-email"))[:1]:
        stay, rolf = life.stays[-1], named("rolf")
        told = tuple(of_role("supervisor")) if stay.queue == "supervisors" else (named("edith"),)
        text = "Is this still ours to answer, or one for the insurer? I could not find it in the guidelines."
        life.remarks.append(
            Remark(rolf, text, min(stay.opened_at + timedelta(minutes=3), history.now), to=told, kind="help")
        )


def _press(history: History, rng: Random) -> None:
    """An urgent case, just in, and a late one: those on duty are told."""
    for life in waiting(history, "support-email")[:1]:
        life.case = replace(life.case, priority="urgent")
        stay, sanjay = life.stays[-1], named("sanjay")
        stay.due_at = life.due_at = history.now + timedelta(minutes=rng.randrange(35, 55))
        life.alarms.append(Alarm(sanjay, "urgent", history.now - timedelta(minutes=4)))
    for life in _late(history):
        life.alarms.append(Alarm(named("sanjay"), "late", history.now - timedelta(minutes=20)))
        return


def _late(history: History) -> Iterator[Life]:
    return (life for life in waiting(history) if life.stays[-1].due_at < history.now)
