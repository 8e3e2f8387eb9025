"""Where evidence stands: paths into a case, however they are written, and spans that must be there."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.classifiers.base import Question
from cases.classifiers.hostile import spans_of
from cases.envelope import case_of
from cases.errors import Invalid
from cases.passages import text_at

FACTS: dict[str, Any] = {
    "payload": {
        "text": "I was charged twice",
        "items": [{"name": "lamp"}, {"name": "chair"}],
        "a.b": {"c": "dotted"},
        "2024": "a year",
        "x[0]": "not a list",
    },
    "context": [{"title": "Order", "text": "991"}],
}


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("payload.text", ("payload.text", "I was charged twice")),
        ("payload.items[1].name", ("payload.items[1].name", "chair")),
        ("payload.items.1.name", ("payload.items[1].name", "chair")),
        ("payload.a.b.c", ("payload.a.b.c", "dotted")),
        ("payload.2024", ("payload.2024", "a year")),
        ("payload.x[0]", ("payload.x[0]", "not a list")),
        ("context.0.text", ("context[0].text", "991")),
        ("context[0].title", ("context[0].title", "Order")),
    ],
)
def test_a_path_leads_to_its_text_under_its_one_name(path: str, told: tuple[str, str]) -> None:
    assert text_at(FACTS, path) == told


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "payload",
        "payload.",
        "payload.items",
        "payload.items[2].name",
        "payload.items[-1].name",
        "payload.items[0]name",
        "payload.items[0",
        "payload.text.x",
        "payload[text]",
        "context[٠].text",
        "context[999999999999].text",
        "text",
        "." * 500,
    ],
)
def test_a_path_that_leads_to_no_text_is_told(path: str) -> None:
    assert text_at(FACTS, path) is None


keys = st.sampled_from(["a", "b", "a.b", "[0]", "0", "a[0]"])
values = st.one_of(st.text(max_size=3), st.lists(st.text(max_size=3), max_size=2), st.dictionaries(keys, st.text()))


@given(st.dictionaries(keys, values, max_size=4), st.text("payload.ab[]01", max_size=30))
def test_no_path_of_the_world_is_an_error(payload: dict[str, Any], path: str) -> None:
    for asked in (path, f"payload.{path}"):
        found = text_at({"payload": payload}, asked)
        assert found is None or isinstance(found.text, str)


def sent(*evidence: dict[str, Any]) -> dict[str, Any]:
    prediction = {"output": {"label": "refund", "amount": 40}, "confidence": 0.8, "evidence": list(evidence)}
    return {"case_type": "t", **FACTS, "prediction": prediction}


def test_evidence_that_is_there_is_taken_with_the_field_it_supports() -> None:
    case = case_of(sent({"field": "payload.text", "start": 6, "end": 19, "supports": "label"}))
    assert case.prediction
    assert case.prediction.evidence[0].supports == "label"
    case_of(sent({"field": "context[0].text", "start": 0, "end": 3}))


@pytest.mark.parametrize(
    ("span", "path"),
    [
        ({"field": "payload.text", "start": 6, "end": 20}, "end"),
        ({"field": "payload.text", "start": 6, "end": 5}, "end"),
        ({"field": "payload.nothing", "start": 0, "end": 1}, "field"),
        ({"field": "payload.items", "start": 0, "end": 1}, "field"),
        ({"field": "context[1].text", "start": 0, "end": 1}, "field"),
        ({"field": "payload.text", "start": 0, "end": 1, "supports": "total"}, "supports"),
        ({"field": "payload.text", "start": 0, "end": 1, "supports": ""}, "supports"),
    ],
)
def test_evidence_that_is_not_there_is_refused_by_its_path(span: dict[str, Any], path: str) -> None:
    with pytest.raises(Invalid) as refused:
        case_of(sent(span))
    assert list(refused.value.errors) == [f"prediction.evidence[0].{path}"]


def test_a_models_quote_supports_the_one_field_whose_value_it_holds() -> None:
    question = Question(1, {"text": "Total 40.50 EUR, invoice 991 of ACME. 1991 was a year."})
    output = {"total": 40.5, "number": "991", "seller": "Acme", "paid": True, "label": "receipt"}
    quotes = ["invoice 991", "of ACME", "invoice 991 of ACME", "1991 was"]
    assert [span.get("supports") for span in spans_of(quotes, question, output)] == ["number", "seller", None, None]
