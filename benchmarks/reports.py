"""Reports at two sizes: the page, the API, and what keeping the sums costs. The first two must not grow with the cases.

    python -m benchmarks.reports [--sizes 10000 200000] [--repeat 30]

Runs on a PostgreSQL of its own. Prints a table; ends with 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

TARGET_MS = 150
DAYS = 30
BY_PEOPLE = 0.25
SAMPLED = 0.05
BATCH = 5000


class Line(NamedTuple):
    size: int
    what: str
    median: float
    p95: float
    unit: str
    good: bool | None = None


def main() -> int:
    """Fill, measure, print."""
    options = _options()
    from tests import servers

    directory = servers.begin()
    os.environ.update(servers.environment(directory))
    os.environ["DATABASE_URL"] = servers.new_database(directory, "bench_reports")
    os.environ["SECRET_KEY"] = "only for this benchmark, " * 3
    os.environ["DJANGO_SETTINGS_MODULE"] = "hitl_project.settings"
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    lines = [line for size in options.sizes for line in measured(size, options.repeat)]
    for line in lines:
        mark = {None: "", True: "met", False: "MISSED"}[line.good]
        print(f"{line.size:>9,}  {line.what:<44} {line.median:>9,.1f} {line.p95:>9,.1f} {line.unit:<4} {mark}")
    return 1 if any(line.good is False for line in lines) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Reports at two sizes.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 200_000])
    parser.add_argument("--repeat", type=int, default=30)
    return parser.parse_args()


def measured(size: int, repeat: int) -> Iterator[Line]:
    """Grow to the size, sum everything, then ask for the pages."""
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    from cases.models import Case
    from metrics import rollup

    grow(size - Case.objects.count())
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    yield _timed(size, "rebuild every hour of 30 days", rollup.rebuild, 1, unit="s")
    grow(100)
    rollup.rebuild()
    _touch()
    yield _timed(size, "one case more: roll up", rollup.roll_up, 1)
    user, _made = User.objects.get_or_create(username="bench", is_staff=True, is_superuser=True)
    client = Client(headers={"host": "localhost"})
    client.force_login(user)
    for what, address in (
        ("reports page, 30 days", "/reports/"),
        ("reports page, 24 hours", "/reports/?period=24h"),
        ("reports page, 90 days, one case type", "/reports/?period=90d&case_type=bench-1"),
        ("GET /metrics/, 30 days", "/api/v1/metrics/"),
    ):
        yield _timed(size, what, partial(client.get, address), repeat, target=TARGET_MS)


def _timed(
    size: int, what: str, act: Callable[[], Any], repeat: int, *, unit: str = "ms", target: float | None = None
) -> Line:
    if repeat > 1:
        act()
    taken = []
    for _ in range(repeat):
        begun = time.perf_counter()
        act()
        taken.append((time.perf_counter() - begun) * (1000 if unit == "ms" else 1))
    p95 = sorted(taken)[max(0, round(0.95 * len(taken)) - 1)]
    return Line(size, what, statistics.median(taken), p95, unit, p95 <= target if target else None)


def grow(count: int) -> None:
    """Decided cases of three types spread over the days; a quarter of them by people."""
    types = _types()
    now = datetime.now(UTC)
    draw = random.Random(count)
    for begun in range(0, count, BATCH):
        moments = [
            now - timedelta(days=DAYS * draw.random(), hours=1) for _number in range(begun, min(begun + BATCH, count))
        ]
        _write([(draw.choice(types), moment, draw.random()) for moment in moments], draw)


def _types() -> list[Any]:
    from cases.models import CaseType
    from review.models import Policy, Queue

    Queue.objects.get_or_create(key="bench", defaults={"name": "Bench"})
    found = []
    for number, mode in enumerate(("exception_handler", "validator", "teacher")):
        kind, made = CaseType.objects.get_or_create(
            key=f"bench-{number}", defaults={"name": f"Bench {number}", "output_schema": {}, "impact": ["internal"]}
        )
        if made:
            Policy.objects.create(case_type=kind, number=1, status="active", mode=mode, sample_rate=SAMPLED)
        found.append(kind)
    return found


def _write(drawn: list[tuple[Any, datetime, float]], draw: random.Random) -> None:
    from cases.models import Case, Prediction

    cases = Case.objects.bulk_create(
        Case(
            case_type=kind,
            source="bench",
            payload={"text": "hello"},
            content_digest="0",
            state="closed",
            sample_probability=SAMPLED,
            created_at=at,
            routed_at=at,
            decided_at=at,
            closed_at=at + timedelta(minutes=30),
        )
        for kind, at, _chance in drawn
    )
    said = Prediction.objects.bulk_create(Prediction(case=case, output={"label": "a"}, label="a") for case in cases)
    _decide(
        [(*row, chance) for row, (_kind, _at, chance) in zip(zip(cases, said, strict=True), drawn, strict=True)], draw
    )


def _decide(rows: list[tuple[Any, Any, float]], draw: random.Random) -> None:
    from review.models import Decision, Policy, Queue, ReviewTask

    policies = {policy.case_type_id: policy for policy in Policy.objects.all()}
    queue = Queue.objects.get(key="bench")
    people = [row for row in rows if row[2] < BY_PEOPLE]
    tasks = ReviewTask.objects.bulk_create(
        ReviewTask(
            case=case,
            case_type_id=case.case_type_id,
            queue=queue,
            policy=policies[case.case_type_id],
            reason="low_confidence",
            priority=draw.randrange(4),
            opened_at=case.created_at,
            due_at=case.created_at + timedelta(hours=2),
            claimed_at=case.created_at + timedelta(minutes=draw.uniform(1, 20)),
            closed_at=case.closed_at,
            ending="decided",
        )
        for case, _said, _chance in people
    )
    by_case = {task.case_id: task for task in tasks}
    Decision.objects.bulk_create(
        Decision(
            case=case,
            case_version=1,
            policy=policies[case.case_type_id],
            prediction=said,
            task=by_case.get(case.pk),
            outcome="approve",
            active_seconds=draw.lognormvariate(3.5, 0.6) if case.pk in by_case else None,
            decided_at=case.closed_at if case.pk in by_case else case.created_at,
        )
        for case, said, _chance in rows
    )


def _touch() -> None:
    from cases.audit import journal
    from cases.models import Case

    with journal(actor="bench", origin="bench") as log:
        log("case.touched", case_id=Case.objects.latest("pk").pk)


if __name__ == "__main__":
    sys.exit(main())
