"""How sure the machine is of single fields: sent, stored, told."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cases.classifiers import by_field
from cases.classifiers.base import Answer
from cases.classify import checked, prediction_of
from cases.envelope import read_case, read_prediction
from cases.errors import Invalid
from cases.models import Prediction
from tests import factories as make
from tests.callers import Api


def body(**prediction: Any) -> bytes:
    return json.dumps({"output": {"label": "refund"}, "confidence": 0.9, **prediction}).encode()


def test_shares_are_taken_by_path_and_nothing_else_is() -> None:
    assert read_prediction(body(fields={"amount": 0.61, "items[0].sku": 1})).fields == {
        "amount": 0.61,
        "items[0].sku": 1,
    }
    wrong: list[Any] = [
        {"amount": 1.7},
        {"amount": -0.1},
        {"amount": True},
        {"amount": "0.5"},
        {"": 0.5},
        {"a..b": 0.5},
        {"a[x]": 0.5},
        {"a]": 0.5},
        {"[0]": 0.5},
        {"x" * 201: 0.5},
        {f"f{number}": 0.5 for number in range(201)},
        [],
    ]
    for fields in wrong:
        with pytest.raises(Invalid):
            read_prediction(body(fields=fields))


def test_a_case_without_them_has_the_same_content_as_ever() -> None:
    case = {"case_type": "t", "payload": {}, "prediction": {"output": {}, "confidence": 0.5}}
    assert b"fields" not in read_case(json.dumps(case).encode()).content()


@pytest.mark.django_db
def test_a_classifier_may_tell_them_and_a_wrong_one_goes_to_a_person() -> None:
    case_type = make.make_case_type()
    sound = checked(Answer(output={"label": "refund"}, confidence=0.9, fields={"label": 0.8}), case_type)
    assert prediction_of(1, sound).fields == {"label": 0.8}
    for share in (1.2, float("nan"), "high", True):
        wrong = checked(Answer(output={"label": "refund"}, confidence=0.9, fields={"label": share}), case_type)  # type: ignore[dict-item]
        assert wrong.output is None
        assert "label" in wrong.error or "fields" in wrong.error


def test_a_language_model_is_as_sure_of_a_field_as_of_its_tokens() -> None:
    text = '{"output": {"label": "refund", "amount": 40, "note": null}}'
    tokens = [
        {"token": part, "logprob": log}
        for part, log in (
            ('{"output": {"label": "', 0),
            ("refund", -0.1),
            ('", "amount": ', 0),
            ("40", -0.7),
            (', "note": null}}', 0),
        )
    ]
    found = by_field.by_tokens(text, tokens, {"label": "refund", "amount": 40, "note": None, "long": "x" * 99})
    assert {name: round(share, 2) for name, share in found.items()} == {"label": 0.9, "amount": 0.5}
    assert by_field.by_tokens(text, [], {"label": "refund"}) == {}


def test_without_probabilities_the_samples_vote_on_each_field() -> None:
    said = {"label": "a", "items": [{"sku": "x"}, {"sku": "y"}]}
    other = {"label": "a", "items": [{"sku": "x"}]}
    assert by_field.by_agreement(said, [said, said, other], 3) == {
        "label": 0.8,
        "items[0].sku": 0.8,
        "items[1].sku": 0.6,
    }
    assert by_field.by_agreement(said, [said], 1) == {}


@pytest.mark.django_db
@pytest.mark.postgres_too
def test_what_was_sent_with_a_case_or_later_is_stored_and_told_and_a_repeat_is_recognised() -> None:
    case_type = make.make_case_type()
    caller = Api(make.make_user("integration"))
    said = {"output": {"label": "refund"}, "confidence": 0.9, "fields": {"label": 0.55}}
    sent = {"case_type": case_type.key, "payload": {"text": "x"}, "external_id": "1", "prediction": said}
    case_id = caller.post("/cases/", sent).json()["id"]
    assert caller.post("/cases/", sent).status_code == 200
    assert Prediction.objects.get(case=case_id).fields == {"label": 0.55}
    again = caller.post(f"/cases/{case_id}/prediction/", said)
    assert (again.status_code, again.json()["fields"]) == (200, {"label": 0.55})
    other = caller.post(f"/cases/{case_id}/prediction/", {**said, "fields": {"label": 0.6}})
    assert (other.status_code, other.json()["fields"]) == (201, {"label": 0.6})
