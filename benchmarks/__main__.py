"""Everything that is measured, in one go, on a PostgreSQL and a Redis started for it: a table out.

    python -m benchmarks [--sizes 10000 200000] [--only pipeline review pages ingestion rollups]

Ends with 1 when an aim is missed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import subprocess
import sys
from collections.abc import Iterator, Sequence

from benchmarks.figures import Figure, table

HERE = ("pipeline", "review", "pages")
ELSEWHERE = ("ingestion", "rollups")  # each with servers and a table of its own


def main() -> int:
    options = _options()
    here = [part for part in HERE if part in options.only]
    figures = [told(figure) for figure in measured(options.sizes, here)] if here else []
    codes = [_run(part, options.sizes) for part in ELSEWHERE if part in options.only]
    if figures:
        print(f"\n{os.cpu_count()} cores, Python {platform.python_version()}, {_postgres_version()}\n")
        print(table(figures))
    return 1 if any(codes) or any(figure.verdict == "MISSED" for figure in figures) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 200_000])
    parser.add_argument("--only", nargs="+", choices=[*HERE, *ELSEWHERE], default=[*HERE, *ELSEWHERE])
    return parser.parse_args()


def measured(sizes: Sequence[int], parts: Sequence[str]) -> Iterator[Figure]:
    """Grow the world to each size in turn and measure it there."""
    _prepare()
    from benchmarks import pages, pipeline, review, web, world

    tokens = world.people()
    world.organisation()
    world.teach()
    for size in sorted(sizes):
        world.grow(size)
        print(f"{size:,} cases", file=sys.stderr)
        if "pipeline" in parts:
            yield from pipeline.figures(size)
        with web.website() as port:
            if "review" in parts:
                yield from review.figures(size, port, tokens)
            if "pages" in parts:
                yield from pages.figures(size, port, tokens)


def told(figure: Figure) -> Figure:
    """Each figure as it comes, for whoever waits."""
    print(
        f"{figure.size:>9,}  {figure.what:<44} {figure.value:>10,.1f} {figure.unit} {figure.verdict}", file=sys.stderr
    )
    return figure


def _prepare() -> None:
    """Servers of our own, an empty database, and Django on top of both."""
    from tests import servers

    directory = servers.begin()
    os.environ |= servers.environment(directory)
    os.environ["DATABASE_URL"] = servers.new_database(directory, "benchmarks")
    os.environ |= {"SECRET_KEY": "only for the benchmarks, " * 3, "DJANGO_SETTINGS_MODULE": "hitl_project.settings"}
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)


def _postgres_version() -> str:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        return f"PostgreSQL {cursor.fetchone()[0]}"


def _run(part: str, sizes: Sequence[int]) -> int:
    if importlib.util.find_spec(f"benchmarks.{part}") is None:
        return 0
    print(f"\n{part}", flush=True)
    return subprocess.run(
        [sys.executable, "-m", f"benchmarks.{part}", "--sizes", *map(str, sizes)], check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
