"""Claim and decide over HTTP, as the scripts of one reviewer and of eight do it."""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator, Mapping

from django.contrib.auth.models import User

from benchmarks.figures import Figure, p95, spread, timed
from benchmarks.web import Caller, with_token
from cases.models import CaseType
from review.models import Skill

ALONE, TOGETHER, SECONDS = 150, 8, 12.0
P95_MS, REVIEWS_PER_SECOND = 50.0, 60.0


def figures(size: int, port: int, tokens: Mapping[str, str]) -> Iterator[Figure]:
    one = with_token(port, tokens["reader-1"])
    for _ in range(20):
        review(one)
    pairs = [review(one) for _ in range(ALONE)]
    yield from spread("claim, one reviewer", size, [claim for claim, _ in pairs])
    yield from spread("claim + decide, one reviewer", size, [sum(pair) for pair in pairs], aim=P95_MS)
    yield from crowd(size, port, tokens)
    yield from rare(size, port, tokens)


def rare(size: int, port: int, tokens: Mapping[str, str]) -> Iterator[Figure]:
    """Somebody who can read nothing of all that waits: the whole of every queue is behind the answer."""
    reader, api = User.objects.get(username="reader-8"), with_token(port, tokens["reader-8"])
    unknown, _new = CaseType.objects.get_or_create(key="rare", defaults={"name": "Rare", "output_schema": {}})
    skill = Skill.objects.create(user=reader, case_type=unknown)
    found = [api.post("/api/v1/tasks/claim/", {}) for _ in range(3)]
    times = [timed(lambda: api.post("/api/v1/tasks/claim/", {})) for _ in range(ALONE)]
    skill.delete()
    assert not any(found)
    yield from spread("claim, a skill that nothing waiting needs", size, times, aim=P95_MS)


def review(api: Caller) -> tuple[float, float]:
    """One task taken and approved, every seventh amended; milliseconds of the claim and of the decision."""
    found: dict[str, object] = {}
    claiming = timed(lambda: found.update(api.post("/api/v1/tasks/claim/", {}) or {}))
    if not found:
        raise SystemExit("The world ran out of tasks.")
    body = {"lease_token": found["lease_token"], "digest": found["digest"], "outcome": "approve", "active_seconds": 6}
    if int(str(found["id"])) % 7 == 0:
        body |= {"outcome": "amend", "output": {"label": "other"}}
    return claiming, timed(lambda: api.post(f"/api/v1/tasks/{found['id']}/decide/", body))


def crowd(size: int, port: int, tokens: Mapping[str, str]) -> Iterator[Figure]:
    """Eight at once, without a pause between their tasks."""
    times: list[float] = []
    end = time.monotonic() + SECONDS

    def work(name: str) -> None:
        api = with_token(port, tokens[name])
        while time.monotonic() < end:
            times.append(sum(review(api)))

    threads = [threading.Thread(target=work, args=(f"reader-{number + 1}",)) for number in range(TOGETHER)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    yield Figure("claim + decide, eight reviewers, p50", size, statistics.median(times), "ms")
    yield Figure("claim + decide, eight reviewers, p95", size, p95(times), "ms")
    yield Figure("reviews, eight reviewers", size, len(times) / SECONDS, "/s", REVIEWS_PER_SECOND)
