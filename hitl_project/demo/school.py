"""The models of the demo: trained in rounds on what people decided, and put to work only when better."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from cases.classifiers.base import Answer
from cases.classifiers.local import NAME
from cases.classifiers.text_model import Guess, NotEnoughExamples, TextModel, TrainingFailed
from cases.classifiers.texts import places_of, text_of
from feedback.evaluation import compare, score
from feedback.examples import Example, split, texts_and_labels
from feedback.training import SEED
from hitl_project.demo.cases import DemoCase, Output
from hitl_project.demo.grammar import chance
from hitl_project.demo.history import Life, Round

UNTRAINED = "untrained: no model has been trained for this case type yet"
TRIES_LOST = 0.035
# The model that was asked before the one that answered, and why it did not.
TRIED = {
    "refund-request": ("refund-engine", "2"),
    "receipt": ("receipt-reader", "2.3"),
    "reply": ("draft-writer", "1.7"),
}
LOST_BECAUSE = [
    "timeout: no answer within 10 seconds",
    "http 503: the model is being loaded",
    "output.label: Choose one of the labels of the schema",
]


@dataclass(slots=True)
class School:
    """One case type's lessons, held and judged as the product does it (see `feedback.training`)."""

    case_type: str
    examples: list[Example] = field(default_factory=list)
    model: TextModel | None = None
    twin: TextModel | None = None
    number: int = 0
    running: int = 0

    def teach(self, case: DemoCase, output: Output, *, origin: str, group: str = "") -> None:
        """One more example; those of one ``group`` stay on one side of the split."""
        text = text_of(case.payload)[0]
        self.examples.append(Example(text, output, str(output["label"]), group or text, origin))

    def hold_round(self, at: datetime) -> Round | None:
        """Train on all examples so far; None when they are too few to learn from."""
        to_learn, held_out = (texts_and_labels(part) for part in split(self.examples))
        try:
            twin = TextModel.fit(*to_learn, seed=SEED)
            model = TextModel.fit(*texts_and_labels(self.examples), seed=SEED)
        except (NotEnoughExamples, TrainingFailed):
            return None
        judged = score(twin, *held_out)
        comparison = compare(judged, score(self.twin, *held_out) if self.twin else None)
        self.number += 1
        if comparison.better:
            self.model, self.twin, self.running = model, twin, self.number
        return Round(
            case_type=self.case_type,
            number=self.number,
            at=at,
            artifact=model.dumps(),
            twin=twin.dumps(),
            metrics={**judged.summary(), "cross_validated": model.report, "comparison": comparison.summary()},
            trained_on={"examples": len(self.examples), **Counter(example.origin for example in self.examples)},
            promoted=comparison.better,
            why=comparison.why,
        )

    def answer_all(self, lives: list[Life]) -> None:
        """Give every case the running model's answer."""
        if self.model is None:
            for life in lives:
                life.answer = Answer(output=None, error=UNTRAINED, model=NAME)
            return
        guesses = self.model.predict([text_of(life.case.payload)[0] for life in lives])
        for life, guess in zip(lives, guesses, strict=True):
            life.answer = answer_of(life.case, guess, version=str(self.running))


def answer_of(case: DemoCase, guess: Guess, *, version: str) -> Answer:
    """A model's guess as the pipeline records it."""
    text, spans = text_of(case.payload)
    evidence = [
        {
            "field": place.field,
            "start": place.start,
            "end": place.end,
            "weight": round(found.weight, 4),
            "supports": "label",
        }
        for found in guess.evidence
        for place in places_of(spans, found.start, found.end)
    ]
    return Answer(
        output={"label": guess.label},
        confidence=guess.confidence,
        raw_confidence=guess.raw,
        label=guess.label,
        rationale=_rationale(guess, text),
        evidence=evidence,
        alternatives=[{"label": label, "confidence": sure} for label, sure in guess.alternatives],
        fields={"label": guess.confidence},
        out_of_scope=guess.out_of_scope,
        model=NAME,
        model_version=version,
        latency_ms=4 + len(evidence),
    )


def _rationale(guess: Guess, text: str) -> str:
    words = ", ".join(f"“{text[found.start : found.end]}”" for found in guess.evidence)
    return f"The words {words} speak most for “{guess.label}”." if words else ""


def failed_try(case_type: str, rng: Random) -> Answer | None:
    """Now and then the first to be asked gave no answer."""
    return lost_try(case_type, rng) if chance(TRIES_LOST, rng) else None


def lost_try(case_type: str, rng: Random) -> Answer:
    """An attempt that came to nothing."""
    model, version = TRIED.get(case_type, ("llm", "small-2"))
    return Answer(output=None, error=rng.choice(LOST_BECAUSE), model=model, model_version=version, latency_ms=10_000)


def proposed(case: DemoCase) -> Answer:
    """The answer of the engine in front of a case type."""
    found = case.proposal or {}
    return Answer(
        output=found["output"],
        confidence=found["confidence"],
        rationale=found["rationale"],
        evidence=found["evidence"],
        alternatives=found["alternatives"],
        fields=found["fields"],
        label=found["output"]["label"],
        model=found["model"],
        model_version=found["model_version"],
    )
