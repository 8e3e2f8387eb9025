"""What the machine said of each field, beside the field."""

from __future__ import annotations

from typing import Any

from review.desk.differences import differences
from review.desk.fields import Link, every
from review.desk.form import fields_of
from review.desk.machine import links_of
from review.desk.marking import doubtful, with_confidence, with_drafts, with_links
from review.desk.text import Mark

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "label": {"enum": ["refund", "other"]},
        "reply": {"type": "string", "format": "long"},
        "items": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
    },
}
OUTPUT = {"label": "refund", "reply": "Dear Ann,\nthank you.", "items": [{"sku": "a"}, {"sku": "b"}]}


def test_confidence_stands_at_its_field_and_the_least_sure_come_first() -> None:
    shares = {"label": 0.95, "reply": 0.5, "items[1].sku": 0.31, "gone": 0.1, "items": "high"}
    fields = with_confidence(fields_of(SCHEMA, OUTPUT), shares, threshold=0.8)
    assert {one.path: (one.sureness, one.low) for one in every(fields) if one.confidence is not None} == {
        "label": ("95 % very sure", False),
        "reply": ("50 % unsure", True),
        "items[1].sku": ("31 % guessing", True),
    }
    assert [one.title for one in doubtful(fields)] == ["Items, line 2, Sku", "Reply"]


def test_evidence_leads_from_its_field_into_the_text() -> None:
    marks = [
        Mark("payload.text", 0, 4, 1, "items[0].sku", "lamp"),
        Mark("payload.text", 6, 9, 2, "", "money back"),
        *[Mark("payload.text", 10, 12, number, "reply", "x") for number in range(3, 9)],
    ]
    fields = with_links(fields_of(SCHEMA, OUTPUT), links_of(marks))
    found = {one.path: one.links for one in every(fields) if one.links}
    assert found["items[0].sku"] == (Link("lamp", "evidence-1"),)
    assert found["label"] == (Link("money back", "evidence-2"),), "what names no field speaks for the label"
    assert len(found["reply"]) == 3


def test_a_long_text_is_compared_with_the_draft_word_by_word() -> None:
    typed = {**OUTPUT, "reply": "Dear Ann,\nmany thanks."}
    reply = next(one for one in with_drafts(fields_of(SCHEMA, typed), OUTPUT) if one.name == "reply")
    assert [(piece.kind, str(piece.html)) for piece in reply.changes] == [
        ("same", "Dear Ann,\n"),
        ("gone", "thank"),
        ("new", "many"),
        ("same", " "),
        ("gone", "you"),
        ("new", "thanks"),
        ("same", "."),
    ]
    unchanged = next(one for one in with_drafts(fields_of(SCHEMA, OUTPUT), OUTPUT) if one.name == "reply")
    assert unchanged.changes == []


def test_differences_put_together_again_are_both_texts_whatever_their_size() -> None:
    for before, after in (
        ("", "new"),
        ("old", ""),
        ("a b c", "a c d"),
        ("word " * 3000, "word " * 2999 + "x"),
        ("a\n" * 9000, "b"),
    ):
        pieces = differences(before, after)
        assert "".join(piece.html for piece in pieces if piece.kind != "new") == before
        assert "".join(piece.html for piece in pieces if piece.kind != "gone") == after


def test_hostile_text_in_a_difference_stays_text() -> None:
    (piece,) = differences("", "<script>\u202e")
    assert str(piece.html).startswith("&lt;script&gt;")
    assert "U+202E" in piece.html
