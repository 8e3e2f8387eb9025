"""How a person judges a case: rightly most of the time, or by accepting what is shown. Pure."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from hitl_project.demo import emails, refunds
from hitl_project.demo.cases import DemoCase, Output
from hitl_project.demo.documents import TAGS
from hitl_project.demo.grammar import chance
from hitl_project.demo.people import Person

HARDER = {"easy": 1.0, "plain": 1.0, "long": 0.97, "ambiguous": 0.97, "out_of_scope": 0.98}
SLOWER = {"easy": 0.8, "plain": 1.0, "long": 1.7, "ambiguous": 1.4, "out_of_scope": 1.2}
WORK = {"support-email": 1.0, "refund-request": 1.6, "document-tag": 0.5}
ACCEPTING = 0.35  # a glance takes this share of the time that thinking takes
BLIND = 1.45  # and working without the machine's answer this much more
NOTES = {
    "amend": [
        "The text says otherwise.",
        "First wish counts.",
        "Subject line misleads.",
        "Read the guidelines again.",
        "",
    ],
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
    if case.case_type == "refund-request":
        return refunds.slip(float(case.payload["paid"]), case.true_output, rng)
    label = str(case.true_output["label"])
    near: Sequence[str] = emails.NEIGHBOURS[label] if case.case_type == "support-email" else [*TAGS, "other"]
    return {"label": rng.choice([each for each in near if each != label])}


def same(one: Any, other: Any) -> bool:
    """Whether two outputs decide the same; the wording of a reason does not matter."""
    return bool(one) and bool(other) and _core(one) == _core(other)


def _core(output: Output) -> tuple[Any, Any]:
    return output.get("label"), output.get("amount")


def note(outcome: str, rng: Random) -> str:
    """What a person writes beside a decision, mostly nothing."""
    return rng.choice(NOTES[outcome])
