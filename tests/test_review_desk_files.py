"""Attachments on the desk: pictures and pages to look at, everything else to download, nothing that runs."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import reverse

from cases.errors import Invalid, Missing
from cases.models import Attachment, Case
from review.desk.pdf_pages import page_of as pdf_page_of
from review.desk.pictures import Size, size_of
from tests import factories as make
from tests.desk import a_task, page_of, signed_in

pytestmark = pytest.mark.django_db
GIF = b"GIF89a" + struct.pack("<HH", 3, 2) + b"\x00" * 20


def png(width: int = 3, height: int = 2, *, claims: int = 0) -> bytes:
    """A PNG; with ``claims`` it says that it is that wide."""
    rows = b"".join(b"\x00" + b"\x20\x60\xa0" * width for _row in range(height))
    head = struct.pack(">IIBBBBB", claims or width, height, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )


def pdf(pages: int = 2, *, box: str = "0 0 300 400", extra: str = "") -> bytes:
    """A PDF of pages with a line of text each."""
    kids = " ".join(f"{3 + 2 * page} 0 R" for page in range(pages))
    objects = [f"<< /Type /Catalog /Pages 2 0 R {extra} >>", f"<< /Type /Pages /Kids [{kids}] /Count {pages} >>"]
    font = "/Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >>"
    for page in range(pages):
        drawn = f"BT /F1 24 Tf 40 340 Td (Page {page + 1}) Tj ET"
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [{box}] /Contents {4 + 2 * page} 0 R /Resources << {font} >> >>"
        )
        objects.append(f"<< /Length {len(drawn)} >>\nstream\n{drawn}\nendstream")
    body = "%PDF-1.4\n"
    places = []
    for number, told in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{told}\nendobj\n"
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(objects) + 1
    ending = f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    return (body + ending).encode()


def attach(case: Case, name: str, kind: str, content: bytes) -> Attachment:
    made = Attachment(case=case, name=name, content_type=kind, size=len(content), sha256=f"{zlib.crc32(content):064x}")
    made.file.save("x", ContentFile(content), save=True)
    return made


@pytest.fixture
def desk() -> tuple[Client, Any]:
    client, user = signed_in()
    return client, a_task(claimed_by=user)


def test_a_picture_is_shown_in_the_page_and_runs_nothing(desk: tuple[Client, Any]) -> None:
    client, task = desk
    file = attach(task.case, "receipt <b>.png", "image/png", png())
    address = reverse("desk:picture", args=[file.pk])
    html = client.get(page_of(task)).content.decode()
    assert f'src="{address}"' in html
    assert "receipt &lt;b&gt;.png" in html
    answer = client.get(address)
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert answer.content == png()


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("image/png", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
        ("image/png", GIF),
        ("image/jpeg", png()),
        ("image/svg+xml", b"<svg/>"),
        ("text/html", b"<script>alert(1)</script>"),
        ("application/pdf", pdf()),
        ("image/png", png(claims=40_000)),
        ("image/png", b""),
    ],
)
def test_what_is_not_the_picture_that_it_says_or_too_large_is_not_shown(
    desk: tuple[Client, Any], kind: str, content: bytes
) -> None:
    client, task = desk
    file = attach(task.case, "x.png", kind, content)
    answer = client.get(reverse("desk:picture", args=[file.pk]))
    assert answer.status_code == 422
    assert answer["Content-Type"].startswith("text/plain")
    assert client.get(reverse("desk:attachment", args=[file.pk])).status_code == 200


def test_other_files_are_downloads_with_their_kind_and_size(desk: tuple[Client, Any]) -> None:
    client, task = desk
    file = attach(task.case, "list.csv", "text/csv", b"a,b\n1,2\n")
    html = client.get(page_of(task)).content.decode()
    assert "CSV table, 8" in html
    assert "data-viewer" not in html
    answer = client.get(reverse("desk:attachment", args=[file.pk]))
    assert answer["Content-Disposition"] == 'attachment; filename="list.csv"'
    assert answer["Content-Type"] == "application/octet-stream"


def test_several_files_are_one_card_with_a_way_to_each(desk: tuple[Client, Any]) -> None:
    client, task = desk
    files = [attach(task.case, f"{number}.png", "image/png", png(number)) for number in (1, 2, 3)]
    html = client.get(page_of(task)).content.decode()
    assert all(f'href="#file-{file.pk}"' in html and f'id="file-{file.pk}"' in html for file in files)


def test_a_small_picture_stands_beside_its_name_and_a_large_one_is_loaded_only_to_be_looked_at(
    desk: tuple[Client, Any],
) -> None:
    client, task = desk
    small = attach(task.case, "small.png", "image/png", png(3))
    large = attach(task.case, "large.png", "image/png", png(4))
    Attachment.objects.filter(pk=large.pk).update(size=5_000_000)
    tabs = client.get(page_of(task)).content.decode().split("data-file-tabs")[1].split("</ul>")[0]
    assert f'<img class="cs-thumb" src="{reverse("desk:picture", args=[small.pk])}" alt=""' in " ".join(tabs.split())
    assert tabs.count("<img") == 1


def test_a_page_of_a_pdf_is_a_picture_and_tells_how_many_there_are(desk: tuple[Client, Any]) -> None:
    client, task = desk
    file = attach(task.case, "bill.pdf", "application/pdf", pdf(3))
    answer = client.get(reverse("desk:page", args=[file.pk, 2]))
    assert (answer.status_code, answer["Content-Type"], answer["X-Page-Count"]) == (200, "image/png", "3")
    assert size_of(answer.content, content_type="image/png") == Size(600, 800)
    assert answer["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert client.get(reverse("desk:page", args=[file.pk, 4])).status_code == 422
    assert client.get(reverse("desk:page", args=[file.pk, 0])).status_code == 404
    assert client.get(reverse("desk:page", args=[file.pk, 10**6])).status_code == 404


def test_pages_differ() -> None:
    content = pdf(2)
    first, second = pdf_page_of(content, 1), pdf_page_of(content, 2)
    assert first.png != second.png
    assert first.of == second.of == 2


@pytest.mark.parametrize(
    "content",
    [
        b"%PDF-1.4 nonsense",
        b"%PDF-1.7\n" + os.urandom(20_000),
        pdf(1)[:-200],
        b"%PDF-1.4\n1 0 obj\n" + b"[" * 500_000,
        b"",
    ],
    ids=range(5),
)
def test_a_damaged_pdf_is_refused_or_repaired_and_harms_nothing(content: bytes) -> None:
    try:
        page = pdf_page_of(content, 1)
    except Invalid:
        return
    assert page.png.startswith(b"\x89PNG")  # repaired by the reader


def test_a_page_of_any_size_is_drawn_within_bounds() -> None:
    for box in ("0 0 100000 100000", "0 0 2000000 10", "0 0 1 1", "0 0 -5 7"):
        try:
            size = size_of(pdf_page_of(pdf(1, box=box), 1).png, content_type="image/png")
        except Invalid:
            continue
        assert size
        assert size.width * size.height <= 4_100_000


def test_no_page_is_drawn_beyond_the_bounds_of_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    child = tmp_path / "child.py"
    child.write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setattr("review.desk.pdf_pages.CHILD", child)
    monkeypatch.setattr("review.desk.pdf_pages.PATIENCE", 0.3)
    with pytest.raises(Invalid):
        pdf_page_of(pdf(1), 1)
    with pytest.raises(Missing):
        pdf_page_of(pdf(1), -1)


@pytest.mark.parametrize("said", ["import sys; sys.exit(3)", "print('5 <svg/>')", "print('x')", "pass"])
def test_what_the_drawing_process_says_is_not_trusted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str
) -> None:
    child = tmp_path / "child.py"
    child.write_text(said)
    monkeypatch.setattr("review.desk.pdf_pages.CHILD", child)
    with pytest.raises(Invalid):
        pdf_page_of(pdf(1), 1)


def test_the_drawing_process_knows_no_secret_and_is_bounded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = tmp_path / "told"
    child = tmp_path / "child.py"
    source = Path("review/desk/pdf_child.py").read_text(encoding="utf-8").split("def drawn")[0]
    check = f"bound()\nopen({str(told)!r}, 'w').write(str(sorted(os.environ)) + str(resource.getrlimit(resource.RLIMIT_AS)))\n"
    child.write_text(source + check)
    monkeypatch.setattr("review.desk.pdf_pages.CHILD", child)
    monkeypatch.setenv("SECRET_KEY", "s3cret")
    with pytest.raises(Invalid):
        pdf_page_of(pdf(1), 1)
    assert "SECRET_KEY" not in told.read_text()
    assert "(805306368, 805306368)" in told.read_text()


def test_a_file_gone_from_the_disk_is_told(desk: tuple[Client, Any]) -> None:
    client, task = desk
    files = [attach(task.case, "a.png", "image/png", png()), attach(task.case, "a.pdf", "application/pdf", pdf())]
    for file in files:
        file.file.storage.delete(str(file.file.name))
    assert client.get(page_of(task)).status_code == 200
    for file in files:
        for address in (
            reverse("desk:attachment", args=[file.pk]),
            reverse("desk:picture", args=[file.pk]),
            reverse("desk:page", args=[file.pk, 1]),
        ):
            assert client.get(address).status_code in (404, 422), address
    assert "not there any more" in client.get(reverse("desk:attachment", args=[files[0].pk])).content.decode()


def test_files_are_for_those_who_may_see_their_case(desk: tuple[Client, Any]) -> None:
    client, _task = desk
    foreign = a_task(queue=make.make_queue("elsewhere", groups=("expert",)))
    file = attach(foreign.case, "a.pdf", "application/pdf", pdf())
    for address in (
        reverse("desk:attachment", args=[file.pk]),
        reverse("desk:picture", args=[file.pk]),
        reverse("desk:page", args=[file.pk, 1]),
    ):
        assert client.get(address).status_code == 404
        assert Client().get(address).status_code == 302
        assert client.post(address).status_code == 405


JPEG = b"\xff\xd8\xff\xe0\x00\x04ab\xff\xc0\x00\x11\x08" + struct.pack(">HH", 480, 640) + b"\x03"
WEBP = b"RIFF\x00\x00\x00\x00WEBP"


@pytest.mark.parametrize(
    ("kind", "content", "size"),
    [
        ("image/png", png(7, 5), Size(7, 5)),
        ("image/gif", GIF, Size(3, 2)),
        ("image/jpeg", JPEG, Size(640, 480)),
        ("image/webp", WEBP + b"VP8X" + b"\x00" * 8 + b"\x09\x00\x00" + b"\x04\x00\x00", Size(10, 5)),
        ("image/webp", WEBP + b"VP8L" + b"\x00" * 4 + b"\x2f" + (9 | 4 << 14).to_bytes(4, "little"), Size(10, 5)),
        ("image/webp", WEBP + b"VP8 " + b"\x00" * 7 + b"\x9d\x01\x2a" + struct.pack("<HH", 10, 5), Size(10, 5)),
        ("image/jpeg", b"\xff\xd8" + b"\xff\xe0\x00\x00" * 100, None),
        ("image/jpeg", b"\xff\xd8\xff", None),
        ("image/png", b"\x89PNG\r\n\x1a\n", None),
        ("image/webp", WEBP + b"JUNK", None),
    ],
    ids=range(10),
)
def test_the_size_of_a_picture_is_read_from_its_first_bytes(kind: str, content: bytes, size: Size | None) -> None:
    assert size_of(content, content_type=kind) == size
