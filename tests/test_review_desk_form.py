"""The decision form: every kind of field, filled from an output and read back without loss."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cases.outputs import problems
from review.desk.fields import Field, every
from review.desk.form import faulty, fields_of, output_of, read, with_errors
from tests.forms import sent

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=12)
LINE_ENDS = st.sampled_from(["", "a\nb", "a\r\nb\r\n", "\r", "\n\n x", " y "])
NUMBERS = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False))
CENTS = st.decimals(min_value=-100000, max_value=100000, places=2).map(float)
SCALARS: list[tuple[dict[str, Any], st.SearchStrategy[Any]]] = [
    ({"type": "string"}, TEXT | LINE_ENDS),
    ({"type": "string", "format": "long"}, TEXT | LINE_ENDS),
    ({"type": "string", "maxLength": 40}, TEXT | LINE_ENDS),
    ({"type": ["string", "null"]}, TEXT | st.none()),
    ({"anyOf": [{"type": "integer"}, {"type": "null"}]}, st.integers(-99, 99) | st.none()),
    ({"type": "string", "format": "date"}, st.dates().map(lambda day: day.isoformat())),
    ({"type": "number"}, NUMBERS),
    ({"type": "integer"}, st.integers(-(2**53), 2**53)),
    ({"type": "number", "format": "money", "currency": "EUR"}, CENTS | st.integers(-99, 99)),
    ({"type": "string", "format": "money"}, TEXT),
    ({"type": "boolean"}, st.booleans()),
    ({"enum": ["a", "b", 1, 2.5, None, True]}, st.sampled_from(["a", "b", 1, 2.5, None, True, 1.0])),
    (
        {"enum": [f"label-{number}" for number in range(20)]},
        st.sampled_from([f"label-{number}" for number in range(20)]),
    ),
    ({"type": "array", "items": {"enum": ["x", "y", "z"]}}, st.lists(st.sampled_from(["x", "y", "z"]), max_size=4)),
    ({"type": "array", "items": {"type": "string"}}, st.lists(TEXT | LINE_ENDS, max_size=3)),
    ({}, st.recursive(TEXT | st.booleans() | st.none(), lambda inner: st.lists(inner, max_size=2), max_leaves=4)),
    (
        {"type": "object", "properties": {"amount": {"type": "number"}, "currency": {"enum": ["EUR", "USD"]}}},
        st.fixed_dictionaries({}, optional={"amount": CENTS, "currency": st.sampled_from(["EUR", "USD"])}),
    ),
]
Pair = tuple[dict[str, Any], st.SearchStrategy[Any]]


@st.composite
def objects(draw: st.DrawFn, *, depth: int = 0) -> tuple[dict[str, Any], Any]:
    """A schema of an object and a value that obeys it."""
    properties, value = {}, {}
    for number in range(draw(st.integers(1, 4))):
        name = f"part {number}" if draw(st.booleans()) else f"part_{number}"
        properties[name], item = draw(anything(depth=depth))
        if draw(st.booleans()):
            value[name] = item
    if draw(st.booleans()):
        value["beyond"] = draw(TEXT)
    required = sorted(draw(st.sets(st.sampled_from(sorted(value))))) if value else []
    return {"type": "object", "properties": properties, "required": required}, value


@st.composite
def anything(draw: st.DrawFn, *, depth: int = 0) -> tuple[dict[str, Any], Any]:
    choice = draw(st.integers(0, 9 if depth < 2 else 6))
    if choice == 7:
        return draw(objects(depth=depth + 1))
    if choice > 7:
        schema, first = draw(objects(depth=depth + 1)) if choice == 8 else draw(scalars())
        return {"type": "array", "items": schema}, draw(st.sampled_from([[], [first], [first, first]]))
    return draw(scalars())


@st.composite
def scalars(draw: st.DrawFn) -> tuple[dict[str, Any], Any]:
    schema, values = draw(st.sampled_from(SCALARS))
    return schema, draw(values)


def exactly(left: Any, right: Any) -> bool:
    """Equality that tells 1 from 1.0 and from true, and sees the order of names."""
    return repr(left) == repr(right)


@settings(max_examples=300, deadline=None)
@given(objects())
def test_what_nobody_touched_comes_back_exactly_as_it_was(pair: tuple[dict[str, Any], Any]) -> None:
    schema, output = pair
    fields = fields_of(schema, output)
    back = read(fields, sent(fields))
    assert not faulty(back)
    assert exactly(output_of(back, output), output)


def form(properties: dict[str, Any], output: dict[str, Any] | None = None, **schema: Any) -> list[Field]:
    return fields_of({"type": "object", "properties": properties, **schema}, output)


def changed(fields: list[Field], shown: dict[str, Any] | None, **changes: str | list[str]) -> Any:
    back = read(fields, sent(fields, **changes))
    wrong = {one.path: list(one.errors) for one in every(back) if one.errors}
    return wrong or output_of(back, shown)


RECEIPT: dict[str, Any] = {
    "merchant": {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "vat": {"type": "string"}},
    },
    "total": {
        "type": "object",
        "required": ["amount", "currency"],
        "properties": {"amount": {"type": "number"}, "currency": {"enum": ["EUR", "USD"]}},
    },
    "items": {
        "type": "array",
        "items": {
            "type": "object",
            "required": ["sku"],
            "properties": {
                "sku": {"type": "string"},
                "count": {"type": "integer"},
                "kind": {"enum": ["food", "other"]},
            },
        },
    },
}
BOUGHT = {
    "merchant": {"name": "Lamp & Co", "founded": 1999},
    "total": {"amount": 40, "currency": "EUR"},
    "items": [{"sku": "a-1", "count": 2, "note": "kept"}, {"sku": "b-2"}],
}


def test_a_nested_field_changes_alone() -> None:
    fields = form(RECEIPT, BOUGHT)
    assert changed(fields, BOUGHT, **{"output.merchant.name": "Lamps", "output.items[0].count": "3"}) == {
        "merchant": {"name": "Lamps", "founded": 1999},
        "total": {"amount": 40, "currency": "EUR"},
        "items": [{"sku": "a-1", "count": 3, "note": "kept"}, {"sku": "b-2"}],
    }


def test_rows_are_added_in_the_empty_ones_and_go_when_they_are_emptied_or_ticked() -> None:
    fields = form(RECEIPT, BOUGHT)
    added = changed(fields, BOUGHT, **{"output.items[3].sku": "c-3", "output.items[17].sku": "d-4"})
    assert [row["sku"] for row in added["items"]] == ["a-1", "b-2", "c-3", "d-4"]
    emptied = changed(fields, BOUGHT, **{"output.items[1].sku": ""})
    assert emptied["items"] == BOUGHT["items"][:1]  # type: ignore[index]  # a list
    ticked = changed(fields, BOUGHT, **{"output.items[0].remove": "on", "output.items[1].remove": "on"})
    assert ticked["items"] == []


def test_an_object_that_is_emptied_goes_where_it_may() -> None:
    fields = form(RECEIPT, BOUGHT)
    hidden = changed(fields, BOUGHT, **{"output.merchant.name": ""})
    assert hidden == {"merchant.name": ["Fill this in."]}, "what the form does not show must not go unseen"
    assert "total" not in changed(fields, BOUGHT, **{"output.total.amount": "", "output.total.currency": ""})


def test_what_is_missing_in_a_row_is_told_beside_it() -> None:
    fields = form(RECEIPT, BOUGHT)
    wrong = changed(fields, BOUGHT, **{"output.items[2].count": "3", "output.items[0].count": "many"})
    assert wrong == {"items[0].count": ["Give a whole number, such as 12."], "items[2].sku": ["Fill this in."]}


def test_a_refusal_stands_beside_the_innermost_field_that_it_names() -> None:
    fields = form(RECEIPT, BOUGHT)
    typed = read(fields, sent(fields, **{"output.items[0].remove": "on", "output.items[1].sku": "x"}))
    told, rest = with_errors(
        typed,
        {
            "output.items[0].sku": ["too short"],
            "output.total.amount": ["too much"],
            "output.items": ["too few"],
            "output.merchant": ["no address"],
            "output.other": ["not known"],
        },
    )
    assert {one.path: one.errors for one in every(told) if one.errors} == {
        "items[1].sku": ("too short",),  # the first item of the output: the row before it was removed
        "total.amount": ("too much",),
        "items": ("too few",),
        "merchant": ("no address",),
    }
    assert rest == ["not known"]


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("1234.5", 1234.5),
        ("1234,5", 1234.5),
        ("1,234.50", 1234.5),
        ("1.234,50", 1234.5),
        ("1 234,50", 1234.5),
        ("1\u202f234\u202f567,89", 1234567.89),
        ("1'234.50", 1234.5),
        ("1,234,567", 1234567),
        ("-12", -12),
        ("\u221212,00", -12.0),
        ("0,125", 0.125),
        ("1234,567", 1234.567),
        (".5", 0.5),
        ("19.99", 19.99),
    ],
)
def test_amounts_are_read_as_they_are_written_here_and_elsewhere(typed: str, meant: float) -> None:
    fields = form({"due": {"type": "number", "format": "money"}}, {"due": 7})
    assert exactly(changed(fields, {"due": 7}, **{"output.due": typed}), {"due": meant})


def test_an_amount_that_can_be_read_in_two_ways_is_asked_about() -> None:
    fields = form({"due": {"type": "number", "format": "money"}}, {"due": 7})
    for typed, choice in (("1,234", "write 1234 or 1.2340"), ("12.345", "write 12345 or 12.3450")):
        assert choice in changed(fields, {}, **{"output.due": typed})["due"][0]
    for typed in ("12,34,56", "1.234.5", "12 EUR", "€5", "1,234.567.8", "--1", "0x10", "1e3", "٣", "9" * 60):
        assert "Give an amount" in changed(fields, {}, **{"output.due": typed})["due"][0], typed
    digits = changed(fields, {}, **{"output.due": "0.12345678901234567890123"})
    assert digits["due"] == ["These are more digits than can be kept exactly."]


def test_an_amount_kept_as_text_keeps_the_decimals_that_were_typed() -> None:
    fields = form({"due": {"type": "string", "format": "money"}}, {"due": "40.00"})
    assert changed(fields, {}, **{"output.due": "1.250,00"}) == {"due": "1250.00"}


def test_money_is_shown_with_its_cents_and_stays_the_number_it_was() -> None:
    money = {"type": "number", "format": "money"}
    fields = form({"a": money, "b": money, "c": {**money, "currency": "JPY"}}, {"a": 40, "b": 12.345, "c": 1500})
    assert [one.text for one in fields] == ["40.00", "12.345", "1500"]


def test_a_plain_number_takes_a_comma_but_never_guesses_at_one() -> None:
    fields = form({"rate": {"type": "number"}, "count": {"type": "integer"}}, {"rate": 1, "count": 1})
    assert changed(fields, {}, **{"output.rate": "1,5", "output.count": "12 000"}) == {"rate": 1.5, "count": 12000}
    assert changed(fields, {}, **{"output.rate": "1.125"})["rate"] == 1.125
    assert "two ways" in changed(fields, {}, **{"output.rate": "1,125"})["rate"][0]
    assert changed(fields, {}, **{"output.count": "1.0"}) == {"count": ["Give a whole number, such as 12."]}


def test_several_labels_keep_their_order_when_one_is_added() -> None:
    fields = form({"topics": {"type": "array", "items": {"enum": ["a", "b", "c"]}}}, {"topics": ["c", "a"]})
    assert changed(fields, {}, **{"output.topics": ["a", "b", "c"]}) == {"topics": ["c", "a", "b"]}
    assert changed(fields, {}, **{"output.topics": []}) == {"topics": []}


def test_an_array_of_numbers_is_a_table_of_one_column() -> None:
    fields = form({"readings": {"type": "array", "items": {"type": "number"}}}, {"readings": [1, 2.5]})
    assert changed(fields, {}, **{"output.readings[0]": "7", "output.readings[3]": "9"}) == {"readings": [7, 2.5, 9]}


def test_references_and_optional_types_are_followed() -> None:
    schema = {
        "type": "object",
        "properties": {"seller": {"$ref": "#/$defs/party"}, "note": {"anyOf": [{"type": "string"}, {"type": "null"}]}},
        "$defs": {
            "party": {"type": "object", "properties": {"name": {"$ref": "#/$defs/name"}}},
            "name": {"type": "string"},
        },
    }
    fields = fields_of(schema, {"seller": {"name": "Ann"}, "note": None})
    assert [(one.kind, one.path) for one in every(fields)] == [
        ("object", "seller"),
        ("text", "seller.name"),
        ("text", "note"),
    ]


def test_a_list_too_long_for_a_table_is_written_as_json() -> None:
    many = {"items": [{"sku": str(number)} for number in range(500)]}
    fields = form({"items": RECEIPT["items"]}, many)
    assert [one.kind for one in fields] == ["json"]
    assert output_of(read(fields, sent(fields)), many) == many


def test_a_form_that_was_sent_and_refused_shows_what_was_typed() -> None:
    fields = form(RECEIPT, BOUGHT)
    typed = {"output.items[2].sku": "c-3", "output.items[0].count": "many", "output.items[1].remove": "on"}
    back = read(fields, sent(fields, **typed))
    items = next(one for one in back if one.name == "items")
    assert [(row.path, row.removed) for row in items.parts] == [
        ("items[0]", False),
        ("items[1]", True),
        ("items[2]", False),
    ]
    assert [row.path for row in items.spares] == ["items[3]", "items[4]"]
    again = read(fields, sent(back, **{"output.items[1].remove": "on", "output.items[0].count": "4"}))
    assert [row["sku"] for row in output_of(again, BOUGHT)["items"]] == ["a-1", "c-3"]


def test_the_outputs_of_these_tests_obey_their_schemas() -> None:
    assert problems({"type": "object", "properties": RECEIPT}, BOUGHT) == []
