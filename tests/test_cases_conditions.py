"""Conditions: what may be configured, and what every operator says at the edges."""

from __future__ import annotations

import json
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cases.conditions import OPS, ROOTS, check, evaluate, holds

FACTS: dict[str, Any] = {
    "output": {"label": "refund", "amount": 500.01, "price": Decimal("0.3"), "urgent": True, "note": None},
    "payload": {
        "text": "Please refund me, or my LAWYER writes",
        "tags": ["vip", 3],
        "year": "2026",
        "deep": {"a": [1]},
    },
    "context": [{"title": "Order 991"}],
    "metadata": {},
    "confidence": 0.7,
    "label": "refund",
    "priority": "high",
    "requester": "customer-77",
}


def result(field: str, op: str, value: Any = None) -> bool:
    trace = evaluate([{"field": field, "op": op, "value": value}], FACTS)[0]
    json.dumps(trace, allow_nan=False)
    return trace["result"]


@pytest.mark.parametrize(
    ("field", "op", "value"),
    [
        ("output.amount", "gt", 500),
        ("output.amount", "ge", 500.01),
        ("output.amount", "lt", 501),
        ("output.amount", "le", 500.01),
        ("output.amount", "eq", 500.01),
        ("output.price", "eq", 0.3),
        ("output.price", "lt", 0.1 + 0.2),
        ("output.label", "eq", "refund"),
        ("output.label", "ne", "billing"),
        ("output.label", "in", ["billing", "refund"]),
        ("output.urgent", "eq", True),
        ("output.missing", "ne", "x"),
        ("output.note", "ne", "x"),
        ("output.missing", "exists", False),
        ("output.note", "exists", False),
        ("output.label", "exists", True),
        ("output.label", "exists", None),
        ("payload.text", "contains", "lawyer"),
        ("payload.tags", "contains", "vip"),
        ("payload.tags", "contains", 3),
        ("payload.text", "matches", r"(?i)\blawyer\b"),
        ("payload.deep.a.0", "eq", 1),
        ("context.0.title", "matches", "[0-9]{3}"),
        ("confidence", "lt", 0.8),
        ("priority", "in", ["high", "urgent"]),
        ("payload.year", "ge", "2025"),
        ("payload.year", "ne", 2026),
    ],
)
def test_a_condition_that_holds(field: str, op: str, value: Any) -> None:
    assert result(field, op, value)


@pytest.mark.parametrize(
    ("field", "op", "value"),
    [
        ("output.amount", "gt", "500"),
        ("output.amount", "gt", True),
        ("output.urgent", "eq", 1),
        ("output.urgent", "gt", 0),
        ("output.urgent", "in", [1, 0]),
        ("payload.tags", "contains", True),
        ("payload.year", "gt", 2000),
        ("payload.year", "eq", 2026),
        ("output.missing", "eq", None),
        ("output.note", "eq", None),
        ("output.missing", "gt", 0),
        ("output.missing", "in", ["x"]),
        ("output.missing", "contains", "x"),
        ("output.missing", "matches", ".*"),
        ("output.missing", "exists", True),
        ("output.label", "exists", False),
        ("output.label.deeper", "exists", True),
        ("context.1.title", "exists", True),
        ("context.99999999999999999999.title", "exists", True),
        ("context.-1.title", "exists", True),
        ("payload", "gt", 1),
        ("payload", "eq", "x"),
        ("payload.deep", "eq", {"a": [1]}),
        ("payload.text", "matches", "("),
        ("payload.text", "matches", 5),
        ("output.amount", "matches", "5"),
        ("output.amount", "contains", "5"),
        ("output.label", "nonsense", "refund"),
        ("output.label", "in", "refund"),
        ("", "eq", ""),
    ],
)
def test_a_condition_that_does_not_hold(field: str, op: str, value: Any) -> None:
    assert not result(field, op, value)


def test_a_trace_says_what_was_met() -> None:
    rows: list[dict[str, Any]] = [
        {"field": "output.amount", "op": "gt", "value": 500},
        {"field": "label", "op": "eq", "value": "x"},
    ]
    assert evaluate(rows, FACTS) == [
        {"field": "output.amount", "op": "gt", "value": 500, "actual": 500.01, "result": True},
        {"field": "label", "op": "eq", "value": "x", "actual": "refund", "result": False},
    ]
    assert not holds(evaluate(rows, FACTS))
    assert holds([])


def test_a_trace_keeps_long_and_odd_values_short_and_storable() -> None:
    facts = {"payload": {"long": "x" * 9999, "odd": "\ud800\x00", "nan": float("nan"), "huge": 10**400, "list": [1]}}
    rows: list[dict[str, Any]] = [{"field": f"payload.{key}", "op": "eq", "value": 1} for key in facts["payload"]]
    shown = [trace["actual"] for trace in evaluate(rows, facts)]
    assert len(shown[0]) == 200
    assert shown[1:] == ["?\ufffd", "(float)", "(int)", "(list)"]


def test_nan_and_infinity_compare_with_nothing() -> None:
    for number in (float("nan"), float("inf"), Decimal("NaN"), Decimal("sNaN"), 10**400):
        for op in ("eq", "gt", "ge", "lt", "le"):
            assert not evaluate([{"field": "confidence", "op": op, "value": 0}], {"confidence": number})[0]["result"]


def test_a_pattern_that_explodes_elsewhere_takes_no_time() -> None:
    started = time.monotonic()
    row = {"field": "payload.text", "op": "matches", "value": "^(a|aa)+$"}
    assert not evaluate([row], {"payload": {"text": "a" * 200_000 + "!"}})[0]["result"]
    assert time.monotonic() - started < 0.5


def test_half_a_surrogate_in_a_text_breaks_no_pattern() -> None:
    row = {"field": "payload.text", "op": "matches", "value": "^a"}
    assert evaluate([row], {"payload": {"text": "a\ud800"}})[0]["result"]


def test_good_rows_have_no_problems() -> None:
    values: dict[str, Any] = {"in": ["a", 1], "matches": "^a", "exists": True, "gt": 1.5}
    rows: list[Any] = [{"field": f"{root}.x", "op": op, "value": values.get(op, 1)} for root in ROOTS for op in OPS]
    assert [problem for row in rows for problem in check([row])] == []
    assert check([{"field": "label", "op": "exists"}]) == []
    assert check([]) == []


@pytest.mark.parametrize(
    ("row", "path"),
    [
        ("x", ""),
        ({"op": "eq", "value": 1}, ".field"),
        ({"field": "", "op": "eq", "value": 1}, ".field"),
        ({"field": 5, "op": "eq", "value": 1}, ".field"),
        ({"field": "output..x", "op": "eq", "value": 1}, ".field"),
        ({"field": "output." + "x" * 200, "op": "eq", "value": 1}, ".field"),
        ({"field": "__class__", "op": "eq", "value": 1}, ".field"),
        ({"field": "password", "op": "eq", "value": 1}, ".field"),
        ({"field": "label", "value": 1}, ".op"),
        ({"field": "label", "op": "like", "value": 1}, ".op"),
        ({"field": "label", "op": ["eq"], "value": 1}, ".op"),
        ({"field": "label", "op": "eq"}, ".value"),
        ({"field": "label", "op": "eq", "value": None}, ".value"),
        ({"field": "label", "op": "eq", "value": {}}, ".value"),
        ({"field": "label", "op": "gt", "value": True}, ".value"),
        ({"field": "label", "op": "gt", "value": float("nan")}, ".value"),
        ({"field": "label", "op": "in", "value": "a"}, ".value"),
        ({"field": "label", "op": "in", "value": []}, ".value"),
        ({"field": "label", "op": "in", "value": [[1]]}, ".value"),
        ({"field": "label", "op": "exists", "value": "yes"}, ".value"),
        ({"field": "label", "op": "matches", "value": "("}, ".value"),
        ({"field": "label", "op": "matches", "value": "(?=a)"}, ".value"),
        ({"field": "label", "op": "matches", "value": "(x{1000}){1000}"}, ".value"),
        ({"field": "label", "op": "matches", "value": "x" * 501}, ".value"),
        ({"field": "label", "op": "matches", "value": ""}, ".value"),
        ({"field": "label", "op": "matches", "value": 1}, ".value"),
        ({"field": "label", "op": "eq", "value": 1, "code": "import os"}, ".code"),
    ],
)
def test_a_bad_row_is_refused_and_the_key_named(row: Any, path: str) -> None:
    found = check([{"field": "label", "op": "exists"}, row])
    assert [problem.path for problem in found] == [f"[1]{path}"]


def test_rows_that_are_no_list_or_too_many_are_refused() -> None:
    tries: list[Any] = [None, {}, "x", [{"field": "label", "op": "exists"}] * 51]
    for rows in tries:
        assert check(rows)[0].path == ""


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


@given(actual=anything, op=st.sampled_from(OPS), value=anything)
def test_no_value_makes_an_evaluation_raise(actual: Any, op: str, value: Any) -> None:
    trace = evaluate([{"field": "payload.x", "op": op, "value": value}], {"payload": {"x": actual}})[0]
    assert isinstance(trace["result"], bool)
    json.dumps(trace["actual"], allow_nan=False)


@given(actual=anything, value=anything)
def test_unequal_is_exactly_not_equal(actual: Any, value: Any) -> None:
    rows = [{"field": "payload.x", "op": op, "value": value} for op in ("eq", "ne")]
    equal, unequal = evaluate(rows, {"payload": {"x": actual}})
    assert equal["result"] is not unequal["result"]


@given(rows=st.lists(anything | st.dictionaries(st.sampled_from(["field", "op", "value"]), anything)))
def test_no_configuration_makes_a_check_raise(rows: Any) -> None:
    assert all(problem.message for problem in check(rows))
