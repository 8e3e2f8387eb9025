"""Whatever befalls cases, only what people said is ever learnt, and nothing that serves to judge by."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cases.classifiers.base import Question
from cases.models import Case, CaseType
from cases.models.choices import State
from feedback import corrections
from feedback.datasets import Selection, composed
from feedback.examples import learnable
from feedback.exports import FORMATS
from feedback.few_shot import CHOICES, Choice, shots
from feedback.fingerprints import forget_index, take_fingerprints
from feedback.models import GoldCase, OutcomeReport, Planting, Sample, SecondRead
from review.models import Approval, Decision
from tests.factories import make_case, make_case_type, make_decision, make_prediction, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]

FATES = (
    *("waiting", "automated", "approved", "overridden", "held", "held_approved", "sent_back", "rejected", "undone"),
    *("sampled", "sampled_unread", "released", "automated_sampled", "reported", "reported_then_decided", "reopened"),
    *("adjudicated", "second_read_waiting", "planted"),
)
MAY_TEACH = {
    *("approved", "overridden", "held_approved", "released", "reported", "reported_then_decided", "adjudicated"),
    *("planted",),
}
RIGHT, MACHINE = "billing", "refund"


class World:
    """Cases of one type with every fate; the text of each names its fate."""

    def __init__(self) -> None:
        self.case_type: CaseType = make_case_type("teacher")
        self.people = {role: make_user(role) for role in ("reviewer", "auditor", "supervisor")}

    def add(self, fate: str, number: int) -> None:
        sampled = fate in ("sampled", "sampled_unread", "released", "automated_sampled")
        text = {"text": f"{fate} number{number}"}
        case = make_case(
            self.case_type, state=State.CLOSED, payload=text, requester=f"customer-{number}", sampled=sampled
        )
        said = make_prediction(case, output={"label": MACHINE, "amount": 0.5})
        getattr(self, f"_{fate}", self._decided)(case, said, fate)

    def _waiting(self, case: Case, said: Any, fate: str) -> None:
        make_task(case)

    def _policy(self, case: Case, said: Any) -> Decision:
        return make_decision(case, prediction=said, output=said.output, label=MACHINE, shown=False)

    def _automated(self, case: Case, said: Any, fate: str) -> None:
        self._policy(case, said)

    _sampled_unread = _automated

    def _automated_sampled(self, case: Case, said: Any, fate: str) -> None:
        self._sample(case, self._policy(case, said))

    def _person(self, case: Case, said: Any, label: str = RIGHT, **fields: Any) -> Decision:
        changed = label != MACHINE
        return make_decision(
            case, by=self.people["reviewer"], task=make_task(case), prediction=said, label=label,
            **{"output": {"label": label}, "override": changed, **fields},
        )  # fmt: skip

    def _decided(self, case: Case, said: Any, fate: str) -> None:
        decision = self._person(case, said, held=fate in ("held", "held_approved", "sent_back"))
        if fate in ("held_approved", "sent_back"):
            good = fate == "held_approved"
            Approval.objects.create(decision=decision, approved=good, by=self.people["supervisor"])
        if fate not in ("held", "sent_back", "sampled", "released"):
            corrections.from_override(decision)
        if fate in ("undone", "reopened"):
            Case.objects.filter(pk=case.pk).update(version=2, state=State.IN_REVIEW)
            make_task(case, reason="reopened")
        if fate in ("sampled", "released"):
            self._sample(case, decision, released=fate == "released")
        if fate == "second_read_waiting":
            make_task(case, reason="second_read", blind=True)

    def _rejected(self, case: Case, said: Any, fate: str) -> None:
        corrections.from_override(self._person(case, said, "", outcome="reject", output=None))

    def _sample(self, case: Case, decision: Decision, *, released: bool = False) -> None:
        answer = {"label": RIGHT}
        sample = Sample.objects.create(
            case=case, decision=decision, prediction=decision.prediction, probability=0.1,
            automated=decision.task_id is None, first_answer=answer, final_answer=answer, correct=False,
            read_by=self.people["auditor"], released_at=timezone.now() if released else None,
        )  # fmt: skip
        corrections.from_sample(sample, why="")

    def _reported(self, case: Case, said: Any, fate: str) -> None:
        decision = self._policy(case, said)
        report = OutcomeReport.objects.create(
            case=case, decision=decision, correct=False, output={"label": RIGHT}, source="erp"
        )
        corrections.from_report(report)
        Case.objects.filter(pk=case.pk).update(version=2)
        case.refresh_from_db()

    def _reported_then_decided(self, case: Case, said: Any, fate: str) -> None:
        self._reported(case, said, fate)
        corrections.from_override(self._person(case, said))

    def _adjudicated(self, case: Case, said: Any, fate: str) -> None:
        read = SecondRead.objects.create(
            decision=self._person(case, said, MACHINE), case_type=self.case_type, probability=0.1,
            reader=self.people["auditor"], output={"label": "other"}, read_at=timezone.now(),
            adjudicator=self.people["supervisor"], settled={"label": RIGHT}, settled_at=timezone.now(),
        )  # fmt: skip
        corrections.from_adjudication(read, why="")

    def _planted(self, case: Case, said: Any, fate: str) -> None:
        """The answer that was given to the planted task is nobody's decision."""
        self._person(case, said)
        task = make_task(case, planted=True)
        gold = GoldCase.objects.create(
            case=case, case_type=self.case_type, kind="drill", output={"label": RIGHT}, shown={"label": "other"},
            confidence=0.9, made_by=self.people["supervisor"],
        )  # fmt: skip
        Planting.objects.create(gold=gold, case_type=self.case_type, task=task, output={"label": "other"})

    def told(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Every text with its answer that may be learnt from, on every way."""
        yield from ((example.text, example.output) for example in learnable(self.case_type))
        items = composed(self.case_type, Selection())
        yield from ((item.text, item.output) for item in items if item.side == "train")
        question = Question(case_id=0, payload={"text": " ".join(FATES)})
        for choice in CHOICES[:2]:
            yield from shots(self.case_type, question, Choice(count=50, choice=choice))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fates=st.lists(st.sampled_from(FATES), min_size=1, max_size=14))
def test_only_what_people_said_and_what_nothing_has_overtaken_is_ever_learnt(fates: list[str]) -> None:
    world = World()
    for number, fate in enumerate(fates):
        world.add(fate, number)
    forget_index()
    take_fingerprints()
    for text, output in world.told():
        assert text.split()[0] in MAY_TEACH
        assert output == {"label": RIGHT}
    taught = {example.text.split()[0] for example in learnable(world.case_type)}
    assert taught == MAY_TEACH & set(fates)


def test_no_file_to_learn_from_holds_what_only_judges_or_what_only_the_machine_said() -> None:
    world = World()
    for number, fate in enumerate(FATES * 3):
        world.add(fate, number)
    items = composed(world.case_type, Selection())
    for kind in ("sft", "dpo", "few-shot"):
        for line in FORMATS[kind](world.case_type, items):
            assert any(f"{fate} number" in line for fate in MAY_TEACH)
            assert not any(f'"{fate} number' in line for fate in set(FATES) - MAY_TEACH)
