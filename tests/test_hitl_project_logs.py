"""The log: every line names its request or job and its case, and none holds what a case holds."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import django_rq
import pytest
import structlog
from django.conf import settings
from django.core.management import call_command
from django.db import transaction
from django.test import Client
from rq.job import Job

from cases import bells, tokens
from cases.audit import journal
from cases.classify import _failed
from cases.deliver import deliver_batch
from cases.models import Case, Effect
from hitl_project import logs
from hitl_project.workers import _context
from tests.factories import make_case_type, make_queue, make_user
from tests.test_hitl_project_health import all_workers_alive

SECRET = "my card is 4111-1111"
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("redis")]


class Lines:
    """What was written, line by line, as JSON."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in map(json.loads, self.text.splitlines()) if line["event"] == event]

    def one(self, event: str) -> dict[str, Any]:
        (line,) = self.of(event)
        return line


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The log as the settings shape it, as JSON, into a list."""
    written = Lines()
    shape = logs.configuration(fmt="json", level="INFO")["formatters"]["line"]
    handler = logging.StreamHandler(written.stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(**{k: v for k, v in shape.items() if k != "()"}))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel("INFO")
    yield written
    root.removeHandler(handler)
    root.setLevel(level)
    structlog.contextvars.clear_contextvars()


def post_a_case(client: Client, *, request_id: str) -> int:
    make_queue()
    case_type = make_case_type("validator", key="mail", action={"backend": "log"})
    token = tokens.issue_token(make_user("integration"), expires_days=1, actor="tests", origin="test")
    body = {
        "case_type": case_type.key,
        "source": "test",
        "external_id": "1",
        "requester": "customer-77",
        "payload": {"text": SECRET},
        "prediction": {"output": {"label": "refund"}, "confidence": 0.4, "rationale": SECRET},
    }
    headers = {"Authorization": f"Bearer {token}", "X-Request-ID": request_id}
    answer = client.post("/api/v1/cases/", json.dumps(body), content_type="application/json", headers=headers)
    assert answer.status_code == 201, answer.content
    return int(answer.json()["id"])


def work_off() -> None:
    call_command("rqworker", "pipeline", "effects", "--burst", "--verbosity", "0")


def test_a_request_its_jobs_and_their_steps_can_be_followed_by_id(client: Client, lines: Lines) -> None:
    case_id = post_a_case(client, request_id="order-4711.a")
    received = lines.one("case.received")
    assert (received["case_id"], received["request_id"]) == (case_id, "order-4711.a")
    work_off()
    for action in ("case.classified", "case.in_review"):
        line = lines.one(action)
        assert line["case_id"] == case_id
        assert line["rung_by"] == "order-4711.a"
        assert line["job_id"] == line["request_id"] != "order-4711.a"
        assert line["job"] in settings.PIPELINE.values()
    assert lines.of("request_finished")[0]["request_id"] == "order-4711.a"


def test_no_line_holds_what_a_case_holds(client: Client, lines: Lines) -> None:
    post_a_case(client, request_id="order-4711.b")
    work_off()
    assert lines.of("case.in_review")
    assert "4111" not in lines.text
    assert "customer-77" not in lines.text


def test_a_decision_names_its_case_and_whoever_made_it(lines: Lines) -> None:
    user = make_user("reviewer")
    with journal(actor=user, origin="desk") as log:
        log("decision.made", case_id=7, subject=user, data={"note": SECRET})
    line = lines.one("decision.made")
    assert (line["case_id"], line["actor_id"], line["object"]) == (7, user.pk, f"user:{user.pk}")
    assert "4111" not in lines.text


def test_a_batch_is_one_line_that_names_all_its_cases(lines: Lines) -> None:
    with journal(actor="pipeline", origin="worker") as log:
        log.each("case.classified", [3, 5, 8])
    line = lines.one("case.classified")
    assert (line["cases"], line["case_ids"], line["actor"]) == (3, [3, 5, 8], "pipeline")


def test_what_was_rolled_back_never_happened(lines: Lines) -> None:
    with transaction.atomic():
        with journal(actor="pipeline", origin="worker") as log:
            log("case.closed", case_id=7)
        transaction.set_rollback(True)
    assert lines.of("case.closed") == []


def test_a_delivery_in_a_thread_still_names_its_job_and_its_case(lines: Lines) -> None:
    case = Case.objects.create(
        case_type=make_case_type(), source="t", payload={"text": SECRET}, content_digest="0", state="decided"
    )
    Effect.objects.create(case=case, event="case.decided", action="log", key="k", body={"text": SECRET})
    structlog.contextvars.bind_contextvars(job_id="job-1")
    deliver_batch()
    for event in ("effect_logged", "effect.delivered"):
        line = lines.one(event)
        assert (line["job_id"], line["case_id"]) == ("job-1", case.pk)
    assert "4111" not in lines.text


def test_a_plug_in_that_quotes_the_case_in_its_exception_does_not_get_it_into_the_log(lines: Lines) -> None:
    case = Case(pk=9, case_type=make_case_type(), payload={"text": SECRET}, attempts=99)
    _failed([case], ValueError(f"cannot parse {SECRET}"), token="t")
    line = lines.one("classifier_failed")
    assert (line["error"], line["case_ids"]) == ("ValueError", [9])
    assert "4111" not in lines.text


def test_the_row_that_postgresql_quotes_in_an_error_is_left_out() -> None:
    trace = f"Traceback\n  ...\nIntegrityError: null value\nDETAIL:  Failing row contains (1, {SECRET},\nmore).\n\nThe above"
    cleaned = logs.without_rows(None, "error", {"event": "x", "exception": trace})["exception"]
    assert cleaned == "Traceback\n  ...\nIntegrityError: null value\nDETAIL: (left out)\n\nThe above"


def test_a_job_hands_on_who_set_it_off(lines: Lines) -> None:
    structlog.contextvars.bind_contextvars(request_id="job-1", rung_by="order-4711.c")
    bells._ring_now("received")
    queue = django_rq.get_queue("pipeline")
    (job_id,) = queue.job_ids
    job = Job.fetch(job_id, connection=queue.connection, serializer=queue.serializer)
    assert _context(job) == {
        "job": settings.PIPELINE["received"],
        "job_id": job_id,
        "request_id": job_id,
        "rung_by": "order-4711.c",
    }


def test_health_and_metrics_are_asked_without_a_line(client: Client, lines: Lines) -> None:
    all_workers_alive()
    client.get("/readyz")
    client.get("/metrics")
    assert lines.of("request_finished") == []
