"""E-mails as a reader wants them: headers in a table, quotes and signatures folded, HTML as words, nothing lost."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone, translation
from hypothesis import given
from hypothesis import strategies as st

from review.desk.blocks import Email, Passage
from review.desk.folding import stretches
from review.desk.inputs import input_of
from review.desk.letters import is_letter, letter_of
from review.desk.markup import words_of
from review.desk.text import marks_of

MAIL = """Hello,

I was charged twice. Can you look?

--{space}
Ana Ruiz
+34 600 000 000

On Mon, 3 Mar 2025 at 10:00, Support <help@shop.example> wrote:
> Dear Ana,
> thank you for your order.

-----Original Message-----
From: Ana
The first letter.
""".format(space=" ")
RAW = """Return-Path: <ana@mail.example>
From: =?utf-8?q?Ana_Ru=C3=ADz?= <ana@mail.example>
To: help@shop.example
Subject: =?utf-8?b?RG9wcGVsdCBiZXphaGx0?=
Date: Mon, 3 Mar 2025 10:00:00 +0100

I was charged twice.
"""
MULTIPART = """From: a@b.example
Subject: Two ways
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="b1"

--b1
Content-Type: multipart/alternative; boundary="b2"

--b2
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: base64

R3LDvMOfZQ==
--b2
Content-Type: text/html

<p>Gr&uuml;&szlig;e <a href="https://evil.example/x">https://bank.example</a></p><script>alert(1)</script>
--b2--
--b1
Content-Type: application/pdf
Content-Disposition: attachment; filename="bill<b>.pdf"

JVBERi0=
--b1--
"""


def email_of(payload: dict[str, Any], *evidence: dict[str, Any]) -> Email:
    shown = input_of(payload, marks_of(list(evidence), {"payload": payload})).blocks[0]
    assert isinstance(shown, Email)
    return shown


def words(passage: Passage) -> str:
    """A passage as HTML, what is folded and what is not."""
    return "".join(fold.html for fold in passage.folds)


def parts_of(text: str) -> list[tuple[str, str]]:
    return [(part.kind, text[part.start : part.end]) for part in stretches(text)]


def test_what_an_email_brings_along_is_parted_from_what_its_writer_wrote() -> None:
    parts = parts_of(MAIL)
    assert [kind for kind, _text in parts] == ["own", "signature", "quoted", "earlier"]
    assert "charged twice" in parts[0][1]
    assert "Ana Ruiz" in parts[1][1]
    assert parts[2][1].startswith("On Mon, 3 Mar 2025")
    assert "The first letter" in parts[3][1]


@pytest.mark.parametrize(
    "text",
    [
        "On Monday I wrote:\nplease answer",
        "a\n--\n" + "a long text after a rule\n" * 20,
        "5 > 4 and 3 < 4",
        "I looked - nothing.",
    ],
)
def test_what_only_looks_like_a_quote_or_a_signature_stays(text: str) -> None:
    assert [kind for kind, _text in parts_of(text)] == ["own"]


def test_an_answer_between_the_quotes_stays_readable() -> None:
    text = "> Which order?\n991\n> Which card?\nVisa\n"
    assert parts_of(text) == [
        ("quoted", "> Which order?\n"),
        ("own", "991\n"),
        ("quoted", "> Which card?\n"),
        ("own", "Visa\n"),
    ]


lines = st.sampled_from(
    [
        "",
        "hello",
        "> quoted",
        "-- ",
        "--",
        "-----Original Message-----",
        "On 3 Mar 2025, Ana",
        "<a@b> wrote:",
        "\x0b",
        "\u2028> x",
    ]
)
texts = st.one_of(
    st.text(),
    st.lists(st.tuples(st.one_of(lines, st.text(max_size=8)), st.sampled_from(["\n", "\r\n", "\r", ""]))).map(
        lambda pairs: "".join(line + end for line, end in pairs)
    ),
)


@given(texts)
def test_nothing_of_a_text_is_lost_and_its_order_is_kept(text: str) -> None:
    parts = stretches(text)
    assert "".join(text[part.start : part.end] for part in parts) == text
    assert all(part.start < part.end for part in parts)
    assert all(left.end == right.start for left, right in pairwise(parts))


def test_fields_headers_lists_and_addresses_all_make_an_email() -> None:
    for payload in (
        {"subject": "Hi", "from": "a@b.example", "text": MAIL},
        {"Subject": "Hi", "From": {"name": "Ana", "address": "a@b.example"}, "Body": MAIL},
        {"headers": {"Subject": "Hi", "From": "a@b.example"}, "body": MAIL},
        {"headers": [["Subject", "Hi"], ["From", "a@b.example"]], "body": MAIL},
        {"headers": [{"name": "Subject", "value": "Hi"}, {"name": "From", "value": ["a@b.example"]}], "plain": MAIL},
    ):
        shown = email_of(payload)
        told = {pair.name: pair.value for pair in shown.headers}
        assert told["Subject"] == "Hi"
        assert "a@b.example" in told["From"]
        assert shown.text
        assert len(shown.text.folds) == 4


def test_what_is_no_email_is_shown_as_what_it_is() -> None:
    for payload in (
        {"text": "hello"},
        {"from": "Berlin", "to": "Paris", "text": "x"},
        {"subject": "x"},
        {"text": 5, "subject": "x"},
    ):
        assert not isinstance(input_of(payload, []).blocks[0], Email)


def test_an_email_beside_other_fields_keeps_them() -> None:
    shown = input_of({"subject": "Hi", "text": "hello", "order": "991", "tags": ["a"]}, [])
    assert [type(block).__name__ for block in shown.blocks] == ["Email", "Pairs", "Tree"]


def test_a_message_as_it_travelled_is_decoded() -> None:
    shown = email_of({"raw": RAW})
    told = {pair.name: pair.value for pair in shown.headers}
    assert told["Subject"] == "Doppelt bezahlt"
    assert told["From"] == "Ana Ruíz &lt;ana@mail.example&gt;"
    assert shown.text
    assert words(shown.text) == "I was charged twice.\n"


def test_evidence_in_a_message_is_marked_in_its_text_where_it_stands_there_as_it_is() -> None:
    at = RAW.index("charged twice")
    shown = email_of({"raw": RAW}, {"field": "payload.raw", "start": at, "end": at + 13})
    assert shown.text
    assert '<mark class="cs-mark" id="evidence-1">charged twice</mark>' in words(shown.text)
    assert "cs-mark" not in words(shown.aside[-1].passage)


def test_evidence_in_the_headers_of_a_message_is_marked_in_its_source_and_the_source_is_open() -> None:
    at = RAW.index("help@")
    shown = email_of({"raw": RAW}, {"field": "payload.raw", "start": at, "end": at + 5})
    assert shown.aside[-1].open
    assert ">help@</mark>" in words(shown.aside[-1].passage)


def test_a_message_of_many_parts_shows_its_words_and_names_its_files() -> None:
    shown = email_of({"email": MULTIPART})
    assert shown.text
    assert words(shown.text).strip() == "Grüße"
    assert "https://bank.example (https://evil.example/x)" in words(shown.aside[0].passage)
    assert "alert" not in words(shown.aside[0].passage)
    assert shown.files == ["bill&lt;b&gt;.pdf (application/pdf)"]


def test_html_is_shown_as_words_with_the_targets_of_its_links() -> None:
    source = (
        "<!DOCTYPE html><head><title>no</title><style>p{}</style></head><body><!-- hidden --><p>Dear&nbsp;you,</p>"
        "<div>pay <a href='http://evil.example'>bank.example</a><br>now<img src=x onerror=alert(1)></div></body>"
    )
    assert words_of(source) == "Dear\xa0you,\n\npay bank.example (http://evil.example)\nnow"
    shown = email_of({"subject": "x", "html": source})
    assert shown.text
    assert "<p>" not in words(shown.text)
    assert [aside.title for aside in shown.aside] == ["The HTML source"]


def test_evidence_in_html_is_marked_in_its_source() -> None:
    source = "<p>charged <b>twice</b></p>"
    shown = email_of({"subject": "x", "html": source}, {"field": "payload.html", "start": 3, "end": 10})
    assert shown.aside[0].open
    assert "&lt;p&gt;<mark" in words(shown.aside[0].passage)


def test_a_fold_that_holds_evidence_stands_open_and_so_does_all_where_there_is_nothing_else() -> None:
    at = MAIL.index("thank you")
    shown = email_of({"subject": "x", "text": MAIL}, {"field": "payload.text", "start": at, "end": at + 9})
    assert shown.text
    assert [fold.open for fold in shown.text.folds[1:]] == [False, True, False]
    alone = email_of({"subject": "x", "text": "> only\n> a quote\n"})
    assert alone.text
    assert alone.text.folds[0].open


@pytest.mark.parametrize(
    "source",
    [
        "From: a\nSubject: b\nContent-Type: multipart/mixed; boundary=x\n\n"
        + "--x\nContent-Type: multipart/mixed; boundary=x\n\n" * 4000,
        "From: a\nSubject: =?utf-8?q?" + "=?" * 100_000 + "\n\nx",
        "From: " + "(" * 100_000 + "\nSubject: b\n\nx",
        "From: a\nSubject: b\nContent-Type: text/plain; charset=nonsense\nContent-Transfer-Encoding: base64\n\n!!!!",
        "From: a\nSubject: b\nContent-Type: " + ";x*0*=" * 20_000 + "\n\nx",
        "From: a\nSubject: b\nContent-Transfer-Encoding: x-uuencode\n\nbegin 6\nx",
        "From: a\nTo: \ud800\n\n\ud800",
        "<a" * 100_000,
        "<!--" * 60_000,
        "<script>" * 30_000,
        "<p " + "href=" * 50_000,
        "On 1 " + "wrote " * 40_000 + ":\n",
        "On 1\n" * 50_000,
        "> " * 100_000,
        "--\n" * 80_000,
        "\u202e" * 80_000,
    ],
)
def test_hostile_mail_is_shown_small_and_as_text(source: str) -> None:
    for payload in ({"raw": source}, {"subject": "x", "text": source}, {"subject": "x", "html": source}):
        shown = input_of(payload, [])
        html = "".join(words(block.text) for block in shown.blocks if isinstance(block, Email) and block.text)
        assert len(html) < 200_000
        assert not re.search(r"<(script|p|a)\b", html)


def test_a_text_is_a_message_only_with_headers_that_tell() -> None:
    assert is_letter(RAW)
    assert not is_letter("Dear all:\nhello: x\n\nx")
    assert not is_letter("From: a\nSubject: b\nno headers\n\nx")
    assert not is_letter("From: a\nSubject: b")
    assert letter_of("From: a\n\n" + "boundary=" * 30) is None


@pytest.mark.parametrize("date", ["2025-03-03T09:00:00Z", "Mon, 3 Mar 2025 10:00:00 +0100"])
def test_headers_are_named_in_the_readers_language_and_dates_told_in_their_zone(date: str) -> None:
    mail = {"from": "ana@mail.example", "date": date, "subject": "Hola", "text": "Hola."}
    with translation.override("es"), timezone.override("America/Lima"):
        block = email_of(mail)
        told = {str(row.name): str(row.value) for row in block.headers}
    assert list(told) == ["De", "Fecha", "Asunto"]
    assert "2025 a las 4:00" in told["Fecha"] or "04:00" in told["Fecha"]
    assert f'title="{date}"' in told["Fecha"]


@pytest.mark.parametrize(
    "date", ["yesterday", "2025-03-03", "Mon, 99 Mar 2025", '"><script>', "9" * 5000, "0001-01-01T00:00Z"]
)
def test_what_is_no_moment_is_shown_as_it_was_written(date: str) -> None:
    block = email_of({"from": "ana@mail.example", "date": date, "subject": "Hello", "text": "Hello."})
    shown = str(block.headers[1].value)
    assert "<time" not in shown
    assert "<script" not in shown
