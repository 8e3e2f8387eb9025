"""A prompt put to the test before it is put to work: on examples kept to judge by, and on the cases of last week.

Each trial is a run in the background, bounded in calls and in cost, since every answer is paid for.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _

from cases import plugins, schemas
from cases.audit import Actor, journal
from cases.classifiers.base import Answer, ClassifierError, Question
from cases.classifiers.llm import LlmClassifier
from cases.classifiers.prompts import Instructions
from cases.classify import checked, prediction_of
from cases.errors import Conflict
from cases.models import Case, CaseType
from feedback.cards import card, corrected
from feedback.evaluation import LEAST_LIKELY, SIGNIFICANCE, Comparison, Score, compare
from feedback.examples import Example
from feedback.models import Dataset, DatasetItem, PromptVersion
from feedback.prompts import at_work, instructions
from feedback.replay import DAYS, FIGURES, known_answers
from feedback.runs import Tell
from review import coin
from review.policies import in_force
from review.route import fast_tracks, finding_of, view_of
from review.routing import PolicyView, choose_route

MOST_JUDGED, MOST_REPLAYED, MOST_CORRECTED = 200, 200, 50
MOST_COST = Decimal(5)
"""US dollars for one trial; only where the classifier knows its prices."""


@dataclass(slots=True)
class Bill:
    """What a trial has cost so far."""

    cost: Decimal = Decimal(0)
    tokens: Counter[str] = field(default_factory=Counter)
    failed: int = 0

    def add(self, answers: Sequence[Answer], *, most: Decimal | None) -> None:
        """Raises: Conflict when it has come to more than ``most``."""
        for answer in answers:
            self.cost += answer.cost or 0
            self.tokens.update(answer.tokens)
            self.failed += bool(answer.error)
        if most is not None and self.cost > most:
            raise Conflict(_("Stopped: the trial had cost more than %(most)s dollars.") % {"most": most})

    def told(self) -> dict[str, Any]:
        return {"cost": float(self.cost), "tokens": dict(self.tokens), "failed": self.failed}


def evaluate(version: PromptVersion, dataset: Dataset, *, actor: Actor, origin: str, tell: Tell) -> Comparison:
    """Judge a version, and what is told now, by the same examples, and keep the result on its card.

    What is shown as few-shot examples in a trial is never held out itself, so nobody is judged by what they were shown.
    The newest corrections are asked of both as well: whether the same errors would be made again.

    Raises: Conflict when there is nothing to judge by, the endpoint does not answer or it is getting too dear.
    """
    items = _judging(dataset)
    if not items:
        raise Conflict(_("There is nothing to judge by in this dataset."))
    bill, rival = Bill(), at_work(version.case_type)
    rival = None if rival == version else rival
    truth, wrong_once = [said_of(item.output) for item in items], corrected(version.case_type)[:MOST_CORRECTED]
    questions = [_question(item.case_id, item.text) for item in items]
    questions += [_question(example.case_id, example.text) for example in wrong_once]
    scores: list[Score] = []
    returned: list[int] = []
    for step, prompt in enumerate((version, rival)):
        told = instructions(version.case_type, prompt, judging=True)
        answers = list(_asked(version.case_type, told, questions, bill, tell=tell, done=step / 2, share=0.5))
        scores.append(_score(answers[: len(items)], truth))
        returned.append(_wrong_again(answers[len(items) :], wrong_once))
    comparison = compare(scores[0], scores[1], against=rival.number if rival else 0)
    labels = schemas.labels_of(version.case_type.output_schema)
    drawn = {name: part for name, part in card(scores[0], truth).items() if labels or name != "labels"}
    again = {"asked": {"n": len(wrong_once), "wrong_before": returned[1], "wrong_after": returned[0]}}
    judged = {**scores[0].summary(), **drawn, **bill.told(), "comparison": comparison.summary()}
    judged |= {"dataset": str(dataset), "recurrence": again if wrong_once else {}}
    _keep(version, judged, actor=actor, origin=origin, action="prompt.evaluated")
    return comparison


def _question(case_id: int | None, text: str) -> Question:
    """By its number a case is never shown its own answer among the examples."""
    return Question(case_id=case_id or 0, payload={"text": text})


def _wrong_again(answers: Sequence[Answer], corrections: Sequence[Example]) -> int:
    return sum(
        schemas.label_of(answer.output or {}) != example.label
        for answer, example in zip(answers, corrections, strict=True)
    )


def _judging(dataset: Dataset) -> list[DatasetItem]:
    """The judging side, or evenly many of it."""
    items = list(dataset.items.filter(side=DatasetItem.Side.EVAL).order_by("position"))
    return items[:: math.ceil(len(items) / MOST_JUDGED) or 1]


def said_of(output: Mapping[str, Any] | None) -> str:
    """The answer as one word to compare: its label, or all of it where the case type has none."""
    return "" if output is None else schemas.label_of(output) or json.dumps(output, sort_keys=True, ensure_ascii=False)


def _asked(
    case_type: CaseType,
    told: Instructions,
    questions: Sequence[Question],
    bill: Bill,
    *,
    tell: Tell,
    done: float = 0.0,
    share: float = 1.0,
) -> Iterator[Answer]:
    """The answers, batch by batch, checked as in earnest."""
    backend = model_of(case_type)
    for start in range(0, len(questions), backend.batch_size):
        batch = questions[start : start + backend.batch_size]
        tell(done + share * start / len(questions), _("Asking the language model"))
        try:
            found = backend.ask(case_type.brief(), batch, told)
        except ClassifierError as error:
            raise Conflict(str(error)) from error
        bill.add(found, most=MOST_COST)
        yield from (checked(answer, case_type) for answer in found)


def model_of(case_type: CaseType) -> LlmClassifier:
    """The case type's own language model, or the one called ``llm``.

    Raises: Conflict when there is none.
    """
    for alias in (case_type.classifier, "llm"):
        try:
            made = plugins.classifier(alias)
        except plugins.UnknownAlias:
            continue
        if isinstance(made, LlmClassifier):
            return made
    raise Conflict(_("No language model is configured."))


def questions_of(cases: Sequence[Case]) -> list[Question]:
    """What the classifier would be shown of these cases."""
    return [Question(case_id=case.pk, payload=case.payload, context=case.context) for case in cases]


def _score(answers: Sequence[Answer], truth: Sequence[str]) -> Score:
    said = [said_of(answer.output) for answer in answers]
    likely = [_likelihood(*each) for each in zip(answers, said, truth, strict=True)]
    return Score(
        right=tuple(one == other for one, other in zip(said, truth, strict=True)),
        surprise=tuple(-math.log(share) for share in likely),
        confidence=tuple(answer.confidence for answer in answers),
        said=tuple(said),
    )


def _likelihood(answer: Answer, said: str, truth: str) -> float:
    told = {str(other.get("label", "")): float(other.get("confidence", 0)) for other in answer.alternatives}
    return min(1.0, max({**told, said: answer.confidence}.get(truth, 0.0), LEAST_LIKELY))


def replay(version: PromptVersion, *, actor: Actor, origin: str, tell: Tell) -> dict[str, Any]:
    """Put the newest of last week's cases to a version and keep on its card what would have changed.

    Raises: Conflict when the endpoint does not answer or it is getting too dear.
    """
    case_type, bill = version.case_type, Bill()
    since = timezone.now() - timedelta(days=DAYS)
    cases = list(Case.objects.filter(case_type=case_type, routed_at__gte=since).order_by("-routed_at")[:MOST_REPLAYED])
    told = instructions(case_type, version, judging=True, before=since)
    questions = questions_of(cases)
    view, known = view_of(in_force([case_type])[case_type.pk], fast=fast_tracks()), known_answers(cases)
    counts: Counter[str] = Counter(cases=len(cases))
    for case, answer in zip(cases, _asked(case_type, told, questions, bill, tell=tell), strict=True):
        counts.update(_changes(case, answer, view, known[case.pk].label if case.pk in known else ""))
    figures = {**{name: counts[name] for name in FIGURES}, **bill.told(), "days": DAYS}
    told_at = {"replay": {**figures, "at": timezone.now().isoformat()}}
    _keep(version, told_at, actor=actor, origin=origin, action="prompt.replayed")
    return figures


def _changes(case: Case, answer: Answer, view: PolicyView, truth: str) -> Iterator[str]:
    """The names of what a case adds one to."""
    route = choose_route(view, finding_of(case, prediction_of(case.pk, answer)), coin.draw(case.pk))
    now, then, label = route.automatic, not case.reason, schemas.label_of(answer.output or {})
    yield "automated_now" if now else "escalated_now"
    yield "automated_then" if then else "escalated_then"
    if label != case.label:
        yield "another_label"
    if now != then:
        yield "newly_automated" if now else "newly_escalated"
    if truth:
        yield "known"
    if truth and now and label != truth:
        yield "wrong_now"
    if truth and then and case.label != truth:
        yield "wrong_then"


def _keep(version: PromptVersion, figures: Mapping[str, Any], *, actor: Actor, origin: str, action: str) -> None:
    with journal(actor=actor, origin=origin) as log:
        present = PromptVersion.objects.select_for_update().get(pk=version.pk)
        present.metrics = {**present.metrics, **figures}
        present.status = _status(present)
        present.save(update_fields=["metrics", "status"])
        plain = {name: value for name, value in figures.items() if isinstance(value, int | float | str)}
        log(action, subject=present, data={"number": present.number, **plain})


def _status(version: PromptVersion) -> str:
    """A candidate that is worse is marked so, until another evaluation finds otherwise."""
    if version.status not in (PromptVersion.Status.CANDIDATE, PromptVersion.Status.REFUSED):
        return version.status
    told = version.metrics.get("comparison", {})
    worse = told.get("compared") and told["p_worse"] <= SIGNIFICANCE
    return PromptVersion.Status.REFUSED if worse else PromptVersion.Status.CANDIDATE
