"""Exports: the same bytes for the same data, valid by their format, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from django.core.management import CommandError, call_command

from cases.models import CaseType
from cases.models.choices import State
from feedback.datasets import Selection, composed, freeze
from feedback.exports import FORMATS, LINE_SCHEMAS
from feedback.models import LabelledExample
from review.models import Decision
from tests.factories import make_case, make_case_type, make_decision, make_prediction, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
FORMULAS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "＝1", "＋1", "－1", "＠x", "=cmd|' /C calc'!A0",
]  # fmt: skip


def decided(case_type: CaseType, text: str, *, why: str = "", **case: Any) -> Decision:
    row = make_case(case_type, payload={"text": text}, state=State.CLOSED, **case)
    return make_decision(
        row, by=make_user("reviewer"), task=make_task(row), prediction=make_prediction(row, output={"label": "refund"}),
        output={"label": "other"}, label="other", note=why,
    )  # fmt: skip


def lines(kind: str, case_type: CaseType) -> list[str]:
    return list(FORMATS[kind](case_type, composed(case_type, Selection())))


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_the_same_data_gives_the_same_bytes(kind: str, tmp_path: Path) -> None:
    case_type = make_case_type()
    for n in range(20):
        decided(case_type, f'text {n}, "quoted"\nand broken ä', requester=f"customer-{n}")
    for name in ("one", "two"):
        call_command("export_feedback", case_type.key, "--format", kind, "--out", str(tmp_path / name))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one").stat().st_size > 100


@pytest.mark.parametrize("kind", sorted(LINE_SCHEMAS))
def test_every_line_is_what_its_format_says(kind: str) -> None:
    case_type = make_case_type()
    for n in range(20):
        decided(case_type, f"text\u2028{n}", requester=f"customer-{n}")
    made = lines(kind, case_type)
    assert made
    for line in made:
        assert line.count("\n") == 1
        jsonschema.validate(json.loads(line), LINE_SCHEMAS[kind])


def test_a_frozen_dataset_is_exported_by_its_name(capsys: pytest.CaptureFixture[str]) -> None:
    case_type = make_case_type()
    decided(case_type, "first")
    freeze(case_type, name="spring", selection=Selection(), by=make_user("supervisor"), origin="test")
    decided(case_type, "second")
    call_command("export_feedback", case_type.key, "--format", "csv", "--dataset", "spring@1")
    written = capsys.readouterr().out
    assert "first" in written
    assert "second" not in written
    with pytest.raises(CommandError, match="no dataset"):
        call_command("export_feedback", case_type.key, "--format", "csv", "--dataset", "spring@2")


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_is_run_as_a_formula(formula: str) -> None:
    case_type = make_case_type()
    decided(case_type, formula, why=formula)
    [_head, row] = csv.reader(io.StringIO("".join(lines("csv", case_type)), newline=""))
    assert [cell for cell in row if formula in cell] == [f"'{formula}"] * 2


def test_a_bare_carriage_return_never_starts_a_row_of_its_own() -> None:
    case_type = make_case_type()
    decided(case_type, "harmless\r=1+1")
    text = "".join(lines("csv", case_type))
    assert '"harmless\r=1+1"' in text
    assert len(list(csv.reader(io.StringIO(text, newline="")))) == 2


def test_the_table_keeps_the_lineage() -> None:
    case_type = make_case_type()
    made = decided(case_type, "hello", why="so it is")
    [row] = csv.DictReader(io.StringIO("".join(lines("csv", case_type))))
    assert (row["case"], row["decision"], row["model"], row["model_version"], row["text"], row["why"]) == (
        str(made.case_id), str(made.pk), "test", "1", "hello", "so it is",
    )  # fmt: skip
    assert (row["label_before"], row["label_after"]) == ("refund", "other")
    assert json.loads(row["after"]) == {"label": "other"}


def test_fine_tuning_lines_are_chats_with_the_guidelines_first() -> None:
    case_type = make_case_type(guidelines="Be kind.")
    payload, output = {"text": "hello\u2028there"}, {"label": "other"}
    for n in range(5):
        LabelledExample.objects.create(
            case_type=case_type, source="x", external_id=str(n), payload={**payload, "n": str(n)}, output=output
        )
    system, user, assistant = json.loads(lines("sft", case_type)[0])["messages"]
    assert system["content"].endswith("Be kind.")
    assert user == {"role": "user", "content": "hello\u2028there"}
    assert json.loads(assistant["content"]) == output


def test_a_preference_is_only_where_a_person_differed_from_the_machine() -> None:
    case_type = make_case_type()
    for n in range(10):
        row = decided(case_type, f"text {n}", requester=f"customer-{n}")
    Decision.objects.filter(pk=row.pk).update(output={"label": "refund"})
    pairs = [json.loads(line) for line in lines("dpo", case_type)]
    assert pairs
    assert all(pair["chosen"] != pair["rejected"] for pair in pairs)


def test_few_shot_examples_are_a_few_of_each_label_newest_correction_first() -> None:
    case_type = make_case_type()
    for n in range(20):
        decided(case_type, f"text {n}", requester="one customer")
    shots = [json.loads(line) for line in lines("few-shot", case_type)]
    learnt = [item.text for item in composed(case_type, Selection()) if item.side == "train"]
    assert [shot["input"] for shot in shots] == learnt[::-1][:3]


def test_no_example_to_judge_by_is_in_a_file_to_learn_from() -> None:
    case_type = make_case_type()
    for n in range(40):
        decided(case_type, f"text {n}", requester=f"customer-{n}")
    judged = {json.loads(line)["input"] for line in lines("eval", case_type)}
    learnt = {json.loads(line)["messages"][1]["content"] for line in lines("sft", case_type)}
    assert judged
    assert learnt
    assert not judged & learnt
