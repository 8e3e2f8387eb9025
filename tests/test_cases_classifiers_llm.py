"""The language-model classifier against a local OpenAI-compatible endpoint: good answers, bad answers, bad days."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping
from decimal import Decimal
from itertools import cycle
from typing import Any

import pytest

from cases.classifiers.base import Answer, Brief, ClassifierError, Question
from cases.classifiers.llm import LlmClassifier
from cases.classifiers.supplied import SuppliedClassifier
from tests.http_server import Behaviour, answering, dripping, hanging_up, silent
from tests.llm_server import LlmServer, complaining, completing, llm_server

SCHEMA = {
    "type": "object",
    "required": ["label"],
    "properties": {"label": {"enum": ["refund", "billing", "other"]}, "amount": {"type": "number"}},
}
BRIEF = Brief(key="support", name="Support e-mail", output_schema=SCHEMA, guidelines="Be {kind}.")


def question(text: str = "I was charged twice, please refund 40 euro", case_id: int = 1, **more: Any) -> Question:
    return Question(case_id=case_id, payload={"text": text, **more}, context=[{"title": "Order 991"}])


def content(label: str = "refund", **output: Any) -> dict[str, Any]:
    return {
        "rationale": 'They say "label": "other" but want their money.',
        "quotes": ["charged twice", "never said this", "Order 991"],
        "output": {"label": label, "amount": None, **output},
    }


@pytest.fixture
def server() -> Iterator[LlmServer]:
    with llm_server(lambda text: content()) as running:
        yield running


def classifier(server: LlmServer, **options: Any) -> LlmClassifier:
    return LlmClassifier(**{"base_url": server.url, "model": "m", "api_key": "k", "timeout": 1, **options})


def ask(server: LlmServer, *questions: Question, **options: Any) -> list[Answer]:
    return classifier(server, **options).classify(BRIEF, questions or [question()])


def test_an_answer_is_checked_priced_timed_and_named(server: LlmServer) -> None:
    answer = ask(server, prices={"input": "1.5", "output": 10})[0]
    assert answer.error == ""
    assert answer.output == {"label": "refund"}
    assert answer.label == "refund"
    assert (answer.model, answer.tokens) == ("test-1", {"input": 100, "output": 20})
    assert answer.cost == Decimal("0.00035")
    assert re.fullmatch("prompt-[0-9a-f]{12}", answer.model_version)
    assert answer.latency_ms > 0
    assert not answer.suspicious
    assert server.headers[0]["authorization"] == "Bearer k"


def test_confidence_is_the_probability_of_the_labels_tokens(server: LlmServer) -> None:
    server.sureness = 0.73
    answer = ask(server)[0]
    assert answer.confidence == pytest.approx(0.73)
    assert answer.raw_confidence == pytest.approx(0.73)
    assert len(server.requests) == 1


def test_confidence_survives_characters_cut_in_half_by_tokens() -> None:
    said = content() | {"rationale": "Grüße — 退款请求 🙂🙂 ä"}
    with llm_server(lambda text: said) as server:
        server.sureness = 0.61
        assert ask(server)[0].confidence == pytest.approx(0.61)


def test_quotes_become_spans_and_invented_quotes_are_dropped(server: LlmServer) -> None:
    assert list(ask(server)[0].evidence) == [
        {"field": "payload.text", "start": 6, "end": 19, "weight": 1.0},
        {"field": "context[0].title", "start": 0, "end": 9, "weight": 1.0},
    ]


def test_without_log_probabilities_samples_must_agree() -> None:
    labels = cycle(["refund", "billing", "refund", "refund", "other"])
    with llm_server(lambda text: content(next(labels))) as server:
        server.offers_logprobs = False
        answer = ask(server, samples=5)[0]
    assert answer.label == "refund"
    assert answer.raw_confidence == pytest.approx(0.6)
    assert answer.confidence == pytest.approx(4 / 7)
    assert [item["label"] for item in answer.alternatives] == ["refund", "billing", "other"]
    assert [request["temperature"] for request in server.requests] == [0, 0.7, 0.7, 0.7, 0.7]
    assert answer.tokens == {"input": 500, "output": 100}


def test_a_failed_sample_agrees_with_nobody(server: LlmServer) -> None:
    server.offers_logprobs = False
    server.faults.extend([completing(json.dumps(content())), completing("nonsense"), completing(None, refusal="no")])
    answer = ask(server, samples=3)[0]
    assert answer.raw_confidence == pytest.approx(1 / 3)
    assert answer.tokens == {"input": 300, "output": 60}


def test_one_sample_alone_is_worth_nothing(server: LlmServer) -> None:
    server.offers_logprobs = False
    assert ask(server, samples=1)[0].confidence == 0


def test_the_models_own_word_about_its_confidence_is_not_heard() -> None:
    with llm_server(lambda text: content() | {"confidence": 1.0}) as server:
        server.sureness = 0.4
        assert ask(server)[0].confidence == pytest.approx(0.4)


def test_a_parameter_the_endpoint_does_not_know_is_left_out_from_then_on(server: LlmServer) -> None:
    server.knows_logprobs = False
    backend = classifier(server, samples=2)
    for _ in range(2):
        assert backend.classify(BRIEF, [question()])[0].confidence == pytest.approx(0.75)
    asked = [request.get("logprobs", False) for request in server.requests]
    assert asked == [True, False, False, False, False]
    assert all("top_logprobs" not in request for request in server.requests[1:])


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (completing("I think it is a refund."), "JSON"),
        (completing("[" * 100_000), "JSON"),
        (completing("[]"), "no output"),
        (completing('{"output": "refund"}'), "no output"),
        (completing(json.dumps(content("praise"))), "outside the schema"),
        (completing(json.dumps(content(amount=True))), "outside the schema"),
        (completing('{"output": {"label": "refund", "amount": NaN}}'), "outside the schema"),
        (completing('{"output": {"label": "refund", "amount": 1e400}}'), "outside the schema"),
        (completing('{"output": {"label": "refund"', finish="length"), "cut off"),
        (completing(None, refusal="I cannot help with that."), "refused"),
        (completing("", finish="content_filter"), "refused"),
        (completing(""), "empty"),
        (completing(None), "empty"),
        (answering(200, b"<html>gateway</html>"), "no chat completion"),
        (answering(200, b"[]"), "no chat completion"),
        (answering(200, b'{"choices": []}'), "no chat completion"),
        (answering(200, b'{"choices": [{"message": null}]}'), "no chat completion"),
        (answering(200, b"[" * 100_000), "no chat completion"),
        (answering(200, b"x" * (5 << 20)), "no chat completion"),
        (complaining("This model's maximum context length is 8192 tokens."), "maximum context length"),
    ],
)
def test_a_useless_answer_is_an_error_of_that_case_alone(server: LlmServer, fault: Behaviour, told: str) -> None:
    server.faults.append(fault)
    answers = ask(server, question(), question(case_id=2), concurrency=1, samples=1)
    assert told in answers[0].error
    assert (answers[0].output, answers[0].confidence) == (None, 0)
    assert answers[1].error == ""


@pytest.mark.parametrize(
    "fault", [answering(500), answering(503), hanging_up, silent, dripping(), dripping(head=False)]
)
def test_a_passing_failure_is_tried_again(server: LlmServer, fault: Behaviour) -> None:
    server.faults.append(fault)
    assert ask(server)[0].error == ""
    assert len(server.requests) == 2


def test_retry_after_is_honoured(server: LlmServer) -> None:
    server.faults.append(answering(429, retry_after="1"))
    started = time.monotonic()
    assert ask(server)[0].error == ""
    assert time.monotonic() - started >= 1


def test_a_wait_beyond_the_deadline_is_not_begun(server: LlmServer) -> None:
    server.faults.extend([answering(429, retry_after="600")] * 2)
    started = time.monotonic()
    answers = ask(server, question(), question(case_id=2), question(case_id=3), concurrency=1, total_timeout=2)
    assert time.monotonic() - started < 2
    assert ["429" in answer.error for answer in answers] == [True, True, False]


def test_a_batch_ends_in_time_whatever_the_endpoint_does(server: LlmServer) -> None:
    server.faults.extend([silent] * 50)
    started = time.monotonic()
    with pytest.raises(ClassifierError) as caught:
        ask(server, *[question(case_id=n) for n in range(20)], timeout=5, batch_timeout=1.5, concurrency=4)
    assert time.monotonic() - started < 3
    assert not caught.value.permanent


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refused_key_or_an_unknown_model_breaks_the_batch_for_good(server: LlmServer, status: int) -> None:
    server.faults.append(complaining("Incorrect API key provided: sk-12**89", status))
    with pytest.raises(ClassifierError) as caught:
        ask(server, question(), question(case_id=2), concurrency=1)
    assert caught.value.permanent
    assert ("sk-12" in str(caught.value)) is (status == 404)


def test_an_endpoint_that_answers_nobody_breaks_the_batch_for_now(server: LlmServer) -> None:
    server.faults.extend([answering(500)] * 4)
    with pytest.raises(ClassifierError) as caught:
        ask(server, question(), question(case_id=2), retries=1)
    assert not caught.value.permanent


def test_nothing_configured_is_said_so() -> None:
    with pytest.raises(ClassifierError) as caught:
        LlmClassifier().classify(BRIEF, [question()])
    assert caught.value.permanent
    assert "LLM_BASE_URL" in str(caught.value)


def test_a_batch_runs_concurrently_up_to_the_limit(server: LlmServer) -> None:
    server.delay = 0.2
    started = time.monotonic()
    answers = ask(server, *[question(case_id=n) for n in range(12)], concurrency=4)
    assert all(answer.error == "" for answer in answers)
    assert time.monotonic() - started < 12 * 0.2 * 0.7
    assert server.busiest == 4


def test_answers_come_back_in_the_order_of_the_questions() -> None:
    def think(text: str) -> Mapping[str, Any]:
        return content("billing" if "invoice" in text else "other")

    with llm_server(think) as server:
        asked = [question("invoice" if n % 3 == 0 else "hello", case_id=n) for n in range(9)]
        labels = [answer.label for answer in ask(server, *asked)]
    assert labels == ["billing", "other", "other"] * 3


def test_the_schema_goes_along_in_the_strict_dialect(server: LlmServer) -> None:
    ask(server)
    asked = server.requests[0]["response_format"]["json_schema"]
    assert asked["strict"] is True
    assert asked["schema"]["required"] == ["rationale", "quotes", "output"]
    assert asked["schema"]["properties"]["output"] == {
        "type": "object",
        "properties": {
            "label": {"type": "string", "enum": ["refund", "billing", "other"]},
            "amount": {"anyOf": [{"type": "number"}, {"type": "null"}]},
        },
        "required": ["label", "amount"],
        "additionalProperties": False,
    }


def test_a_schema_that_the_strict_dialect_cannot_say_is_sent_as_it_is(server: LlmServer) -> None:
    brief = Brief(key="x", name="X", output_schema={"type": "object", "additionalProperties": {"type": "string"}})
    server.think = lambda text: {"output": {"a": "b"}}
    server.offers_logprobs = False
    assert classifier(server, samples=2).classify(brief, [question()])[0].output == {"a": "b"}
    assert server.requests[0]["response_format"]["json_schema"]["strict"] is False


def test_an_optional_null_is_left_out_and_a_required_one_is_kept() -> None:
    line = {
        "type": "object",
        "required": ["n"],
        "properties": {"n": {"type": ["number", "null"]}, "s": {"type": "string"}},
    }
    schema = {
        "type": "object",
        "properties": {"lines": {"type": "array", "items": {"$ref": "#/$defs/line"}}, "note": {"type": "string"}},
        "$defs": {"line": line},
    }
    with llm_server(lambda text: {"output": {"lines": [{"n": None, "s": None}], "note": None}}) as server:
        brief = Brief(key="x", name="X", output_schema=schema)
        answer = classifier(server, samples=2).classify(brief, [question()])[0]
    assert answer.output == {"lines": [{"n": None}]}
    assert "line" in server.requests[0]["response_format"]["json_schema"]["schema"]["$defs"]


def test_a_supplied_prediction_that_never_came_is_an_error_that_says_so() -> None:
    backend = SuppliedClassifier(wait_minutes=90)
    assert backend.wait_seconds == 5400
    answers = backend.classify(BRIEF, [question(), question()])
    assert [answer.error for answer in answers] == ["No prediction was supplied within 90 minutes."] * 2
