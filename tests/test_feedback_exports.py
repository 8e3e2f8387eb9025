"""Exports: the same bytes for the same data, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest
from django.core.management import call_command

from cases.models import CaseType
from cases.models.choices import State
from feedback.exports import FORMATS, corrections_csv
from feedback.models import Correction, LabelledExample
from tests.factories import make_case, make_case_type, make_prediction

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]
FORMULAS = [
    "=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", " =1", "\u00a0=1", "＝1", "＋1", "－1", "＠x", "=cmd|' /C calc'!A0",
]  # fmt: skip


def corrected(case_type: CaseType, text: str, *, why: str = "", sampled: bool = False) -> Correction:
    case = make_case(case_type, payload={"text": text}, state=State.CLOSED, sampled=sampled)
    return Correction.objects.create(
        case=case, case_type=case.case_type, source="override", prediction=make_prediction(case), before={"label": "refund"}, why=why,
        after={"label": "other"}, label_before="refund", label_after="other",
    )  # fmt: skip


@pytest.mark.parametrize("kind", sorted(FORMATS))
def test_the_same_data_gives_the_same_bytes(kind: str, tmp_path: Path) -> None:
    case_type = make_case_type()
    for n in range(20):
        corrected(case_type, f'text {n}, "quoted"\nand broken ä')
        LabelledExample.objects.create(
            case_type=case_type,
            source="x",
            external_id=str(n),
            payload={"text": f"t{n}"},
            output={"label": "other", "amount": n},
        )
    for name in ("one", "two"):
        call_command("export_feedback", case_type.key, "--format", kind, "--out", str(tmp_path / name))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()
    assert (tmp_path / "one").stat().st_size > 500


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_is_run_as_a_formula(formula: str) -> None:
    case_type = make_case_type()
    corrected(case_type, formula, why=formula)
    [_head, row] = csv.reader(io.StringIO("".join(corrections_csv(case_type)), newline=""))
    cells = [cell for cell in row[:-1] if formula in cell]
    assert cells == [f"'{formula}"] * 2


def test_a_bare_carriage_return_never_starts_a_row_of_its_own() -> None:
    case_type = make_case_type()
    corrected(case_type, "harmless\r=1+1")
    text = "".join(corrections_csv(case_type))
    assert '"harmless\r=1+1"' in text
    assert len(list(csv.reader(io.StringIO(text, newline="")))) == 2


def test_the_table_keeps_the_lineage_and_leaves_samples_out() -> None:
    case_type = make_case_type()
    corrected(case_type, "hidden", sampled=True)
    made = corrected(case_type, "hello")
    [row] = csv.DictReader(io.StringIO("".join(corrections_csv(case_type))))
    assert (row["correction"], row["case"], row["model"], row["model_version"], row["text"]) == (
        str(made.pk), str(made.case_id), "test", "1", "hello",
    )  # fmt: skip
    assert json.loads(row["after"]) == {"label": "other"}


def test_fine_tuning_lines_are_chats_with_the_guidelines_first() -> None:
    case_type = make_case_type(guidelines="Be kind.")
    LabelledExample.objects.create(
        case_type=case_type,
        source="x",
        external_id="1",
        payload={"text": "hello\u2028there"},
        output={"label": "other"},
    )
    [line] = FORMATS["sft"](case_type)
    system, user, assistant = json.loads(line)["messages"]
    assert system["content"].endswith("Be kind.")
    assert user == {"role": "user", "content": "hello\u2028there"}
    assert json.loads(assistant["content"]) == {"label": "other"}
    assert line.count("\n") == 1
