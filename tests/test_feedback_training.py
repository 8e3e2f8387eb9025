"""Training, promotion and roll-back of a real model on real files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.management import CommandError, call_command

from cases import plugins
from cases.classifiers.text_training import NotEnoughExamples
from cases.classify import classify_batch
from cases.errors import Conflict
from cases.models import AuditEvent, CaseType, Prediction
from cases.models.choices import State
from feedback import jobs, registry
from feedback.examples import Example
from feedback.models import LabelledExample, ModelVersion
from feedback.training import train
from review.route import route_batch
from tests.factories import make_case, make_case_type
from tests.letters import SUBJECTS, examples

pytestmark = pytest.mark.django_db
SCHEMA = {"type": "object", "required": ["label"], "properties": {"label": {"enum": [*SUBJECTS, "none"]}}}


@pytest.fixture(autouse=True)
def _fresh_plugins() -> Iterator[None]:
    plugins.classifier.cache_clear()
    yield
    plugins.classifier.cache_clear()


@pytest.fixture
def letters() -> CaseType:
    return make_case_type("exception_handler", output_schema=SCHEMA, classifier="local", policy={"threshold": 0.3})


def teach(case_type: CaseType, *, per_label: int = 45, twist: bool = False, source: str = "first") -> None:
    """Labelled examples; with ``twist`` those that are learnt from are often wrong, which makes a worse model."""
    texts, labels = examples(per_label)
    wrong = dict(zip(SUBJECTS, [*list(SUBJECTS)[1:], next(iter(SUBJECTS))], strict=True))
    rows = []
    for n, (text, label) in enumerate(zip(texts, labels, strict=True)):
        told = f"{text} ({source} {n})"
        kept = Example(text=told, output={}, label=label, group=told, origin="labelled").held_out
        output = {"label": label if kept or not twist or n % 3 else wrong[label]}
        rows.append(
            LabelledExample(
                case_type=case_type, source=source, external_id=str(n), payload={"text": told}, output=output
            )
        )
    LabelledExample.objects.bulk_create(rows)


def trained(case_type: CaseType) -> ModelVersion:
    return train(case_type, actor="test", origin="test")


def classify(case_type: CaseType, text: str) -> Prediction:
    case = make_case(case_type, payload={"text": text})
    while classify_batch():
        pass
    return Prediction.objects.get(case=case)


def test_too_little_to_learn_from_leaves_everything_as_it_was(letters: CaseType) -> None:
    with pytest.raises(NotEnoughExamples):
        trained(letters)
    jobs.train(letters.key)
    with pytest.raises(CommandError):
        call_command("train", letters.key)
    assert not ModelVersion.objects.exists()


def test_an_untrained_model_sends_everything_to_a_person(letters: CaseType) -> None:
    prediction = classify(letters, "please refund order 7")
    assert prediction.confidence == 0
    while route_batch():
        pass
    prediction.case.refresh_from_db()
    assert prediction.case.state == State.IN_REVIEW


def test_the_first_model_is_put_to_work_and_answers_and_is_on_record(letters: CaseType) -> None:
    teach(letters)
    version = trained(letters)
    assert (version.number, version.status, version.trained_on["labelled"]) == (1, "active", 135)
    assert version.metrics["held_out"] >= 15
    prediction = classify(letters, "please refund order 7")
    assert (prediction.label, prediction.model_version, prediction.error) == ("refund", "1", "")
    actions = AuditEvent.objects.filter(object_id=version.pk, object_type="modelversion").order_by("id")
    assert list(actions.values_list("action", flat=True)) == ["model.trained", "model.promoted"]


def test_a_worse_model_is_kept_on_record_and_never_put_to_work(letters: CaseType, capsys: Any) -> None:
    teach(letters)
    first = trained(letters)
    LabelledExample.objects.all().delete()
    teach(letters, twist=True, source="twisted")
    call_command("train", letters.key)
    assert "Not promoted" in capsys.readouterr().out
    second = ModelVersion.objects.get(number=2)
    first.refresh_from_db()
    assert (first.status, second.status) == ("active", "refused")
    with pytest.raises(CommandError, match="--force"):
        call_command("promote", letters.key)
    call_command("promote", letters.key, "--number", "2", "--force", "--reason", "a trial")
    assert ModelVersion.objects.get(status="active").number == 2
    assert AuditEvent.objects.filter(action="model.promoted").latest("id").data["reason"] == "a trial"


def test_rolling_back_puts_the_earlier_model_to_work_at_once(letters: CaseType) -> None:
    teach(letters)
    first = trained(letters)
    with pytest.raises(Conflict, match="no earlier model"):
        registry.roll_back(letters, actor="test", origin="test")
    with pytest.raises(CommandError, match="no earlier model"):
        call_command("rollback", letters.key)
    second = trained(letters)
    registry.promote(second, actor="test", origin="test", reason="test")
    assert classify(letters, "please refund order 8").model_version == "2"
    call_command("rollback", letters.key)
    assert classify(letters, "please refund order 9").model_version == "1"
    assert ModelVersion.objects.get(status="active") == first


@pytest.mark.parametrize("damage", ["tampered", "gone"])
def test_a_model_file_that_is_not_the_one_stored_decides_nothing(letters: CaseType, damage: str) -> None:
    teach(letters)
    version = trained(letters)
    name = str(version.artifact.name)
    version.artifact.storage.delete(name)
    if damage == "tampered":
        assert version.artifact.storage.save(name, ContentFile(b"another model")) == name
    case = make_case(letters, payload={"text": "please refund order 7"})
    for _ in range(3):
        type(case).objects.filter(pk=case.pk, state=State.RECEIVED).update(lease_until=case.created_at)
        while classify_batch() or route_batch():
            pass
    case.refresh_from_db()
    assert (case.state, case.reason) == (State.IN_REVIEW, "classifier_error")
    assert "model 1" in Prediction.objects.get(case=case).error


def test_evaluate_tells_how_the_model_at_work_does(letters: CaseType, capsys: Any) -> None:
    call_command("evaluate", letters.key)
    assert '"model": null' in capsys.readouterr().out
    teach(letters)
    trained(letters)
    call_command("evaluate", letters.key)
    assert '"accuracy"' in capsys.readouterr().out


def test_a_case_type_nobody_knows_is_answered_with_those_there_are(letters: CaseType) -> None:
    with pytest.raises(CommandError, match=letters.key):
        call_command("train", "no-such-type")


def test_a_candidate_is_not_put_to_work_over_a_model_it_was_never_compared_with(letters: CaseType) -> None:
    teach(letters)
    compared = trained(letters)
    candidate = trained(letters)
    registry.promote(trained(letters), actor="test", origin="test", reason="by hand, meanwhile")
    with pytest.raises(Conflict, match="Another model"):
        registry.promote(candidate, actor="test", origin="test", reason="better", better_than=compared)
    candidate.refresh_from_db()
    assert candidate.status != "active"
