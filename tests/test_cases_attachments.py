"""Files that come with a case: what they are is told from their bytes, and nothing in them ever runs."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from cases.attachments import MOST_BYTES, MOST_FILES
from cases.errors import Invalid
from cases.file_kinds import TEXT, clean_name, kind_of
from cases.models import Attachment, AuditEvent, Case
from tests.callers import Api
from tests.factories import make_case, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]


def office(part: str, **more: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", b"<Types/>")
        archive.writestr(part, b"<x/>")
        for name, data in more.items():
            archive.writestr(name, data)
    return content.getvalue()


PDF, PNG = b"%PDF-1.7\n...", b"\x89PNG\r\n\x1a\n...."
TAKEN = [
    ("a.pdf", PDF, "application/pdf"),
    ("a.png", PNG, "image/png"),
    ("a.jpeg", b"\xff\xd8\xff\xe0JFIF", "image/jpeg"),
    ("a.gif", b"GIF89a...", "image/gif"),
    ("a.webp", b"RIFF\x10\x00\x00\x00WEBPVP8 ", "image/webp"),
    ("a.txt", "Grüße".encode(), "text/plain"),
    ("a.csv", b"a,b\n1,2\n", "text/csv"),
    ("a.json", b'{"a": 1}', "application/json"),
    ("a.eml", b"From: a@b.example\nSubject: x\n\n<b>hi</b>", "message/rfc822"),
    ("a.docx", office("word/document.xml"), "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("a.xlsx", office("xl/workbook.xml"), "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("lies.exe", PDF, "application/pdf"),
]
REFUSED = [
    ("a.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
    ("a.png", b'<?xml version="1.0"?><svg onload="alert(1)"/>'),
    ("a.html", b"hello"),
    ("a.txt", b"<!DOCTYPE html><script>alert(1)</script>"),
    ("a.txt", "\ufeff  <html>".encode()),
    ("a.txt", b"<!-- x --><script>"),
    ("a.exe", b"MZ\x90\x00\x03"),
    ("a.sh", b"\x7fELF\x02\x01"),
    ("a.txt", b"\xff\xfe<\x00h\x00t\x00m\x00l\x00"),
    ("a.txt", b"nul \x00"),
    ("a.txt", b"   "),
    ("a.json", b'{"a": 1'),
    ("a.json", b"[" * 100_000),
    ("a.zip", office("other.txt")),
    ("a.docx", b"PK\x03\x04 broken"),
    ("a.xlsx", office("xl/workbook.xml", **{"xl/vbaProject.bin": b"macro"})),
    ("a.xlsx", office("xl/workbook.xml", **{"../../etc/passwd": b"x"})),
    ("a.xlsx", office("xl/workbook.xml", **{"xl/bomb.xml": b"0" * 30_000_000})),
    ("a.bin", b"\xca\xfe\xba\xbe"),
]


@pytest.mark.parametrize(("name", "content", "kind"), TAKEN, ids=[row[2] + " " + row[0] for row in TAKEN])
def test_a_kind_is_told_from_the_bytes(name: str, content: bytes, kind: str) -> None:
    assert kind_of(content, name=name).content_type == kind


@pytest.mark.parametrize(("name", "content"), REFUSED)
def test_what_is_not_on_the_list_is_refused(name: str, content: bytes) -> None:
    with pytest.raises(Invalid):
        kind_of(content, name=name)


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("notes.txt", "notes.txt"),
        ("notes.md", "notes.md"),
        ("../../etc/passwd", "passwd.txt"),
        ("C:\\Users\\x\\invoice.exe", "invoice.exe.txt"),
        ("invoice\u202etxt.exe", "invoicetxt.exe.txt"),
        ("a\r\nSet-Cookie: x.txt", "aSet-Cookie x.txt"),
        ("", "file.txt"),
        (".txt", "txt.txt"),
        ('"><script>.txt', "script.txt"),
        ("x" * 500 + ".txt", "x" * 120 + ".txt"),
    ],
)
def test_a_name_is_made_harmless(name: str, clean: str) -> None:
    assert clean_name(name, kind=TEXT) == clean


@pytest.fixture
def api() -> Api:
    return Api(make_user("integration"))


@pytest.fixture
def case(api: Api) -> Case:
    return make_case(sender=api.user)


def send(api: Api, case: Case, name: str = "a.pdf", content: bytes = PDF) -> Any:
    return api.send_file(f"/cases/{case.pk}/attachments/", SimpleUploadedFile(name, content, "text/html"))


def test_a_file_is_kept_listed_and_handed_out(api: Api, case: Case) -> None:
    made = send(api, case)
    assert (made.status_code, made.json()["content_type"], made.json()["size"]) == (201, "application/pdf", len(PDF))
    assert api.get(f"/cases/{case.pk}/attachments/").json()["results"] == [made.json()]
    answer = api.get(f"/cases/{case.pk}/attachments/{made.json()['id']}/")
    assert b"".join(answer.streaming_content) == PDF
    assert "a.pdf" not in str(Attachment.objects.get().file.name)
    assert AuditEvent.objects.get(action="attachment.added").case_id == case.pk


@pytest.mark.parametrize(("name", "content", "kind"), TAKEN, ids=[row[2] + " " + row[0] for row in TAKEN])
def test_a_download_never_runs_in_the_browser(api: Api, case: Case, name: str, content: bytes, kind: str) -> None:
    made = send(api, case, name, content).json()
    answer = api.get(f"/cases/{case.pk}/attachments/{made['id']}/")
    shown = kind.startswith("image/") or kind == "application/pdf"
    assert answer["Content-Disposition"].split(";")[0] == ("inline" if shown else "attachment")
    assert answer["Content-Type"] == kind
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert ("sandbox" in answer["Content-Security-Policy"]) is (kind != "application/pdf")


def test_the_same_file_again_is_recognised(api: Api, case: Case) -> None:
    assert [send(api, case).status_code for _time in range(2)] == [201, 200]
    assert Attachment.objects.count() == 1


def test_a_refused_file_says_which_field_and_why(api: Api, case: Case) -> None:
    answer = send(api, case, "a.svg", b"<svg/>")
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["file"])
    assert api.client.post(f"/api/v1/cases/{case.pk}/attachments/", {}, headers=api.headers).status_code == 422
    assert api.post(f"/cases/{case.pk}/attachments/", {}).status_code == 415


def test_an_empty_and_a_large_file_are_refused(api: Api, case: Case) -> None:
    assert send(api, case, "a.txt", b"").status_code == 422
    assert send(api, case, "a.txt", b"x" * (MOST_BYTES + 1)).status_code == 413
    assert send(api, case, "a.txt", b"x" * (MOST_BYTES + 200_000)).status_code == 413


def test_a_case_has_room_for_so_many_files_and_none_once_it_has_ended(api: Api, case: Case) -> None:
    for number in range(MOST_FILES):
        assert send(api, case, "a.txt", f"text {number}".encode()).status_code == 201
    assert send(api, case, "a.txt", b"one more").status_code == 409
    assert send(api, make_case(case.case_type, state="closed", sender=api.user)).status_code == 409


def test_files_are_for_those_who_may_see_the_case(api: Api, case: Case) -> None:
    made = send(api, case).json()
    path = f"/cases/{case.pk}/attachments/{made['id']}/"
    assert Api(make_user("integration")).get(path).status_code == 404
    assert Api(make_user("auditor")).get(path).status_code == 200
    other = make_case(case.case_type, sender=api.user)
    assert api.get(f"/cases/{other.pk}/attachments/{made['id']}/").status_code == 404
