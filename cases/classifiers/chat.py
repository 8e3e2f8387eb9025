"""A thin client of any OpenAI-compatible ``/chat/completions``: one call, retried within one deadline."""

from __future__ import annotations

import json
import random
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from cases.outbound import Deadline, OutboundError, Reply, post, require_success

MAX_ANSWER = 4 << 20
BACK_OFF = 0.5  # seconds before the first retry; doubled at each further one
LONGEST_BACK_OFF = 20.0
# Parameters that some endpoints do not know; they are left out once an endpoint has complained of them by name.
OPTIONAL = {"logprobs": ("logprobs", "top_logprobs"), "temperature": ("temperature",), "max_tokens": ("max_tokens",)}
UNKNOWN = re.compile(r"support|unknown|unrecogni|not permitted|not allowed|extra input", re.IGNORECASE)
REFUSED_KEY = (401, 403, 404)


class AnswerError(Exception):
    """The endpoint answered, but with nothing usable: asking again would bring the same. ``usage`` was paid anyway."""

    def __init__(self, message: str, usage: Usage | None = None) -> None:
        super().__init__(message)
        self.usage = usage or Usage()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens that were paid."""

    input: int = 0
    output: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(self.input + other.input, self.output + other.output)


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer: its text, the log-probability of each of its tokens where offered, the model that gave it, its cost."""

    text: str
    tokens: list[Mapping[str, Any]]
    model: str
    usage: Usage


class Chat:
    """The endpoint. ``timeout`` is of one call, in seconds; ``retries`` come on top of the first try."""

    def __init__(self, *, base_url: str, api_key: str, timeout: float, retries: int) -> None:
        self.url = base_url.rstrip("/") + "/chat/completions"
        self.api_key = api_key
        self.timeout = timeout
        self.retries = retries
        self.left_out: set[str] = set()

    def complete(self, request: Mapping[str, Any], deadline: Deadline) -> Completion:
        """Raises: OutboundError when no answer came in time, AnswerError when it is of no use."""
        for attempt in range(self.retries + 1):
            try:
                return completion_of(self._call(request, deadline))
            except OutboundError as error:
                if error.permanent or attempt == self.retries:
                    raise
                self._wait(attempt, error, deadline)
        raise AssertionError("the last try returns or raises")

    def _call(self, request: Mapping[str, Any], deadline: Deadline) -> Reply:
        """One try; once more at once without a parameter that the endpoint says it does not know."""
        wanted = {key: value for key, value in request.items() if key not in self.left_out}
        reply = self._post(wanted, deadline)
        unknown = _unknown_parameters(reply, wanted)
        if unknown:
            self.left_out |= unknown
            reply = self._post({key: value for key, value in wanted.items() if key not in unknown}, deadline)
        return _succeeded(reply)

    def _post(self, request: Mapping[str, Any], deadline: Deadline) -> Reply:
        headers = {"content-type": "application/json", "accept": "application/json"}
        if self.api_key:
            headers["authorization"] = f"Bearer {self.api_key}"
        return post(
            self.url,
            body=json.dumps(request).encode(),
            headers=headers,
            timeout_total=min(self.timeout, deadline.left()),
            allow_private=True,  # the operator chose the endpoint; models often run next door
            max_read=MAX_ANSWER,
        )

    def _wait(self, attempt: int, error: OutboundError, deadline: Deadline) -> None:
        """Back off, with jitter, or as long as the endpoint asked; give up where that would outlast the deadline."""
        backed_off = min(BACK_OFF * 2**attempt, LONGEST_BACK_OFF) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        pause = max(error.retry_after or 0.0, backed_off)
        if pause >= deadline.left():
            raise error
        time.sleep(pause)


def completion_of(reply: Reply) -> Completion:
    """The first choice of an answer. Raises: AnswerError on a refusal, a cut answer or another shape."""
    try:
        content = json.loads(reply.body)
        usage, choice = _usage(content), content["choices"][0]
        message, reason = choice["message"], choice.get("finish_reason")
        text, refusal = message.get("content"), message.get("refusal")
        model = content.get("model")
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        raise AnswerError(_("The endpoint's answer is no chat completion.")) from None
    if refusal or reason == "content_filter":
        raise AnswerError(_("The model refused to answer: %(why)s") % {"why": str(refusal or reason)[:200]}, usage)
    if reason == "length" or reply.truncated:
        raise AnswerError(_("The model's answer was cut off before its end."), usage)
    if not isinstance(text, str) or not text:
        raise AnswerError(_("The model gave an empty answer."), usage)
    return Completion(text, _tokens(choice), model if isinstance(model, str) else "", usage)


def _succeeded(reply: Reply) -> Reply:
    try:
        return require_success(reply)
    except OutboundError as error:
        # A refused key is never quoted: endpoints repeat parts of it.
        detail = "" if error.status in REFUSED_KEY[:2] else _complaint(reply)
        raise OutboundError(
            f"{error} {detail}".strip(),
            permanent=error.permanent,
            retry_after=error.retry_after,
            status=error.status,
        ) from None


def _unknown_parameters(reply: Reply, request: Mapping[str, Any]) -> set[str]:
    if reply.status not in (400, 422):
        return set()
    complaint = _complaint(reply)
    if not UNKNOWN.search(complaint):
        return set()
    named = [names for name, names in OPTIONAL.items() if name in request and name in complaint]
    return {name for names in named for name in names}


def _complaint(reply: Reply) -> str:
    """The endpoint's own words about an error, shortened."""
    try:
        told = json.loads(reply.body)
    except (ValueError, RecursionError):
        return ""
    error = told.get("error", told.get("detail", "")) if isinstance(told, dict) else ""
    message = error.get("message", "") if isinstance(error, dict) else error
    return str(message)[:300]


def _usage(content: Mapping[str, Any]) -> Usage:
    told = content.get("usage")
    told = told if isinstance(told, dict) else {}
    return Usage(_count(told.get("prompt_tokens")), _count(told.get("completion_tokens")))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else 0


def _tokens(choice: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    offered = choice.get("logprobs")
    tokens = offered.get("content") if isinstance(offered, dict) else None
    return [token for token in tokens if isinstance(token, dict)] if isinstance(tokens, list) else []
