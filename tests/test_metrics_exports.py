"""Reports as files: what is in them, that they open, and that nothing in them runs."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import openpyxl
import pypdfium2
import pytest
from django.test import Client

from metrics import rollup
from metrics.charts.base import Cell, Table
from metrics.exports import spreadsheets
from metrics.pages import KINDS
from metrics.paper import pictures
from tests import factories as make
from tests.metrics_history import MINUTE, History

DAY = datetime(2026, 3, 2, tzinfo=UTC)
MARCH = {"from": "2026-03-01", "to": "2026-03-03"}
HOSTILE = "=cmd|'/c calc'!A1"


@pytest.fixture
def client(db: None) -> Client:
    past = History()
    for number in range(30):
        at = DAY + timedelta(hours=number % 12)
        past.read(past.automated(at), at + 10 * MINUTE, correct=number % 5 > 0)
        task = past.waiting(at, due=20 * MINUTE)
        past.decide(task, at + number * MINUTE, seconds=number, waited=MINUTE, override=number % 3 == 0)
    past.queue.name = HOSTILE
    past.queue.save()
    rollup.roll_up()
    made = Client()
    made.force_login(make.make_user("supervisor", is_staff=True))
    return made


def of(client: Client, path: str, **query: str) -> Any:
    answer = client.get(f"/reports/{path}", {**MARCH, **query})
    assert answer.status_code == 200
    assert "attachment" in answer["Content-Disposition"]
    return answer


@pytest.mark.parametrize("key", KINDS)
def test_a_page_opens_as_a_spreadsheet_with_numbers_as_numbers_and_no_formula(client: Client, key: str) -> None:
    book = openpyxl.load_workbook(io.BytesIO(of(client, f"{key}.xlsx").content))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert cells
    assert not [cell for cell in cells if cell.data_type == "f"]
    # Nobody of this small past is in the team whose figures a supervisor sees.
    assert key == "people" or [cell for cell in cells if isinstance(cell.value, int | float)]


def test_a_hostile_name_stays_text_in_every_file(client: Client) -> None:
    book = openpyxl.load_workbook(io.BytesIO(of(client, "time/queues.xlsx").content))
    assert book.worksheets[0].cell(2, 1).value == f"'{HOSTILE}"
    assert f"'{HOSTILE}".encode() in of(client, "time/queues.csv").content
    with zipfile.ZipFile(io.BytesIO(of(client, "time.zip").content)) as archive:
        assert f"'{HOSTILE}" in archive.read("queues.csv").decode()


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "-1+1", "@A1", "\t=1", "\r=1", " =1", "＝1", "＋1", "－1", "＠1"])
def test_no_cell_is_taken_for_a_formula(text: str) -> None:
    table = Table("a", "A", ["x"], [[text]])
    assert spreadsheets.as_csv(table).splitlines()[1].strip('"').startswith("'")
    book = openpyxl.load_workbook(io.BytesIO(spreadsheets.as_xlsx([table])))
    assert book.worksheets[0].cell(2, 1).data_type == "s"


def test_odd_names_of_sheets_and_characters_do_not_break_a_spreadsheet() -> None:
    tables = [Table("a", "Same [name]: with/odd?*", ["x\0"], [["\x01\ud800"], [Cell("–", "")]]), Table("b", "", [], [])]
    book = openpyxl.load_workbook(io.BytesIO(spreadsheets.as_xlsx([*tables, *tables])))
    assert len(book.sheetnames) == 4


def test_the_saved_page_holds_all_it_needs_and_asks_nobody(client: Client) -> None:
    text = of(client, "quality.html").content.decode()
    body = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert "default-src 'none'" in text
    assert not re.findall(r"""(?:src|href)=["']?(?!#)""", body)
    assert "Plotly" in text
    assert "/reports/cases/" not in text  # from a disk they would lead nowhere
    assert "reports-plot" in body


@pytest.mark.parametrize("key", KINDS)
def test_a_page_opens_as_a_pdf_with_its_title_and_figures(client: Client, key: str) -> None:
    book = pypdfium2.PdfDocument(of(client, f"{key}.pdf").content)
    text = " ".join(page.get_textpage().get_text_range() for page in book)
    assert str(KINDS[key].title) in text
    assert "2026-03-01" in text
    assert len(book) >= 1


def test_an_empty_page_can_be_saved_too(db: None) -> None:
    client = Client()
    client.force_login(make.make_user("manager", is_staff=True))
    for form in ("pdf", "xlsx", "zip", "html"):
        for key in KINDS:
            assert client.get(f"/reports/{key}.{form}").status_code == 200


def test_a_figure_is_painted_without_a_browser(client: Client) -> None:
    from PIL import Image

    for key in ("overview", "quality", "models"):
        for chart in client.get("/reports/" if key == "overview" else f"/reports/{key}/", MARCH).context["page"].charts:
            image = Image.open(io.BytesIO(pictures.as_png(chart.figure)))
            assert image.size[0] > 900
            assert len(image.convert("RGB").getcolors(1_000_000) or ()) > 8, (
                chart.key
            )  # something is drawn on the white
