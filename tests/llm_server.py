"""A local OpenAI-compatible endpoint on real sockets that answers as a test tells it, faults included."""

from __future__ import annotations

import json
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.http_server import Behaviour, Received, Receiver, answering

Think = Callable[[str], Mapping[str, Any]]


class LlmServer:
    """``think`` maps the text of the last message to an answer's content (rationale, quotes, output).

    ``faults`` are used up one by one, each instead of an answer. ``requests`` are the bodies that came in.
    ``offers_logprobs`` tells whether tokens come with probabilities, ``knows_logprobs`` whether asking for them is no error; ``sureness`` is that of the label's tokens.
    """

    def __init__(self, think: Think) -> None:
        self.think = think
        self.faults: deque[Behaviour] = deque()
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.offers_logprobs = True
        self.knows_logprobs = True
        self.sureness = 0.9
        self.delay = 0.0
        self.busiest = 0
        self._busy = 0
        self._lock = threading.Lock()
        self.receiver = Receiver(self._behave)
        self.url = f"{self.receiver.url}/v1"

    def _behave(self, handler: BaseHTTPRequestHandler, request: Received) -> None:
        with self._lock:
            body = json.loads(request.body)
            self.requests.append(body)
            self.headers.append(request.headers)
            self._busy += 1
            self.busiest = max(self.busiest, self._busy)
            fault = self.faults.popleft() if self.faults else None
        try:
            time.sleep(self.delay)
            (fault or self._answer(body))(handler, request)
        finally:
            with self._lock:
                self._busy -= 1

    def _answer(self, body: dict[str, Any]) -> Behaviour:
        if body.get("logprobs") and not self.knows_logprobs:
            return complaining("Unsupported parameter: 'logprobs' is not supported with this model.")
        text = json.dumps(self.think(body["messages"][-1]["content"]), ensure_ascii=False)
        logprobs = tokens_of(text, self.sureness) if body.get("logprobs") and self.offers_logprobs else None
        return completing(text, logprobs=logprobs)


def tokens_of(text: str, sureness: float) -> dict[str, Any]:
    """Tokens of three bytes each, the label's first one being the unsure one."""
    raw = text.encode()
    at = text.rfind('"label": "')
    label = len(text[:at].encode()) + len('"label": "') if at >= 0 else -1
    tokens = []
    for start in range(0, len(raw), 3):
        piece = raw[start : start + 3]
        sure = sureness if start <= label < start + 3 else 1.0
        tokens.append({"token": piece.decode("utf-8", "replace"), "bytes": list(piece), "logprob": math.log(sure)})
    return {"content": tokens}


def completing(text: str | None, *, logprobs: Any = None, finish: str = "stop", **message: Any) -> Behaviour:
    """A chat completion with this text."""
    choice = {"index": 0, "finish_reason": finish, "logprobs": logprobs, "message": {"content": text, **message}}
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    return answering(200, json.dumps({"model": "test-1", "choices": [choice], "usage": usage}).encode())


def complaining(message: str, status: int = 400) -> Behaviour:
    """An error in the way such endpoints tell it."""
    return answering(status, json.dumps({"error": {"message": message}}).encode())


@contextmanager
def llm_server(think: Think) -> Iterator[LlmServer]:
    """The endpoint for the length of a with block."""
    server = LlmServer(think)
    try:
        yield server
    finally:
        server.receiver.close()
