"""One screen: every block that helps to judge is on it, in few queries and few bytes, and nothing that must not be seen."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from cases.audit import journal
from cases.models import Attachment
from cases.models.choices import Reason, State
from feedback.fingerprints import take_fingerprints
from feedback.models import Correction
from review.models import Decision, Note, ReviewTask
from tests import factories as make

pytestmark = pytest.mark.django_db

MOST_QUERIES = 15
MOST_BYTES = 150_000
RECEIPT: dict[str, Any] = {
    "type": "object",
    "required": ["label", "total"],
    "properties": {
        "label": {"title": "Category", "enum": ["meals", "travel", "other"]},
        "total": {
            "type": "object",
            "required": ["amount", "currency"],
            "properties": {"amount": {"type": "number"}, "currency": {"enum": ["EUR", "GBP"]}},
        },
        "items": {
            "type": "array",
            "minItems": 1,
            "items": {
                "type": "object",
                "required": ["name"],
                "properties": {"name": {"type": "string", "minLength": 2}, "count": {"type": "integer"}},
            },
        },
        "reply": {"type": "string", "format": "long"},
    },
}
OUTPUT = {
    "label": "meals",
    "total": {"amount": 34.5, "currency": "GBP"},
    "items": [{"name": "soup", "count": 2}, {"name": "bread"}],
    "reply": "Dear Tom,\nthank you.",
}
TEXT = "Soup 2x, bread. Total 34.50"


def signed_in(role: str = "reviewer") -> tuple[Client, Any]:
    user = make.make_user(role, is_staff=True)
    client = Client()
    client.force_login(user)
    return client, user


def page_of(task: ReviewTask) -> str:
    return reverse("desk:review", args=[task.pk])


def a_rich_task(user: Any, **fields: Any) -> ReviewTask:
    """A claimed task of a case that has a past, files, notes, likenesses and known mistakes."""
    case_type = make.make_case_type(output_schema=RECEIPT, guidelines="Read **twice**.")
    earlier = make.make_case(case_type, requester="tom", state=State.CLOSED, label="travel", payload={"text": TEXT})
    earlier_task = make.make_task(earlier, assignee=user)
    make.make_decision(earlier, by=user, task=earlier_task, label="travel", output={"label": "travel"})
    take_fingerprints()
    case = make.make_case(case_type, state=State.IN_REVIEW, requester="tom", payload={"text": TEXT})
    make.make_prediction(case, label="other", confidence=0.2, model="the-earlier-model")
    made = make.make_prediction(
        case,
        label="meals",
        output=OUTPUT,
        confidence=0.62,
        fields={"items[1].name": 0.31, "label": 0.9},
        rationale="It is food.",
        alternatives=[{"label": "travel", "confidence": 0.21}],
        evidence=[{"field": "payload.text", "start": 9, "end": 14, "supports": "items[1].name"}],
    )
    stay = make.make_task(case, reason=Reason.LOW_CONFIDENCE, note="see the second line")
    make.make_decision(case, by=user, task=stay, label="other", prediction=made)
    Correction.objects.create(
        case_type=case_type, case=case, source="override", label_before="meals", label_after="travel"
    )
    with journal(actor="pipeline", origin="worker") as log:
        log("case.classified", case_id=case.pk, data={"label": "meals"})
    Attachment.objects.create(
        case=case,
        name="receipt.txt",
        content_type="text/plain",
        size=1,
        sha256="0" * 64,
        file=ContentFile(b"x", "a.txt"),
    )
    Note.objects.create(case=case, author=make.make_user("expert"), text="a note of an expert")
    trace = [{"need": "low_confidence", "result": True, "confidence": 0.62, "threshold": 0.8}]
    return make.make_task(case, claimed_by=user, reason=Reason.LOW_CONFIDENCE, trace=trace, **fields)


BLOCKS = {
    "the form": 'value="soup"',
    "money": 'name="output.total.amount"',
    "the long text": "Dear Tom,\nthank you.</textarea>",
    "confidence by field": "31 % guessing",
    "attention": "Look here first:",
    "where to look": "Items, line 2, Name",
    "evidence by field": 'href="#evidence-1"',
    "the confidence": "62 %",
    "below the threshold": "below the threshold of 80 %",
    "alternatives": "21 %",
    "why it came here": "The confidence of 62 % is below the threshold of 80 %.",
    "the reasons": "It is food.",
    "confusions": "it was “travel”",
    "how often": "1 time",
    "similar cases": "Similar cases and how they were decided",
    "how alike": "alike</span>",
    "earlier attempts": "the-earlier-model",
    "earlier stays": "see the second line",
    "the requester": "Earlier from tom",
    "guidelines": "<strong>twice</strong>",
    "the timeline": "was answered by the machine",
    "notes": "a note of an expert",
    "files": "receipt.txt",
}


@pytest.mark.postgres_too
def test_every_block_is_on_the_page_in_few_queries_and_bytes() -> None:
    client, user = signed_in()
    task = a_rich_task(user)
    client.get(page_of(task))
    with CaptureQueriesContext(connection) as queries:
        html = client.get(page_of(task)).content.decode()
    missing = [name for name, part in BLOCKS.items() if part not in html]
    assert missing == []
    assert len(queries) <= MOST_QUERIES, "\n".join(query["sql"][:150] for query in queries)
    assert len(html) < MOST_BYTES


def test_the_toast_of_the_task_just_left_stays_within_the_budget() -> None:
    client, user = signed_in()
    task, left = a_rich_task(user), make.make_task()
    make.make_decision(left.case, by=user, task=left)
    client.get(page_of(task))
    with CaptureQueriesContext(connection) as queries:
        html = client.get(f"{page_of(task)}?after={left.pk}").content.decode()
    assert f'data-done="{left.pk}"' in html
    assert len(queries) <= MOST_QUERIES, "\n".join(query["sql"][:150] for query in queries)


def test_a_case_without_a_past_says_so_in_every_block() -> None:
    client, user = signed_in()
    case = make.make_case(make.make_case_type(), state=State.IN_REVIEW, requester="new")
    make.make_prediction(case)
    html = client.get(page_of(make.make_task(case, claimed_by=user))).content.decode()
    for told in (
        "The model gave no reasons.",
        "It named no other answer.",
        "No mistakes with this answer are known lately.",
        "No person has decided a case like this one yet.",
        "Nobody has decided it before.",
        "This is its first stay.",
        "This is its first.",
        "Nothing is recorded.",
        "This is the first case from them.",
    ):
        assert told in html, told


def test_a_blind_reader_sees_none_of_it_until_they_have_answered() -> None:
    client, user = signed_in()
    task = a_rich_task(user, blind=True)
    html = client.get(page_of(task)).content.decode()
    for told in ("31 %", "62 %", "It is food.", "it was “travel”", "Similar cases", "evidence-1", "the-earlier-model"):
        assert told not in html, told
    for told in ("Look here first", "“meals”", "a note of an expert", "see the second line", "Dear Tom"):
        assert told not in html, told
    for told in ('value="soup"', 'value="34.50"', 'value="GBP" selected'):
        assert told not in html, told


def sent(html: str, **changes: Any) -> dict[str, Any]:
    bound = {name: re.search(rf'name="{name}"\s+value="([^"]*)"', html) for name in ("lease_token", "digest")}
    output = {
        "output.label": "meals",
        "output.total.amount": "34.50",
        "output.total.currency": "GBP",
        "output.items[0].name": "soup",
        "output.items[0].count": "2",
        "output.items[1].name": "bread",
        "output.items[1].count": "",
        "output.reply": "Dear Tom,\r\nthank you.",
    }
    return {**{name: found[1] for name, found in bound.items() if found}, **output, **changes}


@pytest.mark.postgres_too
def test_untouched_it_is_approved_exactly_and_changed_inside_it_is_amended() -> None:
    client, user = signed_in()
    for changes, verb, expected in (
        ({}, "approve", OUTPUT),
        (
            {"output.items[1].name": "", "output.items[2].name": "cheese", "output.total.amount": "1.234,50"},
            "amend",
            {
                **OUTPUT,
                "total": {"amount": 1234.5, "currency": "GBP"},
                "items": [{"name": "soup", "count": 2}, {"name": "cheese"}],
            },
        ),
    ):
        case = make.make_case(make.make_case_type(output_schema=RECEIPT), state=State.IN_REVIEW)
        make.make_prediction(case, output=OUTPUT, label="meals")
        opened = timezone.now() - timedelta(minutes=5)
        task = make.make_task(case, claimed_by=user, opened_at=opened)
        html = client.get(page_of(task)).content.decode()
        client.post(page_of(task), sent(html, verb=verb, active_seconds="60", **changes))
        decision = Decision.objects.get(task=task)
        assert (decision.outcome, decision.output) == (verb, expected)


def test_what_is_wrong_inside_a_row_is_told_beside_it_and_what_was_typed_stays() -> None:
    client, user = signed_in()
    task = a_rich_task(user)
    html = client.get(page_of(task)).content.decode()
    unread = client.post(page_of(task), sent(html, verb="amend", **{"output.items[0].count": "two"})).content.decode()
    assert 'id="field-items-0-count-errors"' in unread
    assert 'value="two"' in unread
    changes = {"output.items[0].remove": "on", "output.items[1].name": "b", "output.reply": "Dear Tom,\r\nmany thanks."}
    answer = client.post(page_of(task), sent(html, verb="amend", **changes))
    refused = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="field-items-1-name-errors"' in refused, "the first item of the output is the second line of the form"
    assert re.search(r'name="output.items\[0\].remove"\s+checked', refused)
    assert re.search(r"<del>.*?thank</del><ins>.*?many</ins>", refused, re.DOTALL)


def test_the_second_person_reads_the_answer_in_words_beside_the_machines() -> None:
    client, user = signed_in("supervisor")
    lane = make.make_queue("supervisors", kind="supervisor", groups=("supervisor",))
    case = make.make_case(make.make_case_type(output_schema=RECEIPT), state=State.DECIDED)
    made = make.make_prediction(case, output=OUTPUT, label="meals")
    first = make.make_task(case)
    output = {**OUTPUT, "label": "travel", "items": [{"name": "soup", "count": 3}]}
    make.make_decision(
        case, by=make.make_user("reviewer"), task=first, outcome="amend", output=output, prediction=made, held=True
    )
    task = make.make_task(case, queue=lane, reason=Reason.SECOND_APPROVAL, claimed_by=user)
    html = client.get(page_of(task)).content.decode()
    assert "the machine said: <bdi>meals</bdi>" in html
    assert "the machine said: <bdi>2</bdi>" in html
    held = html.split("cs-held")[1].split("cs-machine")[0]
    assert "[{" not in held
    assert re.search(r"the machine said:</span>\s*<del>bread</del>", held), "a line that was taken out is seen too"


def test_a_long_input_and_a_table_of_many_lines_stay_within_the_page() -> None:
    client, user = signed_in()
    many = {**OUTPUT, "items": [{"name": f"item number {number}", "count": number} for number in range(60)]}
    case_type = make.make_case_type(output_schema=RECEIPT)
    case = make.make_case(case_type, state=State.IN_REVIEW, payload={"text": "one < two & three. " * 20_000})
    make.make_prediction(case, label="meals", output=many)
    html = client.get(page_of(make.make_task(case, claimed_by=user))).content.decode()
    assert 'value="item number 59"' in html
    assert len(html.encode()) < MOST_BYTES


def test_a_cell_of_nothing_but_white_space_is_a_value_too() -> None:
    client, user = signed_in()
    odd = {**OUTPUT, "items": [{"name": "  \n  "}]}
    case = make.make_case(make.make_case_type(output_schema=RECEIPT), state=State.IN_REVIEW)
    make.make_prediction(case, label="meals", output=odd)
    html = client.get(page_of(make.make_task(case, claimed_by=user))).content.decode()
    assert re.search(r"<textarea[^>]*items-0-name[^>]*>\n  \n  </textarea>", html)
