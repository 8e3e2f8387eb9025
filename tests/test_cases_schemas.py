"""Output schemas and outputs: what may be configured, and what passes."""

from __future__ import annotations

import time
from typing import Any

import pytest

from cases.schemas import check_schema, choices, label_of, labels_of, problems

REFUND: dict[str, Any] = {
    "type": "object",
    "required": ["label"],
    "properties": {
        "label": {"enum": ["refund", "billing", "other"]},
        "amount": {"type": "number", "minimum": 0, "multipleOf": 0.01},
        "code": {"type": "string", "pattern": "^[A-Z]{2}$"},
        "day": {"type": "string", "format": "date"},
        "items": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
    },
}


def schema(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


def nested(depth: int) -> Any:
    value: Any = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def test_an_output_that_obeys_its_schema_has_no_problems() -> None:
    output = {"label": "refund", "amount": 19.99, "code": "DE", "day": "2026-02-28", "items": [{"n": 1}]}
    assert problems(REFUND, output) == []


@pytest.mark.parametrize(
    ("output", "path"),
    [
        ({}, ""),
        ({"label": "unknown"}, "label"),
        ({"label": True}, "label"),
        ({"label": "refund", "amount": True}, "amount"),
        ({"label": "refund", "amount": "12"}, "amount"),
        ({"label": "refund", "amount": float("nan")}, "amount"),
        ({"label": "refund", "amount": float("inf")}, "amount"),
        ({"label": "refund", "amount": 10**5000}, "amount"),
        ({"label": "refund", "amount": 1.001}, "amount"),
        ({"label": "refund", "amount": -1}, "amount"),
        ({"label": "refund", "code": "DEU"}, "code"),
        ({"label": "refund", "day": "2026-02-30"}, "day"),
        ({"label": "refund", "day": "20260228"}, "day"),
        ({"label": "refund", "items": [{"n": 1}, {"n": 1.5}]}, "items[1].n"),
        ({"label": "refund", "note": "a\x00b"}, "note"),
        ({"label": "refund", "note": "\ud800"}, "note"),
        ({"label": "refund", "note": object()}, "note"),
        ({"label": "refund", "note": (1,)}, "note"),
        ({"label": "refund", "note": float("nan")}, "note"),
        ({"label": "refund", 1: "x"}, ""),
        ([], ""),
        (None, ""),
        ("refund", ""),
    ],
)
def test_an_output_that_does_not_obey_names_the_path(output: Any, path: str) -> None:
    found = problems(REFUND, output)
    assert [problem.path for problem in found] == [path]
    assert found[0].message


@pytest.mark.parametrize("depth", [33, 500, 100_000])
def test_deep_outputs_are_refused_and_break_nothing(depth: int) -> None:
    assert "deeply" in problems({"type": "object"}, nested(depth))[0].message


def test_a_wrong_choice_is_told_the_right_ones() -> None:
    assert "refund, billing, other" in problems(REFUND, {"label": "x"})[0].message


def test_a_large_wrong_value_is_not_echoed_whole() -> None:
    assert len(problems(REFUND, {"label": "refund", "amount": "x" * 100_000})[0].message) < 400


def test_at_most_twenty_problems_are_told() -> None:
    assert len(problems(schema(a={"items": {"type": "string"}}), {"a": [1] * 500})) == 20


def test_one_is_not_true_in_an_enumeration() -> None:
    assert problems(schema(a={"enum": [1]}), {"a": True})
    assert problems(schema(a={"const": 0}), {"a": False})


def test_a_pattern_that_explodes_elsewhere_takes_no_time() -> None:
    started = time.monotonic()
    assert problems(schema(a={"type": "string", "pattern": "^(a+)+$"}), {"a": "a" * 5000 + "!"})
    assert time.monotonic() - started < 0.5


def test_a_schema_that_is_never_checked_cannot_loop_for_ever() -> None:
    assert problems({"$ref": "#"}, {}) != []


def test_nothing_is_fetched_for_a_remote_reference() -> None:
    assert check_schema(schema(a={"$ref": "http://127.0.0.1:1/schema.json"}))[0].path == "properties.a.$ref"


GOOD = [
    {"type": "object"},
    REFUND,
    schema(label={"type": "string"}),
    schema(label={"const": "only"}),
    schema(label={"oneOf": [{"const": "a", "title": "A"}, {"const": "b"}]}),
    {"type": "object", "properties": {"a": {"$ref": "#/$defs/money"}}, "$defs": {"money": {"type": "number"}}},
    {"type": "object", "$schema": "https://json-schema.org/draft/2020-12/schema", "additionalProperties": False},
    {"type": "object", "properties": {"$ref": {"type": "string"}, "pattern": {"type": "string"}}},
]


@pytest.mark.parametrize("good", GOOD)
def test_a_usable_schema_passes(good: dict[str, Any]) -> None:
    assert check_schema(good) == []


def doubling() -> dict[str, Any]:
    """Thirty definitions, each naming the next one twice: a thousand million nodes once followed."""
    links = {f"d{n}": {"anyOf": [{"$ref": f"#/$defs/d{n + 1}"}] * 2} for n in range(30)}
    return {"type": "object", "properties": {"a": {"$ref": "#/$defs/d0"}}, "$defs": {**links, "d30": {}}}


BAD = [
    (None, ""),
    ([], ""),
    (True, ""),
    ({}, ""),
    ({"type": "array"}, ""),
    ({"type": ["object", "null"]}, ""),
    ({"type": "object", "properties": []}, "properties"),
    ({"type": "object", "required": "label"}, "required"),
    (schema(a={"type": "text"}), "properties.a.type"),
    (schema(a={"minLength": -1}), "properties.a.minLength"),
    (schema(a={"type": "string", "pattern": "(?=x)"}), "properties.a.pattern"),
    (schema(a={"type": "string", "pattern": "("}), "properties.a.pattern"),
    (schema(a={"items": {"pattern": r"(a)\1"}}), "properties.a.items.pattern"),
    (schema(a={"$ref": "#/$defs/none"}), "properties.a.$ref"),
    (schema(a={"$ref": "other.json"}), "properties.a.$ref"),
    (schema(a={"$ref": "#"}), "properties.a.$ref"),
    (schema(a={"$dynamicRef": "#x"}), "properties.a.$dynamicRef"),
    ({"type": "object", "$id": "http://x.example/"}, "$id"),
    ({"type": "object", "$schema": "http://json-schema.org/draft-07/schema#"}, "$schema"),
    ({"type": "object", "patternProperties": {"(a+)+$": {}}}, "patternProperties"),
    ({"type": "object", "maximum": float("nan")}, ""),
    ({"type": "object", "description": "x" * 70_000}, ""),
    (nested(500) | {"type": "object"}, ""),
    (nested(100_000) | {"type": "object"}, ""),
    (doubling(), ""),
    (schema(label={"enum": [1, 2]}), "properties.label"),
    (schema(label={"enum": ["a", "a"]}), "properties.label"),
    (schema(label={"enum": ["", "a"]}), "properties.label"),
    (schema(label={"enum": ["x" * 101]}), "properties.label"),
    (schema(label={"type": "number"}), "properties.label"),
    (schema(label=True), "properties.label"),
]


@pytest.mark.parametrize(("bad", "path"), BAD)
def test_an_unusable_schema_is_refused_and_the_place_named(bad: Any, path: str) -> None:
    started = time.monotonic()
    found = check_schema(bad)
    assert time.monotonic() - started < 2
    assert found
    assert found[0].path == path
    assert found[0].message


def test_definitions_that_name_each_other_in_a_circle_are_refused() -> None:
    circle = {"a": {"allOf": [{"$ref": "#/$defs/b"}]}, "b": {"$ref": "#/$defs/a"}}
    found = check_schema({"type": "object", "properties": {"x": {"$ref": "#/$defs/a"}}, "$defs": circle})
    assert any("itself" in problem.message for problem in found)


def test_labels_come_in_the_order_of_the_schema() -> None:
    assert labels_of(REFUND) == ["refund", "billing", "other"]
    assert labels_of(schema(label={"oneOf": [{"const": "b"}, {"const": "a"}]})) == ["b", "a"]
    assert labels_of(schema(label={"type": "string"})) == []
    assert labels_of({"type": "object"}) == []
    assert choices({"anyOf": [{"const": 1}, {"type": "null"}]}) == []


def test_the_label_of_an_output_is_always_a_text() -> None:
    assert label_of({"label": "refund"}) == "refund"
    for output in (None, {}, {"label": None}, {"label": 3}, {"label": True}):
        assert label_of(output) == ""
