"""Files of cases: the good rows are taken, the bad ones are listed by line, and nothing is taken twice."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.management import CommandError, call_command

from cases.imports.csv_rows import csv_rows
from cases.imports.run import BATCH
from cases.ingest import ingest
from cases.models import Case, CaseType, Prediction
from feedback.models import LabelledExample
from tests.factories import make_case_type

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]

Write = Callable[[str, str | bytes], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def make(name: str, content: str | bytes) -> Path:
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return make


@pytest.fixture(autouse=True)
def case_type() -> CaseType:
    return make_case_type(key="mail", classifier="local")


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Callable[..., tuple[str, str]]:
    def call(path: Path, **options: Any) -> tuple[str, str]:
        call_command("import_cases", str(path), case_type="mail", **options)
        return tuple(capfd.readouterr())  # type: ignore[return-value]

    return call


def test_a_csv_file_becomes_cases(write: Write, run: Any) -> None:
    out, _err = run(write("mail.csv", "id,text,priority,requester,colour\n7,Hello,high,c-1,blue\n"))
    case = Case.objects.get()
    assert "1 cases imported, 0 were here already, 0 rows rejected" in out
    assert (case.source, case.external_id, case.payload) == ("import:mail.csv", "7", {"text": "Hello"})
    assert (case.priority_name, case.requester, case.metadata) == ("high", "c-1", {"colour": "blue"})


def test_the_same_file_again_adds_nothing(write: Write, run: Any) -> None:
    path = write("mail.csv", "text\nHello\nHello\nBye\n")
    run(path)
    out, _err = run(path)
    assert "0 cases imported, 3 were here already" in out
    assert Case.objects.count() == 3


def test_bad_rows_are_listed_by_line_and_the_rest_is_taken(write: Write, run: Any) -> None:
    content = b"text,priority\ngood,normal\nragged\ntoo,many,cells\nbad \xff bytes,low\nnul \x00 here,low\n,low\nodd,soon\nalso good,low\n"
    out, err = run(write("mail.csv", content))
    assert "2 cases imported" in out
    assert "6 rows rejected" in out
    for line in (3, 4, 5, 6, 7, 8):
        assert f"line {line}: " in err
    assert "line 8: priority" in err


def test_an_unclosed_quote_costs_its_own_line_only(write: Write, run: Any) -> None:
    out, err = run(write("mail.csv", 'text\none\n"two\nthree\nfour\n'))
    assert "3 cases imported" in out
    assert "line 3: row: not valid CSV" in err


def test_a_field_beyond_the_csv_modules_own_limit_is_read(write: Write, run: Any) -> None:
    run(write("mail.csv", "text\n" + "x" * 200_000 + "\n"))
    assert len(Case.objects.get().payload["text"]) == 200_000


def test_a_line_without_end_costs_one_row(write: Write, run: Any) -> None:
    out, err = run(write("mail.csv", "text\n" + "x" * 3_000_000 + "\nfine\n"))
    assert "1 cases imported" in out
    assert "line 2: row: " in err


def test_a_byte_order_mark_semicolons_and_quoted_line_breaks_are_understood(write: Write) -> None:
    rows = list(csv_rows(write("mail.csv", '﻿text;label\r\n"two\r\nlines";refund\r\n')))
    assert [dict(row.values) for row in rows] == [{"text": "two\r\nlines", "label": "refund"}]


def test_formulas_are_kept_as_the_text_they_are(write: Write, run: Any) -> None:
    run(write("mail.csv", "text\n=cmd|' /C calc'!A0\n"))
    assert Case.objects.get().payload["text"].startswith("=cmd")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "text,text\na,b\n", "'text' is there twice"),
        ("a.csv", "", "empty"),
        ("a.csv", "message\nhello\n", "no column 'text'"),
        ("a.csv", "text\n".encode("utf-16"), "not UTF-8"),
        ("a.doc", "text\n", "'.doc' is not imported"),
        ("a.xlsx", b"no workbook", "damaged"),
        ("a.jsonl", "\n\n", "no row"),
        ("a.csv", "text\n\x00\n", "Nothing in this file"),
    ],
)
def test_a_file_that_cannot_be_used_says_why(write: Write, run: Any, name: str, content: Any, message: str) -> None:
    with pytest.raises(CommandError, match=message):
        run(write(name, content))


def test_an_unknown_case_type_or_file_is_named(write: Write) -> None:
    with pytest.raises(CommandError, match="no case type 'x'"):
        call_command("import_cases", str(write("a.csv", "text\na\n")), case_type="x")
    with pytest.raises(CommandError, match="no file"):
        call_command("import_cases", "/nowhere.csv", case_type="mail")


def test_a_jsonl_file_holds_flat_rows_or_whole_cases(write: Write, run: Any) -> None:
    lines = [
        {"text": "flat", "id": 5},
        {"payload": {"text": "whole", "amount": 3}, "external_id": "w", "context": [{"title": "t"}]},
        {"payload": {"text": "x"}, "state": "closed"},
    ]
    text = "\n".join(json.dumps(line) for line in lines) + '\n{"text": "a", "text": "b"}\n[1]\n{"text": NaN}\n{broken\n'
    out, err = run(write("mail.jsonl", text))
    assert "2 cases imported" in out
    assert "line 3: state" in err
    for line in (4, 5, 6, 7):
        assert f"line {line}: " in err
    assert Case.objects.get(external_id="w").payload["amount"] == 3
    assert Case.objects.filter(external_id="5").exists()


def test_a_workbook_is_read_like_a_csv_file(tmp_path: Path, run: Any) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    for row in (
        ["id", "text", "amount"],
        [1, "Hello", 12.5],
        [2, 4711, None],
        [None, None, None],
        [3, "extra", 1, "x"],
    ):
        sheet.append(row)
    path = tmp_path / "mail.xlsx"
    book.save(path)
    out, err = run(path)
    assert "2 cases imported" in out
    assert "line 5: " in err
    assert Case.objects.get(external_id="1").metadata == {"amount": "12.5"}
    assert Case.objects.get(external_id="2").payload == {"text": "4711"}


def test_a_workbook_that_is_a_bomb_is_refused(write: Write, run: Any) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 50_000_000)
    with pytest.raises(CommandError, match="unpack"):
        run(write("bomb.xlsx", content.getvalue()))


def test_a_label_becomes_a_prediction_that_is_not_trusted(write: Write, run: Any) -> None:
    run(write("mail.csv", "text,label,sure\na,refund,0.9\n"), label_column="label")
    assert Prediction.objects.get().confidence == 0
    run(write("more.csv", "text,label,sure\na,refund,0.9\n"), label_column="label", confidence_column="sure")
    assert Prediction.objects.latest("id").confidence == 0.9


def test_with_truth_the_label_becomes_an_example_and_no_case(write: Write, run: Any) -> None:
    path = write("truth.csv", "id,text,label\n1,a,refund\n2,b,nonsense\n3,c,\n4,d,billing\n4,d,billing\n")
    out, err = run(path, label_column="label", truth=True)
    assert "2 examples imported, 1 were here already, 2 rows rejected" in out
    assert "line 3: label: The case type has no label 'nonsense'" in err
    assert not Case.objects.exists()
    assert list(LabelledExample.objects.order_by("id").values_list("output", flat=True)) == [
        {"label": "refund"},
        {"label": "billing"},
    ]


def test_a_stopped_import_goes_on_where_it_was(write: Write, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write("mail.csv", "text\n" + "".join(f"case {number}\n" for number in range(3 * BATCH)))
    calls = []

    def stopped(*args: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return ingest(*args, **options)

    monkeypatch.setattr("feedback.management.commands.import_cases.ingest", stopped)
    with pytest.raises(CommandError, match="again to go on"):
        run(path)
    assert Case.objects.count() == BATCH
    out, _err = run(path)
    assert f"{2 * BATCH} cases imported, 0 were here already, 0 rows rejected, {BATCH} done by an earlier run" in out
    assert Case.objects.count() == 3 * BATCH


def test_the_progress_bar_ends_full_though_a_header_is_no_row(write: Write, run: Any) -> None:
    _out, err = run(write("bar.csv", "id,text\n1,a\n2,b\n"))
    assert "100%" in err
