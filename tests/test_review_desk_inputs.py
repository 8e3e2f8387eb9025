"""The original input by its kind: short values, texts, tables, trees, context; hostile content stays text and the page small."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.template.loader import render_to_string
from django.urls import reverse
from hypothesis import given, settings
from hypothesis import strategies as st

from review.desk.blocks import Pairs, Passage, Table, Tree
from review.desk.contexts import context_of, source_of
from review.desk.inputs import Input, input_of
from review.desk.text import Mark, marked, marks_of
from review.desk.whole import whole_of
from tests import factories as make
from tests.desk import a_task, page_of, signed_in

EVIL = "<script>alert(1)</script><img src=x onerror=alert(1)>"


def shown(payload: dict[str, Any], *evidence: dict[str, Any]) -> Input:
    return input_of(payload, marks_of(list(evidence), {"payload": payload}))


def html_of(payload: Any, *evidence: dict[str, Any]) -> str:
    whole = input_of(payload, marks_of(list(evidence), {"payload": payload}))
    return render_to_string("review/input_card.html", {"input": whole, "whole": "/whole/"})


def kinds(payload: dict[str, Any]) -> list[str]:
    return [type(block).__name__ for block in shown(payload).blocks]


def test_each_part_of_a_payload_is_shown_by_its_kind_and_texts_come_before_tables() -> None:
    payload = {
        "items": [{"item": "lamp", "price": 40}, {"item": "bulb", "price": 0.5}],
        "deep": {"a": {"b": [1, {"c": "d"}]}},
        "address": {"street": "Main 1", "city": "Berlin"},
        "text": "hello",
        "story": "long " * 40,
        "paid": True,
        "order": "991",
        "note": None,
    }
    assert kinds(payload) == ["Pairs", "Pairs", "Passage", "Passage", "Table", "Tree"]
    first = shown(payload).blocks[0]
    assert isinstance(first, Pairs)
    assert [pair.name for pair in first.rows] == ["Paid", "Order", "Note"]


def test_like_objects_make_a_table_with_numbers_in_columns() -> None:
    rows = [{"item": "lamp", "price": 40, "note": EVIL}, {"item": "bulb", "price": 0.5}]
    (table,) = shown({"items": rows}).blocks
    assert isinstance(table, Table)
    assert [(column.name, column.number) for column in table.columns] == [
        ("Item", False),
        ("Price", True),
        ("Note", False),
    ]
    html = html_of({"items": rows})
    assert '<caption class="visually-hidden">Items</caption>' in html
    assert "&lt;script&gt;" in html
    assert "<script>" not in html


def test_columns_and_rows_make_a_table_too() -> None:
    for rows in ([[1, "x"], [2, "y", "too much"], [3]], [{"a": 1, "b": "x"}]):
        (table,) = shown({"grid": {"columns": ["a", {"key": "b", "title": "Bee"}], "rows": rows}}).blocks
        assert isinstance(table, Table)
        assert [column.name for column in table.columns] == ["a", "Bee"]
        assert len(table.rows) == len(rows)


@pytest.mark.parametrize(
    "value", [[1, 2], [{"a": {"b": 1}}], [{"a": 1}, 5], [{"a": 1}, {"b": 1}, {"c": 1}], {"columns": [], "rows": []}]
)
def test_what_is_no_table_is_a_tree(value: Any) -> None:
    assert kinds({"x": value}) == ["Tree"]


def test_a_long_table_and_a_large_tree_say_how_much_more_there_is() -> None:
    html = html_of({"items": [{"n": number} for number in range(250)]})
    assert "150 more rows" in html
    assert "Read the whole input" in html
    (tree,) = shown({"x": {str(number): [1, [2]] for number in range(900)}}).blocks
    assert isinstance(tree, Tree)
    assert tree.cut > 100
    assert tree.root.more > 100


def test_a_small_tree_stands_open_and_a_folded_branch_tells_what_it_holds() -> None:
    assert "<details>" not in html_of({"x": {"events": [{"at": "noon", "what": {"n": 1}}]}})
    html = html_of({"x": {"events": [{"at": f"day {number}", "what": {"n": number}} for number in range(60)]}})
    assert '<bdi class="cs-preview cs-quiet">day 59</bdi>' in html


def test_columns_made_of_spaces_keep_their_width_and_a_reply_in_any_text_is_folded() -> None:
    (till,) = shown({"reading": "Lamp      40.00\nBulb       0.50\nTotal     40.50\n"}).blocks
    assert isinstance(till, Passage)
    assert till.aligned
    (note,) = shown({"note": "Please file.\n\nOn 20 November 2026, Accounts wrote:\n> the paper\n> itself\n"}).blocks
    assert isinstance(note, Passage)
    assert [fold.kind for fold in note.folds] == ["own", "quoted"]
    assert not note.aligned
    (quote,) = shown({"note": "> a list\nof things\n> with angles\n"}).blocks
    assert isinstance(quote, Passage)
    assert [fold.kind for fold in quote.folds] == ["own"]


def test_a_tree_tells_texts_from_numbers() -> None:
    html = html_of({"x": [{"a": [5, "5", None, True]}]})
    assert '<bdi class="cs-is-number-value">5</bdi>' in html
    assert '<bdi class="cs-is-text-value">5</bdi>' in html


@pytest.mark.parametrize(
    ("payload", "field", "words"),
    [
        ({"text": "I was charged twice"}, "payload.text", "charged"),
        ({"order": "number 991"}, "payload.order", "991"),
        ({"items": [{"name": "x"}, {"name": "red lamp"}]}, "payload.items[1].name", "lamp"),
        ({"items": [{"name": "x"}, {"name": "red lamp"}]}, "payload.items.1.name", "lamp"),
        ({"grid": {"columns": ["a"], "rows": [["red lamp"]]}}, "payload.grid.rows[0][0]", "lamp"),
        ({"deep": {"a": [{"b": {"c": "red lamp"}}]}}, "payload.deep.a[0].b.c", "lamp"),
        ({"address": {"city": "New Berlin"}}, "payload.address.city", "Berlin"),
        ({"subject": "red lamp", "text": "x"}, "payload.subject", "lamp"),
        ({"a.b": "red lamp"}, "payload.a.b", "lamp"),
    ],
)
def test_evidence_is_marked_wherever_it_stands(payload: dict[str, Any], field: str, words: str) -> None:
    text = next(text for text in _texts(payload) if words in text)
    start = text.index(words)
    html = html_of(payload, {"field": field, "start": start, "end": start + len(words), "supports": "lines[0].sku"})
    assert (
        f'<mark class="cs-mark" id="evidence-1" data-supports="field-lines-0-sku">'
        f'<a href="#field-lines-0-sku" title="Evidence for: lines[0].sku">{words}</a></mark>'
    ) in html


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [text for part in parts for text in _texts(part)]


def test_evidence_that_is_not_there_marks_nothing_and_what_runs_over_ends_with_the_text() -> None:
    spans: list[dict[str, Any]] = [
        {"field": "payload.text", "start": 90, "end": 99},
        {"field": "payload.text", "start": 4, "end": 2},
        {"field": "payload.text", "start": -1, "end": 2},
        {"field": "payload.text", "start": True, "end": 2},
        {"field": "payload.text", "start": "0", "end": 2},
        {"field": "payload.nothing", "start": 0, "end": 2},
        {"field": 7, "start": 0, "end": 2},
        {},
    ]
    assert "cs-mark" not in html_of({"text": "hello there"}, *spans)
    assert marks_of([*spans, "x", None], {"payload": {"text": "hello there"}}) == []
    assert ">there</mark>" in html_of({"text": "hello there"}, {"field": "payload.text", "start": 6, "end": 999})
    assert marks_of("nonsense", {}) == []


spans = st.tuples(st.integers(0, 30), st.integers(1, 12))


@given(st.text("ab<&\n\u202e", min_size=1, max_size=30), st.lists(spans, max_size=6))
def test_overlapping_evidence_shows_the_words_once_and_every_span_can_be_jumped_to(
    text: str, places: list[tuple[int, int]]
) -> None:
    evidence = [{"field": "payload.t", "start": start, "end": start + length} for start, length in places]
    marks = marks_of(evidence, {"payload": {"t": text}})
    html = marked(text, marks)
    assert _plain(html) == _plain(marked(text, []))
    assert all(html.count(f'id="{mark.anchor}"') == 1 for mark in marks)


def _plain(html: str) -> str:
    """Without marks, and with each unseen character by itself, for a mark may part a run of them."""
    without = re.sub(r"</?mark[^>]*>|<span id=[^>]*></span>|</?span[^>]*>", "", html)
    return re.sub(r"U\+202E ×(\d+)", lambda found: "U+202E" * int(found[1]), without)


def test_evidence_beyond_the_cut_is_shown_with_the_words_around_it() -> None:
    text = "word " * 40_000
    html = html_of(
        {"text": text + "the reason" + " word" * 50}, {"field": "payload.text", "start": 200_000, "end": 200_010}
    )
    assert "Evidence further down" in html
    assert 'id="evidence-1">the reason</mark>' in html
    assert "characters are left out here" in html


def test_direction_overrides_and_what_cannot_be_seen_are_made_visible() -> None:
    html = html_of({"name": "a\u202eb", "text": "x\u200b\u200b\u200by\r\nz\r", "\u202ekey": ["\U000e0041"]})
    assert 'title="right-to-left override">U+202E</span>' in html
    assert "U+200B ×3" in html
    assert "U+E0041" in html
    assert html.count("U+000D") == 1


def test_hostile_content_stays_text_in_every_kind() -> None:
    payload = {
        EVIL: EVIL,
        "text": EVIL,
        "rows": [{EVIL: EVIL}],
        "tree": {EVIL: {"x": [EVIL]}},
        "mail": {"subject": EVIL, "from": EVIL, "text": f"> {EVIL}", "html": EVIL},
        "raw": f"From: {EVIL}\nSubject: {EVIL}\n\n{EVIL}",
    }
    html = html_of(payload)
    assert "<script" not in html
    assert "<img" not in html


HEAVY: list[Any] = [
    {"text": "a" * 250_000},
    {"text": "\u202e" * 80_000},
    {"text": "\u202e\u202d" * 40_000},
    {"text": "<&'\"" * 60_000},
    {"text": "\n" * 250_000},
    {f"k{number}": "<" * 80 for number in range(2500)},
    {f"k{number}": "long enough to be a text\n" for number in range(8000)},
    {"x": [[[["'"] * 50] * 20] * 20]},
    {"rows": [{f"c{column}": "'" * 30 for column in range(40)} for _row in range(150)]},
    {"x": json.loads("[" * 31 + "]" * 31)},
    {"subject": "s", "text": "> '\n" * 60_000, "html": "<p>'</p>" * 25_000},
    {"raw": "From: a\nSubject: b\n\n" + "'" * 240_000},
    {"subject": "s", "text": "> a\nb\n" * 30_000},
    {"x" * 100_000: {"y" * 100_000: 1}},
    [],
    {},
    "text",
    None,
]


@pytest.mark.parametrize("payload", HEAVY, ids=range(len(HEAVY)))
def test_no_payload_makes_a_large_page(payload: Any) -> None:
    evidence = [
        {"field": "payload.text", "start": at % 9000, "end": at + 3000, "supports": "x" * (at % 80)}
        for at in range(0, 250_000, 1251)
    ]
    assert len(html_of(payload, *evidence).encode()) < 125_000


leaves = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=12), st.just("a\nb")
)
anything = st.recursive(
    leaves,
    lambda part: st.one_of(st.lists(part, max_size=4), st.dictionaries(st.text(max_size=6), part, max_size=4)),
    max_leaves=15,
)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["text", "subject", "from", "html", "raw", "headers", "rows", "columns", "x"]), anything
    )
)
def test_no_payload_of_the_world_is_an_error(payload: dict[str, Any]) -> None:
    assert "What came in" in html_of(payload)
    assert whole_of(payload, [])


def test_context_tells_its_source_by_the_host_that_the_network_knows() -> None:
    source = source_of("https://bank.example@evil.example/login")
    assert source
    assert source.host == "evil.example"
    unicode = source_of("https://bücher.example/x")
    assert unicode
    assert unicode.host == "xn--bcher-kva.example"
    for odd in (
        "javascript:alert(1)",
        "https://",
        "http://[",
        "https://a\u202eb.example",
        "//x",
        "https://a\\b",
        None,
        5,
        "data:x",
    ):
        assert source_of(odd) is None, odd


def test_long_context_is_folded_unless_evidence_stands_in_it() -> None:
    context = [{"title": EVIL, "text": "word " * 300, "url": "https://a.example/"}, {"text": "short", "page": 4}]
    folded, short = context_of(context, [])
    assert folded.folded
    assert not folded.open
    assert "<script" not in folded.title
    assert not short.folded
    assert short.pairs[0].value == "4"
    evidence = [{"field": "context[0].text", "start": 0, "end": 4}]
    marks = marks_of(evidence, {"context": context})
    assert context_of(context, marks)[0].open
    assert marks == [Mark("context[0].text", 0, 4, 1, "", "word")]


def test_the_whole_input_is_a_plain_text_with_everything_in_it() -> None:
    text = whole_of({"text": "line\nline \u202e", "rows": [{"a": 1}]}, [{"title": "Order"}])
    assert "payload.text\n────────────\nline\nline [U+202E]" in text
    assert '"a": 1' in text
    assert "context[0]" in text


@pytest.mark.django_db
def test_the_whole_input_is_for_those_who_may_see_the_task_and_never_runs() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user, case={"payload": {"text": EVIL * 3000}})
    page = client.get(page_of(task))
    address = reverse("desk:input", args=[task.pk])
    assert address in page.content.decode()
    assert len(page.content) < 150_000
    answer = client.get(address)
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "sandbox" in answer["Content-Security-Policy"]
    assert EVIL * 3000 in answer.content.decode()
    foreign = a_task(queue=make.make_queue("elsewhere", groups=("expert",)))
    assert client.get(reverse("desk:input", args=[foreign.pk])).status_code == 404


def test_a_text_alone_needs_no_heading() -> None:
    assert shown({"text": "hello"}).alone
    assert isinstance(shown({"text": "hello"}).blocks[0], Passage)
    assert not shown({"text": "hello", "order": "991"}).alone
