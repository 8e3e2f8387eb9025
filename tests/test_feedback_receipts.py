"""Receipts, read by plain rules and corrected by a person: what comes back is the fields that were wrong, fit for training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from cases import plugins
from cases.classify import classify_batch
from cases.models import CaseType
from feedback.corrections import changed_fields
from feedback.datasets import Selection, freeze
from feedback.exports import FORMATS, LINE_SCHEMAS
from feedback.models import Correction
from review.models import ReviewTask
from review.route import route_batch
from tests.callers import Api
from tests.factories import make_case, make_case_type, make_user
from tests.receipts import SCHEMA

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data" / "sroie_dev.jsonl"
RECEIPTS = 40
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.postgres_too,
    pytest.mark.skipif(not DATA.exists(), reason="the receipts (sroie_dev.jsonl) are not here"),
]
Truth = dict[str, str]


def receipts() -> list[tuple[str, Truth]]:
    """The text of each receipt, and what a person reads on it."""
    rows = [json.loads(line) for line in DATA.read_text(encoding="utf-8").splitlines()[:RECEIPTS]]
    names = {"merchant": "company", "date": "date", "total": "total", "address": "address"}
    return [("\n".join(row["lines"]), {ours: row["fields"][own] for ours, own in names.items()}) for row in rows]


@pytest.fixture
def case_type(settings: Any) -> CaseType:
    settings.CLASSIFIERS = {"rules": {"BACKEND": "tests.receipts.ReceiptRules", "OPTIONS": {}}}
    plugins.classifier.cache_clear()
    return make_case_type("validator", key="receipts", output_schema=SCHEMA, classifier="rules")


def reviewed(case_type: CaseType) -> dict[int, tuple[dict[str, str], Truth]]:
    """Put the receipts in, and have a scripted reviewer make every one right. What the rules and the reviewer said, by case."""
    truths = {
        make_case(case_type, payload={"text": text}, requester=f"shop {number}").pk: truth
        for number, (text, truth) in enumerate(receipts())
    }
    while classify_batch():
        pass
    while route_batch():
        pass
    reviewer, said = Api(make_user("reviewer")), {}
    for task in ReviewTask.objects.open().filter(case__in=truths).order_by("pk"):
        desk = reviewer.post(f"/tasks/{task.pk}/claim/").json()
        output, truth = desk["prediction"]["output"], truths[task.case_id]
        same = {"outcome": "approve"} if output == truth else {"outcome": "amend", "output": truth}
        body = {"lease_token": desk["lease_token"], "digest": desk["digest"], **same}
        answer = reviewer.post(f"/tasks/{task.pk}/decide/", body)
        assert answer.status_code == 200, answer.content
        said[task.case_id] = (output, truth)
    assert len(said) == RECEIPTS
    return said


def test_what_comes_back_is_exactly_the_fields_that_the_rules_got_wrong(case_type: CaseType) -> None:
    said = reviewed(case_type)
    wrong = {pk: {name for name in truth if output[name] != truth[name]} for pk, (output, truth) in said.items()}
    found = {
        row.case_id: {field.path for field in changed_fields(row.before, row.after)}
        for row in Correction.objects.filter(case_type=case_type)
    }
    assert found == {pk: names for pk, names in wrong.items() if names}
    assert len({name for names in found.values() for name in names}) == 4
    assert any(len(names) < 4 for names in found.values())
    assert set(Correction.objects.values_list("prediction__model", flat=True)) == {"receipt-rules"}


def test_the_corrected_receipts_are_a_dataset_to_learn_from(case_type: CaseType) -> None:
    said = reviewed(case_type)
    supervisor = make_user("supervisor")
    dataset, _new = freeze(case_type, name="receipts", selection=Selection(mask=False), by=supervisor, origin="test")
    assert dataset.counts["examples"] == RECEIPTS
    truths = [truth for _output, truth in said.values()]
    for kind in ("sft", "dpo"):
        for line in FORMATS[kind](case_type, dataset.items.all()):
            Draft202012Validator(LINE_SCHEMAS[kind]).validate(json.loads(line))
    taught = [json.loads(line) for line in FORMATS["sft"](case_type, dataset.items.all())]
    assert all(json.loads(row["messages"][-1]["content"]) in truths for row in taught)
    pairs = [json.loads(line) for line in FORMATS["dpo"](case_type, dataset.items.all())]
    assert 0 < len(pairs) <= len(taught)
    for pair in pairs:
        assert json.loads(pair["chosen"][0]["content"]) in truths
        assert json.loads(pair["rejected"][0]["content"]) != json.loads(pair["chosen"][0]["content"])
