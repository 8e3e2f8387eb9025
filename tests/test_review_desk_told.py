"""An answer beside another's: what was changed, added and removed, told by what it says and not by where it stands."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from cases.models.choices import Reason
from review.desk.aligned import aligned
from review.desk.fields import Field
from review.desk.told import told_of
from tests import factories as make
from tests.desk import a_task, page_of, signed_in

ROW = {"type": "object", "properties": {"name": {"type": "string"}, "price": {"type": "number"}}}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"label": {"enum": ["receipt", "bill"]}, "items": {"type": "array", "items": ROW}},
}
TEA, CAKE, MILK = {"name": "Tea", "price": 2}, {"name": "Cake", "price": 4}, {"name": "Milk", "price": 1}
ROWS = some.lists(some.fixed_dictionaries({"name": some.sampled_from("abc"), "price": some.integers(0, 2)}), max_size=6)


def rows(mine: list[Any], theirs: list[Any]) -> list[tuple[str, str]]:
    """Each row's first word, and what befell it."""
    fields = told_of(SCHEMA, {"label": "bill", "items": mine}, other={"label": "bill", "items": theirs})
    return [(row.parts[0].text, _fate(row)) for row in fields[1].parts]


def _fate(row: Field) -> str:
    return "removed" if row.removed else "added" if row.added else "/".join(part.other for part in row.parts).strip("/")


def test_a_row_that_was_removed_is_told_by_what_it_said_wherever_it_stood() -> None:
    assert rows([CAKE, MILK], [TEA, CAKE, MILK]) == [("Tea", "removed"), ("Cake", ""), ("Milk", "")]
    assert rows([TEA, MILK], [TEA, CAKE, MILK]) == [("Tea", ""), ("Cake", "removed"), ("Milk", "")]
    assert rows([], [TEA]) == [("Tea", "removed")]


def test_a_row_that_was_put_in_leaves_those_after_it_unchanged() -> None:
    assert rows([TEA, CAKE, MILK], [TEA, MILK]) == [("Tea", ""), ("Cake", "added"), ("Milk", "")]


def test_a_row_that_was_changed_beside_one_that_went_is_told_with_its_own_earlier_value() -> None:
    dearer = {**CAKE, "price": 5}
    assert rows([dearer, MILK], [TEA, CAKE, MILK]) == [("Tea", "removed"), ("Cake", "4"), ("Milk", "")]


@given(mine=ROWS, theirs=ROWS)
def test_every_row_of_both_is_told_once_and_in_its_order(mine: list[Any], theirs: list[Any]) -> None:
    pairs = aligned(mine, theirs)
    assert [here for here, _there in pairs if here is not None] == list(range(len(mine)))
    assert [there for _here, there in pairs if there is not None] == list(range(len(theirs)))


@given(mine=ROWS, at=some.integers(0, 5))
@example(mine=[TEA, MILK, TEA, MILK, MILK], at=2)
def test_what_was_only_removed_leaves_every_other_row_beside_itself(mine: list[Any], at: int) -> None:
    left = [*mine[:at], *mine[at + 1 :]]
    assert all(here is None or left[here] == mine[there or 0] for here, there in aligned(left, mine))


def test_an_answer_without_declared_fields_is_compared_as_a_whole() -> None:
    [whole] = told_of({"type": "object"}, {"a": 1}, other={"a": 2})
    assert '"a": 2' in whole.other
    [same] = told_of({"type": "object"}, {"a": 1}, other={"a": 1})
    assert same.other == ""


@pytest.mark.django_db
def test_the_second_approver_reads_the_removed_line_itself() -> None:
    client, _user = signed_in("supervisor")
    lines = [
        {"description": name, "amount": amount} for name, amount in (("Taxi", 30.0), ("Minibar", 12.5), ("Room", 99.0))
    ]
    case_type = make.make_case_type(output_schema={**SCHEMA, "properties": {"items": {"type": "array", "items": {
        "type": "object", "properties": {"description": {"type": "string"}, "amount": {"type": "number"}}}}}})  # fmt: skip
    make.make_queue("seniors", groups=("supervisor",), kind="supervisor")
    task = a_task(
        case_type=case_type,
        prediction={"output": {"items": lines}},
        reason=Reason.SECOND_APPROVAL,
        queue=make.make_queue("seniors"),
    )
    output = {"items": [lines[0], lines[2]]}
    make.make_decision(
        task.case, by=make.make_user("reviewer"), output=output, held=True, override=True, outcome="amend"
    )
    html = client.get(page_of(task)).content.decode().split("waiting for a second person")[1]
    assert "<del>Minibar</del>" in html
    assert "<del>Room</del>" not in html
    assert "<del>Taxi</del>" not in html
