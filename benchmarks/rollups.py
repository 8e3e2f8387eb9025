"""Rollups: the reports at 10 thousand, a million and ten million decisions, how far the sums lag behind 500 cases a second,
what rebuilding a million cases takes, and whether every query of the sums finds its index.

    python -m benchmarks.rollups [--sizes 10000 1000000 10000000] [--only pages lag rebuild indexes]

Runs on a PostgreSQL of its own. Prints a table; ends with 1 when an aim is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from benchmarks.figures import Figure, p95, table, timed

PARTS = ("pages", "lag", "rebuild", "indexes")
TARGET_MS, GROWTH, LAG, REBUILD = 150, 1.3, 10, 300
EVERY = 4  # seconds between two runs, as in hitl_project.periodic
NO_PAGES = ("export", "csv", "xlsx", "pdf", "png", "html", "pulse", "notice")
LARGE = 100_000  # rows; a smaller table is rightly read from end to end
BASE_TABLES = (
    "cases_case",
    "cases_prediction",
    "review_reviewtask",
    "review_decision",
    "feedback_sample",
    "cases_auditevent",
)


def main() -> int:
    """Fill, measure, print."""
    options = _options()
    _prepare()
    from benchmarks import poured

    poured.organisation()
    figures: list[Figure] = []
    for part, measured in (("lag", lag), ("rebuild", rebuild), ("indexes", indexes), ("pages", pages)):
        if part in options.only:
            for figure in measured(options):
                figures.append(figure)
                print(f"{figure.size:>11,} {figure.what:<48} {figure.value:>10,.1f} {figure.unit}", file=sys.stderr)
    missed = list(_missed(figures))
    print(table(figures))
    print("\n".join(missed) or "every aim is met")
    return 1 if missed else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 1_000_000, 10_000_000])
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--rate", type=int, default=500, help="cases per second")
    parser.add_argument(
        "--full", type=int, default=900_000, help="cases of the present hour before the lag is measured"
    )
    parser.add_argument("--seconds", type=int, default=60, help="how long the lag is measured")
    parser.add_argument("--rebuilt", type=int, default=1_000_000, help="cases to rebuild")
    return parser.parse_args()


def _prepare() -> None:
    from tests import servers

    directory = servers.begin()
    os.environ.update(servers.environment(directory))
    os.environ["DATABASE_URL"] = servers.new_database(directory, "bench_rollups")
    os.environ |= {"SECRET_KEY": "only for this benchmark, " * 3, "DJANGO_SETTINGS_MODULE": "hitl_project.settings"}
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


def pages(options: argparse.Namespace) -> Iterator[Figure]:
    """Every page of the reports that needs no more than a period, over 90 days and over a day."""
    from django.contrib.auth.models import User
    from django.db import connection
    from django.test import Client

    from benchmarks import summed
    from cases.models import CaseType
    from hitl_project import garbage

    garbage.calm()  # as the web processes are
    kinds = list(CaseType.objects.values_list("pk", flat=True))
    client = Client(headers={"host": "localhost"})
    client.force_login(User.objects.get_or_create(username="bench", is_staff=True, is_superuser=True)[0])
    for size in sorted(options.sizes):
        summed.fill(size, case_types=kinds, now=datetime.now(UTC))
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        for address in addresses(client):
            ask = partial(client.get, address)
            times = sorted(timed(ask) for _ in range(options.repeat))
            yield Figure(f"{address}, p95", size, p95(times), "ms", TARGET_MS)


def addresses(client: Any) -> list[str]:
    """What the URLconf of the reports names and answers with a page, and the API."""
    from django.urls import NoReverseMatch, reverse

    from metrics import urls

    found = {"/reports/": None, "/api/v1/metrics/": None}
    for pattern in urls.urlpatterns:
        name = getattr(pattern, "name", None)
        if not name or any(word in name for word in NO_PAGES):
            continue
        try:
            found[reverse(f"{urls.app_name}:{name}")] = None
        except NoReverseMatch:
            continue
    both = [f"{path}?{query}" for path in found for query in ("period=90d", "period=24h")]
    return [address for address in both if client.get(address).status_code == 200]


def lag(options: argparse.Namespace) -> Iterator[Figure]:
    """Cases come, are decided and closed, second by second, while the job runs as it does in production."""
    from benchmarks.poured import pour, settle
    from metrics import rollup
    from metrics.models import Span
    from metrics.periods import floor

    now = datetime.now(UTC)
    since = floor(now, Span.HOUR) - timedelta(hours=1)
    rollup.roll_up()
    _keep_minutes_since(since)
    pour(options.full, since=now - timedelta(hours=1), until=now)
    settle()
    rollup.rebuild()
    stop = threading.Event()
    coming = threading.Thread(target=_come, args=(options.rate, stop), daemon=True)
    coming.start()
    lags, runs = _run_for(options.seconds)
    stop.set()
    coming.join()
    what = f"lag at {options.rate} cases/s, {options.full:,} in the hour"
    yield Figure(f"{what}, worst", options.full, max(lags), "s")
    yield Figure(f"{what}, one run, worst", options.full, max(runs), "s")


def _keep_minutes_since(since: datetime) -> None:
    from metrics.models import RollupCursor

    RollupCursor.objects.update(minutes_since=since)


def _come(rate: int, stop: threading.Event) -> None:
    from benchmarks.poured import pour

    while not stop.is_set():
        begun = time.monotonic()
        now = datetime.now(UTC)
        pour(rate, since=now - timedelta(seconds=1), until=now, events=True)
        stop.wait(max(0.0, 1 - (time.monotonic() - begun)))


def _run_for(seconds: float) -> tuple[list[float], list[float]]:
    """Age of the oldest event that a run brings into the sums, by the time it has; and how long each run took."""
    from django.utils import timezone

    from metrics import jobs, rollup

    lags, runs, end = [], [], time.monotonic() + seconds
    while time.monotonic() < end:
        begun, oldest = time.monotonic(), timezone.now() - rollup.lag()
        jobs.roll_up()
        lags.append((timezone.now() - oldest).total_seconds())
        runs.append(time.monotonic() - begun)
        time.sleep(max(0.0, EVERY - runs[-1]))
    return lags, runs


def rebuild(options: argparse.Namespace) -> Iterator[Figure]:
    """Everything again from the base tables."""
    from benchmarks.poured import pour, settle
    from cases.models import Case
    from metrics import rollup

    now = datetime.now(UTC)
    missing = options.rebuilt - Case.objects.count()
    if missing > 0:
        pour(missing, since=now - timedelta(days=30), until=now - timedelta(hours=1))
        settle()
    taken = timed(rollup.rebuild) / 1000
    yield Figure("rebuild everything", Case.objects.count(), taken, "s")


def indexes(_options: argparse.Namespace) -> Iterator[Figure]:
    """The queries that sum one hour, and how many of them read a large table from end to end."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from cases.models import Case
    from metrics.sums import TABLES, Slice

    case = Case.objects.order_by("pk")[Case.objects.count() // 2]
    start = case.created_at.replace(minute=0, second=0, microsecond=0)
    part = Slice(case.case_type_id, start, start + timedelta(hours=1))
    whole = 0
    for name, (_model, summing) in TABLES.items():
        with CaptureQueriesContext(connection) as queries:
            list(summing(part))
        for query in queries.captured_queries:
            whole += _reads_everything(name, query["sql"])
    yield Figure("queries of the sums without an index", Case.objects.count(), whole, "")


def _reads_everything(name: str, sql: str) -> bool:
    from django.db import connection

    if not sql.startswith("SELECT"):
        return False
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN " + sql)
        plan = "\n".join(row[0] for row in cursor.fetchall())
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relname = ANY(%s) AND reltuples > %s", [[*BASE_TABLES], LARGE]
        )
        large = [row[0] for row in cursor.fetchall()]
    found = [each for each in large if f"Seq Scan on {each}" in plan]
    if found:
        print(f"{name}: reads all of {', '.join(found)}\n{plan}\n", file=sys.stderr)
    return bool(found)


def _missed(figures: list[Figure]) -> Iterator[str]:
    limits: list[tuple[str, Callable[[Figure], bool]]] = [
        ("lag at", lambda figure: figure.value > LAG),
        ("rebuild", lambda figure: figure.value > REBUILD),
        ("queries", lambda figure: figure.value > 0),
        ("/", lambda figure: figure.value > TARGET_MS),
    ]
    for begin, bad in limits:
        yield from (
            f"MISSED: {f.what} at {f.size:,}: {f.value:,.1f} {f.unit}"
            for f in figures
            if f.what.startswith(begin) and bad(f)
        )
    for what in {figure.what for figure in figures if figure.unit == "ms"}:
        row = sorted((figure.size, figure.value) for figure in figures if figure.what == what)
        if len(row) > 1 and row[-1][1] > GROWTH * row[0][1]:
            yield f"MISSED: {what} grows {row[-1][1] / row[0][1]:.2f}-fold"


if __name__ == "__main__":
    sys.exit(main())
