"""received → routed with the local model, in one process as one worker does it: with short messages and with whole e-mails."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterator

from django.contrib.auth.models import User
from django.db import connection

from benchmarks import world
from benchmarks.figures import Figure
from cases.classify import classify_batch
from cases.models import CaseType
from hitl_project import garbage
from review.route import route_batch

CASES = 3_000
ROUNDS = 3
AIM = 1_500.0


def figures(size: int) -> Iterator[Figure]:
    """Medians of three rounds. The rate of both steps is what one worker does from received to routed."""
    garbage.calm()  # as every worker does at its start
    for kind, texts in {"short messages": _short(), "e-mails": world.payloads(CASES, seed=100)}.items():
        _round(texts[:500])
        rounds = [_round(texts) for _ in range(ROUNDS)]
        for name, pick in (("classify", 0), ("route", 1)):
            rate = statistics.median(CASES / times[pick] for times in rounds)
            yield Figure(f"pipeline, {kind}: {name}", size, rate, "cases/s")
        both = statistics.median(CASES / (times[0] + times[1]) for times in rounds)
        yield Figure(f"pipeline, {kind}: received → routed", size, both, "cases/s", AIM)
        own = statistics.median(CASES / times[2] for times in rounds)
        yield Figure(f"pipeline, {kind}: by the worker's own CPU", size, own, "cases/s")


def _short() -> list[str]:
    """The first eighty characters or so of each e-mail's text: one question, as people type it into a chat."""
    mails = [json.loads(mail)["text"].split() for mail in world.payloads(CASES, seed=100)]
    return [json.dumps({"text": " ".join(words[:14])}) for words in mails]


def _round(texts: list[str]) -> tuple[float, float, float]:
    """Seconds of classifying and of routing, and the processor time that both took of this process alone: it shows how much
    of a low rate is the machine's other work, and the database's."""
    _receive(texts)
    began = time.process_time()
    classifying, routing = _seconds(classify_batch), _seconds(route_batch)
    own = time.process_time() - began
    world.settle()
    return classifying, routing, own


def _seconds(batch: Callable[[], bool]) -> float:
    started = time.perf_counter()
    while batch():
        pass
    return time.perf_counter() - started


def _receive(texts: list[str]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cases_case (case_type_id, source, external_id, idempotency_key, sender_id, priority, requester, payload, context, "
            "metadata, salt, content_digest, state, version, attempts, lease_token, label, reason, sampled) "
            "SELECT %s, 'bench', 'new-' || nextval('cases_case_id_seq'), '', %s, 2, 'customer-' || n, text::jsonb, '[]', '{}', "
            "md5('s' || n), md5(text) || md5(text), 'received', 1, 0, '', '', '', false "
            "FROM unnest(%s::text[]) WITH ORDINALITY AS t(text, n)",
            [CaseType.objects.get(key=world.TYPES[0]).pk, User.objects.get(username="sender").pk, texts],
        )
