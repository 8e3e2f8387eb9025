"""received → routed with the local model, in one process as one worker does it; e-mails of one kilobyte."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator

from django.contrib.auth.models import User
from django.db import connection

from benchmarks import world
from benchmarks.figures import Figure
from cases.classify import classify_batch
from cases.models import CaseType
from review.route import route_batch

CASES = 3_000
ROUNDS = 3
AIM = 1_500.0


def figures(size: int) -> Iterator[Figure]:
    """Medians of three rounds. The rate of both steps is what one worker does from received to routed."""
    warm = _rounds(1, 500)
    del warm
    rounds = _rounds(ROUNDS, CASES)
    for name, pick in (("classify", 0), ("route", 1)):
        yield Figure(f"pipeline: {name}", size, statistics.median(CASES / times[pick] for times in rounds), "cases/s")
    both = statistics.median(CASES / sum(times) for times in rounds)
    yield Figure("pipeline: received → routed, one worker", size, both, "cases/s", AIM)


def _rounds(count: int, cases: int) -> list[tuple[float, float]]:
    rounds = []
    for number in range(count):
        _receive(cases, seed=100 + number)
        rounds.append((_seconds(classify_batch), _seconds(route_batch)))
        world.settle()
    return rounds


def _seconds(batch: Callable[[], bool]) -> float:
    started = time.perf_counter()
    while batch():
        pass
    return time.perf_counter() - started


def _receive(count: int, *, seed: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO cases_case (case_type_id, source, external_id, idempotency_key, sender_id, priority, requester, payload, context, "
            "metadata, salt, content_digest, state, version, attempts, lease_token, label, reason, sampled) "
            "SELECT %s, 'bench', 'new-' || nextval('cases_case_id_seq'), '', %s, 2, 'customer-' || n, text::jsonb, '[]', '{}', "
            "md5('s' || n), md5(text) || md5(text), 'received', 1, 0, '', '', '', false "
            "FROM unnest(%s::text[]) WITH ORDINALITY AS t(text, n)",
            [
                CaseType.objects.get(key=world.TYPES[0]).pk,
                User.objects.get(username="sender").pk,
                world.payloads(count, seed=seed),
            ],
        )
