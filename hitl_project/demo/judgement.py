"""How a person judges a case: rightly most of the time, or by accepting what is shown. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from hitl_project.demo import emails, receipts, refunds, replies
from hitl_project.demo.cases import DemoCase, Output
from hitl_project.demo.documents import TAGS
from hitl_project.demo.grammar import chance
from hitl_project.demo.people import Person

HARDER = {"easy": 1.0, "plain": 1.0, "long": 0.97, "ambiguous": 0.97, "out_of_scope": 0.98}
SLOWER = {"easy": 0.8, "plain": 1.0, "long": 1.7, "ambiguous": 1.4, "out_of_scope": 1.2}
WORK = {"support-email": 1.0, "refund-request": 1.6, "document-tag": 0.5, "receipt": 0.9, "reply": 1.9}
ACCEPTING = 0.35  # a glance takes this share of the time that thinking takes
BLIND = 1.45  # and working without the machine's answer this much more
AMENDED = {
    "support-email": ["The text says otherwise.", "First wish counts.", "Subject line misleads.", ""],
    "refund-request": ["The text says otherwise.", "It was used, see the text.", "Read the guidelines again.", ""],
    "document-tag": ["The title misleads.", "Most lines are of another kind.", ""],
    "receipt": ["The picture shows another figure.", "Booked by what was bought.", "Day and month swapped.", ""],
    "reply": ["The handbook says otherwise.", "Not ours to promise.", "A word of regret was missing.", ""],
}
NOTES = {
    "reject": ["Advertising, nothing to answer.", "Not for us, and no reply wanted."],
    "approve": ["", "", "", "", "Checked with the order."],
}


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a person answered and the seconds of work it took."""

    output: Output
    seconds: float


def judge(person: Person, case: DemoCase, shown: Output | None, rng: Random) -> Judgement:
    """The person's answer to a case; ``shown`` is the machine's, None when the case is read blind."""
    seconds = person.seconds * WORK[case.case_type] * SLOWER[case.difficulty] * math.exp(rng.gauss(0, 0.45))
    if shown is not None and not chance(person.care, rng):
        return Judgement(shown, max(2.0, seconds * ACCEPTING))
    right = chance(person.accuracy * HARDER[case.difficulty], rng)
    output = case.true_output if right else mistake(case, shown, rng)
    return Judgement(output, max(3.0, seconds * (BLIND if shown is None else 1.0)))


def mistake(case: DemoCase, shown: Output | None, rng: Random) -> Output:
    """A wrong answer that someone might well give: the machine's own, where that is wrong, or a neighbouring one."""
    if shown is not None and not same(shown, case.true_output) and chance(0.6, rng):
        return shown
    return MISTAKES[case.case_type](case, rng)


def _near(near: dict[str, list[str]]) -> Callable[[DemoCase, Random], Output]:
    """A label that is easily taken for the right one."""
    return lambda case, rng: {"label": rng.choice(near[str(case.true_output["label"])])}


MISTAKES: dict[str, Callable[[DemoCase, Random], Output]] = {
    "support-email": _near(emails.NEIGHBOURS),
    "document-tag": _near({tag: [each for each in (*TAGS, "other") if each != tag] for tag in (*TAGS, "other")}),
    "refund-request": lambda case, rng: refunds.slip(float(case.payload["paid"]), case.true_output, rng),
    "receipt": lambda case, rng: receipts.slip(case.true_output, rng),
    "reply": lambda case, _rng: replies.shortened(case.true_output),
}


def same(one: Any, other: Any) -> bool:
    """Whether two outputs decide the same; the wording of a reason does not matter."""
    return bool(one) and bool(other) and _core(one) == _core(other)


def _core(output: Output) -> Output:
    return {name: value for name, value in output.items() if name != "reason"}


def note(outcome: str, case_type: str, rng: Random) -> str:
    """What a person writes beside a decision, mostly nothing."""
    return rng.choice(AMENDED[case_type] if outcome == "amend" else NOTES[outcome])
