"""The review desk as its users meet it: claim, read, decide, next."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from cases.models.choices import Reason, State
from review.models import Decision, ReviewTask
from tests import factories as make

pytestmark = pytest.mark.django_db


def signed_in(role: str = "reviewer", **fields: Any) -> tuple[Client, Any]:
    user = make.make_user(role, is_staff=True, **fields)
    client = Client()
    client.force_login(user)
    return client, user


def a_task(*, prediction: dict[str, Any] | None = None, case: dict[str, Any] | None = None, **fields: Any) -> ReviewTask:
    case_type = fields.pop("case_type", None) or make.make_case_type()
    one = make.make_case(case_type, state=State.IN_REVIEW, **(case or {}))
    make.make_prediction(one, **(prediction or {}))
    return make.make_task(one, **fields)


def page_of(task: ReviewTask) -> str:
    return reverse("desk:review", args=[task.pk])


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', html)
    assert found, f"no hidden {name}"
    return found.group(1)


def submission(client: Client, task: ReviewTask, **fields: Any) -> dict[str, Any]:
    html = client.get(page_of(task)).content.decode()
    bound = {name: hidden(html, name) for name in ("lease_token", "digest")}
    return {**bound, "output.label": "refund", "output.amount": "", "active_seconds": "1", **fields}


def test_starting_takes_the_next_case_and_shows_it() -> None:
    client, user = signed_in()
    task = a_task()
    answer = client.post(reverse("desk:start"))
    assert answer.status_code == 302
    assert answer["Location"] == page_of(task)
    task.refresh_from_db()
    assert task.assignee == user
    page = client.get(answer["Location"])
    assert page.status_code == 200
    assert task.case.payload["text"] in page.content.decode()


def test_approving_decides_and_brings_the_next_case() -> None:
    client, user = signed_in()
    first, second = a_task(claimed_by=user), a_task()
    answer = client.post(page_of(first), submission(client, first, verb="approve"))
    decision = Decision.objects.get(task=first)
    assert (decision.outcome, decision.output, decision.override) == ("approve", {"label": "refund"}, False)
    assert answer["Location"] == f"{page_of(second)}?after={first.pk}"
    assert f"Decided #{first.case_id}" in client.get(answer["Location"]).content.decode()


def test_saving_changes_amends_and_counts_as_an_override() -> None:
    client, user = signed_in()
    task = a_task(claimed_by=user)
    client.post(page_of(task), submission(client, task, verb="amend", **{"output.label": "billing", "output.amount": "12.50"}))
    decision = Decision.objects.get(task=task)
    assert (decision.outcome, decision.output, decision.override) == ("amend", {"label": "billing", "amount": 12.5}, True)


def test_the_page_needs_at_most_fifteen_queries_and_150_kilobytes() -> None:
    client, user = signed_in()
    case = {"payload": {"text": "I was charged twice. " * 500}, "requester": "customer-7"}
    task = a_task(claimed_by=user, case=case, prediction={"evidence": [{"field": "payload.text", "start": 6, "end": 19}]})
    for _ in range(6):
        make.make_case(task.case.case_type, requester="customer-7", state=State.CLOSED)
    client.get(page_of(task))
    with CaptureQueriesContext(connection, ) as queries:
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
        trace=[{"need": "low_confidence", "result": True, "confidence": 0.4242, "threshold": 0.8}],
        prediction={
            "label": "billing",
            "confidence": 0.4242,
            "rationale": "secret rationale",
            "evidence": [{"field": "payload.text", "start": 0, "end": 4}],
            "alternatives": [{"label": "other", "confidence": 0.1}],
            "model": "secret-model",
        },
    )
    html = client.get(page_of(task)).content.decode()
    for told in ("42", "secret", "cs-mark", "low confidence", "threshold", "checked"):
        assert told not in re.sub(r'name="(csrfmiddlewaretoken|digest)" value="[^"]*"', "", html), told
    answer = client.post(page_of(task), submission(client, task, verb="answer"))
    assert answer["Location"] == page_of(task)
    after = client.get(page_of(task)).content.decode()
    assert "secret rationale" in after
    assert "differs from your answer" in after
    client.post(page_of(task), submission(client, task, verb="amend"))
    decision = Decision.objects.get(task=task)
    assert decision.output == {"label": "refund"}
    assert decision.override
