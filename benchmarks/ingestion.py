"""Cases in over HTTP: in bulk and one by one, into a small and into a large table.

    python -m benchmarks.ingestion [--sizes 10000 200000] [--seconds 6]

Two gunicorn workers on a PostgreSQL of its own (which does not wait for the disk), cases of 1 kB, callers on the same
machine. Prints a table; ends with 1 when a target is missed.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import sys
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import NamedTuple

TARGETS = {"bulk": 8000.0, "single": 400.0}
BULK = 1000
WARM_UP_SECONDS = 3.0  # a worker loads what it needs with its first calls
CALLERS = {"bulk": 3, "single": 8}
LABELS = ["refund", "billing", "other"]
NUMBERS = count()


class Line(NamedTuple):
    size: int
    what: str
    rate: float
    median_ms: float
    p95_ms: float


class Caller(threading.Thread):
    """Calls until the time is up. The bodies are made beforehand: what is measured is the server."""

    def __init__(self, port: int, path: str, token: str, bodies: list[bytes], end: float) -> None:
        super().__init__(daemon=True)
        self.port, self.path, self.bodies, self.end = port, path, bodies, end
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        self.spans: list[float] = []

    def run(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        for body in self.bodies:
            start = time.perf_counter()
            if start > self.end:
                return
            connection.request("POST", self.path, body, self.headers)
            answer = connection.getresponse()
            text = answer.read()
            if answer.status not in (200, 201):
                raise SystemExit(f"{answer.status}: {text[:500]!r}")
            self.spans.append(time.perf_counter() - start)


def main() -> int:
    """Start, fill, measure, print."""
    options = _options()
    from tests import servers

    directory = servers.begin()
    os.environ.update(servers.environment(directory))
    os.environ |= {
        "DATABASE_URL": servers.new_database(directory, "bench_ingestion"),
        "SECRET_KEY": "only for this benchmark, " * 3,
        "DJANGO_SETTINGS_MODULE": "hitl_project.settings",
        "API_RATE_PER_MINUTE": "100000000",
        "WEB_WORKERS": "2",
    }
    token = _prepared()
    with_server = _served(lambda port: list(_measured(port, token, options.sizes, options.seconds)))
    return _printed(with_server)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Cases in over HTTP.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 200_000])
    parser.add_argument("--seconds", type=float, default=6)
    return parser.parse_args()


def _prepared() -> str:
    """Tables, a case type and a token."""
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    from django.contrib.auth.models import Group, User

    from cases.models import CaseType
    from cases.tokens import issue_token

    user = User.objects.create_user("sender")
    user.groups.add(Group.objects.get(name="integration"))
    schema = {"type": "object", "required": ["label"], "properties": {"label": {"enum": LABELS}}}
    CaseType.objects.create(key="mail", name="Mail", output_schema=schema)
    return issue_token(user, expires_days=None, actor="benchmark", origin="benchmark")


def _served(measure: Callable[[int], list[Line]]) -> list[Line]:
    from hitl_project.stack import processes, web
    from tests.servers import wait_until
    from tests.stacks import free_port

    port = free_port()
    server = processes.spawn(
        [sys.executable, "-m", "gunicorn", "--config", str(web.__file__), "--bind", f"127.0.0.1:{port}"]
    )
    try:
        wait_until(lambda: _answers(port), seconds=30, what="gunicorn")
        return measure(port)
    finally:
        server.terminate()
        server.wait()


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _measured(port: int, token: str, sizes: list[int], seconds: float) -> Iterator[Line]:
    from django.db import connection

    for size in sizes:
        _grow(size)
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        for what in ("bulk", "single"):
            _timed(port, token, size, what, WARM_UP_SECONDS)
            yield _timed(port, token, size, what, seconds)


def _grow(size: int) -> None:
    from django.contrib.auth.models import User

    from cases.envelope import case_of
    from cases.ingest import ingest
    from cases.models import Case

    sender = User.objects.get(username="sender")
    missing = size - Case.objects.count()
    for start in range(0, missing, 5 * BULK):
        items = [case_of(_case()) for _number in range(min(5 * BULK, missing - start))]
        ingest(items, sender=sender, origin="benchmark")


def _timed(port: int, token: str, size: int, what: str, seconds: float) -> Line:
    path, per_call = ("/api/v1/cases/bulk/", BULK) if what == "bulk" else ("/api/v1/cases/", 1)
    most = int(seconds * (60 if what == "bulk" else 3000) / CALLERS[what])
    bodies = [[_body(what) for _call in range(most)] for _caller in range(CALLERS[what])]
    start = time.perf_counter()
    callers = [Caller(port, path, token, own, start + seconds) for own in bodies]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    spent = time.perf_counter() - start
    spans = sorted(span for caller in callers for span in caller.spans)
    milliseconds = [1000 * span for span in spans]
    p95 = milliseconds[int(0.95 * len(milliseconds))]
    return Line(size, what, per_call * len(spans) / spent, statistics.median(milliseconds), p95)


def _body(what: str) -> bytes:
    return json.dumps({"cases": [_case() for _number in range(BULK)]} if what == "bulk" else _case()).encode()


def _case() -> dict[str, object]:
    number = next(NUMBERS)
    text = f"Case {number}: I was charged twice for the same order and nobody answers. " * 11
    return {
        "case_type": "mail",
        "external_id": f"m-{number}",
        "requester": f"customer-{number % 5000}",
        "payload": {"text": text[:800], "subject": "Charged twice", "order": {"id": number, "amount": 12.5}},
        "context": [{"title": "Order", "text": "Two parcels", "url": "https://shop.example/orders/1"}],
    }


def _printed(lines: list[Line]) -> int:
    print(f"{'cases':>9}  {'call':<8} {'cases/s':>9} {'median ms':>10} {'p95 ms':>9}")
    missed = False
    for line in lines:
        met = line.rate >= TARGETS[line.what]
        missed |= not met
        figures = f"{line.rate:>9,.0f} {line.median_ms:>10,.1f} {line.p95_ms:>9,.1f}"
        print(f"{line.size:>9,}  {line.what:<8} {figures}  {'met' if met else 'MISSED'}")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
