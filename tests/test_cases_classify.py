"""received → classified: whatever a classifier does, every case arrives, with an answer or with the reason for none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from typing import Any

import pytest
from django.db.models.functions import Now

from cases import plugins
from cases.classifiers.base import Answer, Brief, ClassifierError, Question
from cases.classify import checked, classify_batch
from cases.models import AuditEvent, Case, CaseType, Prediction
from cases.models.choices import State
from tests.factories import make_case, make_case_type, make_prediction

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
GOOD = Answer(output={"label": "refund"}, confidence=0.9, label="refund", model="m", model_version="1")
Reply = Callable[[Question], Any]


class Scripted:
    """A classifier that answers as a test says; ``asked`` keeps the size of every batch."""

    reply: Reply = staticmethod(lambda question: GOOD)
    asked: list[int] = []

    def __init__(self, *, batch_size: int | None = None) -> None:
        self.batch_size = batch_size

    def classify(self, brief: Brief, questions: Sequence[Question]) -> list[Answer]:
        Scripted.asked.append(len(questions))
        return [Scripted.reply(question) for question in questions]


class OneShort(Scripted):
    def classify(self, brief: Brief, questions: Sequence[Question]) -> list[Answer]:
        return super().classify(brief, questions)[1:]


class Raising:
    error: Exception = RuntimeError("the model fell over")

    def classify(self, brief: Brief, questions: Sequence[Question]) -> list[Answer]:
        raise Raising.error


class Unmakeable:
    def __init__(self) -> None:
        raise RuntimeError("no licence")


@pytest.fixture(autouse=True)
def _plugins(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    here = f"{__name__}."
    settings.CLASSIFIERS = {
        "good": {"BACKEND": here + "Scripted"},
        "by-three": {"BACKEND": here + "Scripted", "OPTIONS": {"batch_size": 3}},
        "short": {"BACKEND": here + "OneShort"},
        "raising": {"BACKEND": here + "Raising"},
        "unmakeable": {"BACKEND": here + "Unmakeable"},
        "supplied": settings.CLASSIFIERS["supplied"],
    }
    monkeypatch.setattr(Scripted, "asked", [])
    plugins.classifier.cache_clear()
    yield
    plugins.classifier.cache_clear()


def scripted(monkeypatch: pytest.MonkeyPatch, reply: Reply) -> None:
    monkeypatch.setattr(Scripted, "reply", staticmethod(reply))


def drain() -> None:
    while classify_batch():
        pass


def again(*cases: Case) -> None:
    """The back-off is over."""
    Case.objects.filter(pk__in=[case.pk for case in cases]).update(lease_until=Now())
    drain()


def told(case: Case) -> tuple[str, Prediction | None]:
    case.refresh_from_db()
    return case.state, Prediction.objects.filter(case=case).last()


def test_an_answer_becomes_the_case_s_prediction_and_is_audited_without_its_content() -> None:
    case = make_case(make_case_type(classifier="good"))
    drain()
    state, prediction = told(case)
    assert state == State.CLASSIFIED
    assert prediction is not None
    assert (prediction.output, prediction.confidence, prediction.error) == ({"label": "refund"}, 0.9, "")
    assert (case.label, case.confidence, case.attempts) == ("refund", 0.9, 0)
    event = AuditEvent.objects.get(case_id=case.pk, action="case.classified")
    assert event.data == {"label": "refund", "confidence": 0.9, "model": "m", "model_version": "1", "failed": False}


def test_a_classifier_that_raises_takes_only_its_own_cases_down() -> None:
    good, raising = make_case_type(classifier="good"), make_case_type(classifier="raising")
    fine, failing = [make_case(good) for _ in range(3)], [make_case(raising) for _ in range(2)]
    drain()
    assert {told(case)[0] for case in fine} == {State.CLASSIFIED}
    assert {told(case)[0] for case in failing} == {State.RECEIVED}
    assert {case.attempts for case in failing} == {1}


def test_after_the_third_attempt_the_case_goes_on_with_the_reason() -> None:
    case = make_case(make_case_type(classifier="raising"))
    drain()
    again(case)
    assert told(case) == (State.RECEIVED, None)
    again(case)
    state, prediction = told(case)
    assert state == State.CLASSIFIED
    assert prediction is not None
    assert (prediction.output, prediction.confidence) == (None, 0)
    assert prediction.error == "RuntimeError: the model fell over"


@pytest.mark.parametrize("alias", ["raising", "nowhere", "short"])
def test_what_cannot_get_better_is_not_tried_again(alias: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Raising, "error", ClassifierError("wrong key", permanent=True))
    case = make_case(make_case_type(classifier=alias))
    drain()
    state, prediction = told(case)
    assert state == State.CLASSIFIED
    assert prediction is not None
    words = {"raising": "wrong key", "nowhere": "'nowhere' is not configured", "short": "0 answers to 1 questions"}
    assert words[alias] in prediction.error


def test_a_classifier_that_cannot_even_be_made_is_tried_again_and_then_told() -> None:
    case = make_case(make_case_type(classifier="unmakeable"))
    drain()
    again(case)
    again(case)
    _state, prediction = told(case)
    assert prediction is not None
    assert "no licence" in prediction.error


def test_a_case_that_killed_its_worker_three_times_goes_on_unasked() -> None:
    case = make_case(make_case_type(classifier="good"), attempts=3, lease_token="d" * 32)
    drain()
    state, prediction = told(case)
    assert state == State.CLASSIFIED
    assert prediction is not None
    assert "given up after 3 attempts" in prediction.error
    assert Scripted.asked == []


def test_a_worker_that_was_fenced_off_writes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    case = make_case(make_case_type(classifier="good"))

    def slow(question: Question) -> Answer:
        Case.objects.filter(pk=question.case_id).update(lease_token="another worker")
        return GOOD

    scripted(monkeypatch, slow)
    classify_batch()
    assert told(case) == (State.RECEIVED, None)
    assert not AuditEvent.objects.filter(case_id=case.pk).exists()


def test_a_case_withdrawn_while_it_was_asked_about_stays_withdrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    case = make_case(make_case_type(classifier="good"))

    def slow(question: Question) -> Answer:
        Case.objects.filter(pk=question.case_id).update(state=State.CANCELLED)
        return GOOD

    scripted(monkeypatch, slow)
    classify_batch()
    assert told(case) == (State.CANCELLED, None)


def test_a_prediction_that_came_with_the_case_is_taken_and_no_model_is_asked() -> None:
    case = make_case(make_case_type(classifier="good"))
    given = make_prediction(case, label="billing", confidence=0.4)
    drain()
    assert told(case) == (State.CLASSIFIED, given)
    assert (case.label, case.confidence) == ("billing", 0.4)
    assert Scripted.asked == []


def test_a_classifier_is_asked_no_more_at_once_than_it_takes_and_the_rest_loses_no_attempt() -> None:
    case_type = make_case_type(classifier="by-three")
    cases = [make_case(case_type) for _ in range(8)]
    classify_batch()
    assert Scripted.asked == [3]
    waiting = Case.objects.filter(state=State.RECEIVED)
    assert set(waiting.values_list("attempts", "lease_token")) == {(0, "")}
    drain()
    assert Scripted.asked == [3, 3, 2]
    assert {told(case)[0] for case in cases} == {State.CLASSIFIED}


BAD = [
    (GOOD.__class__(output={"label": "refund"}, confidence=1.7), "confidence 1.7 is not between 0 and 1"),
    (Answer(output={"label": "refund"}, confidence=-0.1), "not between 0 and 1"),
    (Answer(output={"label": "refund"}, confidence=float("nan")), "confidence is not a number"),
    (Answer(output={"label": "refund"}, confidence=float("inf")), "confidence is not a number"),
    (Answer(output={"label": "refund"}, confidence="0.9"), "confidence is not a number"),  # type: ignore[arg-type]
    (Answer(output={"label": "refund"}, confidence=True), "confidence is not a number"),
    (Answer(output={"label": "refund"}, confidence=None), "confidence is not a number"),  # type: ignore[arg-type]
    (Answer(output={"label": "unheard"}, confidence=0.9), "label: Choose one of: refund, billing, other"),
    (Answer(output={"label": "refund", "amount": "40"}, confidence=0.9), "amount"),
    (Answer(output={}, confidence=0.9), "label"),
    (Answer(output=["refund"], confidence=0.9), ""),  # type: ignore[arg-type]
    (Answer(output=None, confidence=0.9), "the classifier gave no output"),
    (Answer(output={"label": "refund"}, confidence=0.9, error="half an answer"), "half an answer"),
    (Answer(output={"label": "refund"}, confidence=0.9, rationale="a\x00b"), "rationale"),
    (Answer(output={"label": "refund"}, confidence=0.9, rationale="\ud800"), "rationale"),
    (Answer(output={"label": "refund"}, confidence=0.9, label=7), "label is not a text"),  # type: ignore[arg-type]
    (Answer(output={"label": "refund"}, confidence=0.9, evidence=7), "shape"),  # type: ignore[arg-type]
    (Answer(output={"label": "refund"}, confidence=0.9, evidence=[{"start": object()}]), "evidence"),
    (Answer(output={"label": "refund"}, confidence=0.9, raw_confidence=float("nan")), "raw_confidence"),
    ({"output": {"label": "refund"}, "confidence": 0.9}, "answered with a dict"),
    (None, "answered with a NoneType"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "words"), BAD, ids=range(len(BAD)))
def test_a_nonsensical_answer_is_an_error_of_its_own_case_alone(
    answer: Any, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    case_type = make_case_type(classifier="good")
    odd, fine = make_case(case_type), make_case(case_type)
    scripted(monkeypatch, lambda question: answer if question.case_id == odd.pk else GOOD)
    drain()
    state, prediction = told(odd)
    assert state == State.CLASSIFIED
    assert prediction is not None
    assert (prediction.output, prediction.confidence) == (None, 0)
    assert prediction.error
    assert words in prediction.error
    assert told(fine)[1].output == {"label": "refund"}  # type: ignore[union-attr]


def test_what_a_failing_answer_cost_is_kept(db: None) -> None:
    case_type = CaseType(output_schema={"type": "object", "required": ["label"]})
    answer = Answer(output={}, confidence=0.5, cost=Decimal("0.01"), model="big", suspicious=True)
    kept = checked(answer, case_type, spent=12)
    assert (kept.cost, kept.model, kept.suspicious, kept.latency_ms) == (Decimal("0.01"), "big", True, 12)
    assert kept.error


def test_a_batch_costs_the_same_few_queries_however_many_cases(django_assert_max_num_queries: Any) -> None:
    case_type = make_case_type(classifier="good")
    for _ in range(40):
        make_case(case_type)
    with django_assert_max_num_queries(12):
        classify_batch()
