"""The page of a task: who may open it, what a reader finds on it, and what is never on it."""

from __future__ import annotations

import re

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases.models.choices import Reason, State
from review.models import Decision
from tests import factories as make
from tests.desk import a_task, page_of, signed_in, submission

pytestmark = pytest.mark.django_db


def test_the_page_needs_at_most_fifteen_queries_and_150_kilobytes() -> None:
    client, user = signed_in()
    case = {"payload": {"text": "I was charged twice. " * 500}, "requester": "customer-7"}
    task = a_task(
        claimed_by=user, case=case, prediction={"evidence": [{"field": "payload.text", "start": 6, "end": 19}]}
    )
    for _ in range(6):
        make.make_case(task.case.case_type, requester="customer-7", state=State.CLOSED)
    client.get(page_of(task))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        page = client.get(page_of(task) + f"?after={task.pk}")
    assert page.status_code == 200
    assert len(queries) <= 15, "\n".join(query["sql"][:150] for query in queries)
    assert len(page.content) < 150_000


def test_a_blind_task_tells_nothing_of_the_machine_until_it_is_answered() -> None:
    client, user = signed_in()
    task = a_task(
        claimed_by=user,
        blind=True,
        reason=Reason.LOW_CONFIDENCE,
        trace=[{"need": "low_confidence", "result": True, "confidence": 0.4267, "threshold": 0.8}],
        prediction={
            "label": "billing",
            "confidence": 0.4267,
            "rationale": "secret rationale",
            "evidence": [{"field": "payload.text", "start": 0, "end": 4}],
            "alternatives": [{"label": "other", "confidence": 0.1}],
            "model": "secret-model",
        },
    )
    html = client.get(page_of(task)).content.decode()
    for told in ("0.4267", "43 %", "secret", "cs-mark", "low confidence", "threshold", "checked"):
        assert told not in html, told
    answer = client.post(page_of(task), submission(client, task, verb="answer"))
    assert answer["Location"] == page_of(task)
    after = client.get(page_of(task)).content.decode()
    assert "secret rationale" in after
    assert "differs from your answer" in after
    client.post(page_of(task), submission(client, task, verb="amend"))
    decision = Decision.objects.get(task=task)
    assert decision.output == {"label": "refund"}
    assert decision.override


def test_a_reader_finds_input_reasons_evidence_history_and_guidelines_on_one_page() -> None:
    client, user = signed_in()
    case_type = make.make_case_type(guidelines="Read **twice**.<script>alert(1)</script>")
    make.make_case(case_type, requester="customer-7", state=State.CLOSED, label="an-earlier-label")
    task = a_task(
        case_type=case_type,
        claimed_by=user,
        reason=Reason.LOW_CONFIDENCE,
        note="look at the amount",
        trace=[
            {"need": "low_confidence", "result": True, "confidence": 0.62, "threshold": 0.8},
            {
                "rule": 1,
                "result": True,
                "reason": "low_confidence",
                "queue": "experts",
                "conditions": [{"field": "output.amount", "op": "gt", "value": 5, "actual": 7, "result": True}],
            },
        ],
        case={
            "payload": {"text": "I was charged twice", "order": {"id": 991}},
            "requester": "customer-7",
            "context": [{"title": "Order 991", "text": "one lamp", "url": "https://shop.example/991"}],
        },
        prediction={
            "confidence": 0.62,
            "rationale": "the words say so",
            "evidence": [{"field": "payload.text", "start": 6, "end": 19}],
            "alternatives": [{"label": "billing", "confidence": 0.21}],
        },
    )
    html = client.get(page_of(task)).content.decode()
    for part in (
        '<mark class="cs-mark" id="evidence-1">charged twice</mark>',
        "The confidence of 62 % is below the threshold of 80 %.",
        "output.amount is more than 5 (it is: 7)",
        "the words say so",
        "Order 991",
        "https://shop.example/991",
        "an-earlier-label",
        "look at the amount",
        "<strong>twice</strong>",
        "&lt;script&gt;",
        "21 %",
        "<dt>Id</dt>",
    ):
        assert part in html, part
    assert "<script>alert" not in html


def test_hostile_text_is_shown_and_never_executed() -> None:
    client, user = signed_in()
    text = "<img src=x onerror=alert(1)> \u202egnp.exe\u200b </mark><script>alert(2)</script>"
    spans = [
        {"field": "payload.text", "start": 2, "end": 9},
        {"field": "payload.text", "start": 5, "end": 999},
        {"start": "x"},
        7,
    ]
    task = a_task(
        claimed_by=user, case={"payload": {"text": text, "<b>key": {"<i>": "<u>"}}}, prediction={"evidence": spans}
    )
    html = client.get(page_of(task)).content.decode()
    assert "<img src=x" not in html
    assert "<script>alert" not in html
    assert "<u>" not in html
    assert "<i>" not in html
    assert "U+202E" in html
    assert "U+200B" in html


def test_what_one_may_not_see_is_404_and_what_one_may_not_do_is_403() -> None:
    client, _user = signed_in()
    foreign = make.make_queue("elsewhere", groups=("expert",))
    task = a_task(queue=foreign)
    assert client.get(page_of(task)).status_code == 404
    assert client.post(page_of(task), {"verb": "claim"}).status_code == 404
    assert client.get("/admin/desk/99999999999999999999/").status_code == 404
    assert client.get("/admin/desk/0/").status_code == 404
    auditor, _ = signed_in("auditor")
    assert auditor.get(page_of(task)).status_code == 200
    assert auditor.post(page_of(task), {"verb": "claim"}).status_code == 403
    manager, _ = signed_in("manager")
    assert manager.get(page_of(task)).status_code == 404
    assert manager.post(reverse("desk:start")).status_code == 403
    assert Client().get(page_of(task)).status_code == 302


def test_an_empty_desk_is_told_apart_from_one_where_everything_is_claimed() -> None:
    client, _user = signed_in()
    make.make_queue()
    assert "All done" in client.get(reverse("desk:start")).content.decode()
    a_task(claimed_by=make.make_user("reviewer"))
    assert "Everything is claimed" in client.get(reverse("desk:start")).content.decode()
    assert client.post(reverse("desk:start"))["Location"] == f"{reverse('desk:start')}?none=1"
    expert, _ = signed_in("expert")
    assert "You work in no queue yet" in expert.get(reverse("desk:start")).content.decode()


def test_of_a_long_list_of_labels_the_likely_ones_come_first_and_answer_to_digits() -> None:
    client, user = signed_in()
    schema = {"type": "object", "properties": {"label": {"enum": [f"label-{number}" for number in range(77)]}}}
    said = {
        "output": {"label": "label-7"},
        "label": "label-7",
        "alternatives": [{"label": "label-50", "confidence": 0.2}],
    }
    task = a_task(case_type=make.make_case_type(output_schema=schema), claimed_by=user, prediction=said)
    html = client.get(page_of(task)).content.decode()
    assert '<option value="label-7" data-digit="1" selected>label-7 (70 %) · 1</option>' in html
    assert '<option value="label-50" data-digit="2">label-50 (20 %) · 2</option>' in html
    assert html.count('value="label-7"') == 1


def test_pages_carry_no_inline_style_and_no_inline_script() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    for address in (page_of(task), reverse("desk:start"), reverse("admin:index"), reverse("admin:login")):
        html = client.get(address, follow=True).content.decode()
        assert " style=" not in html, address
        assert "<style" not in html, address
        assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", html), address
        assert not re.search(r"\son[a-z]+=", html), address
