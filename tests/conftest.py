"""Fixtures for everybody: servers, whole stacks, and the engine of the run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import django_rq
import pytest
from django.db.backends.base.introspection import BaseDatabaseIntrospection
from django.db.backends.postgresql import introspection as postgresql
from django.db.backends.sqlite3 import introspection as sqlite3
from pytest_django import DjangoDbBlocker

from feedback.fingerprints import forget_index
from tests import servers
from tests.stacks import RunningStack

APPEND_ONLY = {"cases_auditevent", "cases_auditseal"}
Launch = Callable[..., RunningStack]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--database",
        choices=["sqlite", "postgresql"],
        default="sqlite",
        help="the engine of this run (default: sqlite)",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole stacks are expensive: their tests share one worker process, and with it the stack."""
    for item in items:
        if {"stack", "launch_stack"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.xdist_group("stack"))


@pytest.fixture(autouse=True, scope="session")
def _audit_survives_the_flush() -> Iterator[None]:
    """The database refuses to empty the audit log, as it should; so the flush between tests leaves it out."""
    with pytest.MonkeyPatch.context() as patch:
        for introspection in (postgresql.DatabaseIntrospection, sqlite3.DatabaseIntrospection):
            patch.setattr(introspection, "django_table_names", _without_the_audit_log(introspection))
        yield


def _without_the_audit_log(introspection: type[BaseDatabaseIntrospection]) -> Callable[..., list[str]]:
    names = introspection.django_table_names

    def kept(self: BaseDatabaseIntrospection, **options: bool) -> list[str]:
        return [name for name in names(self, **options) if name not in APPEND_ONLY]

    return kept


@pytest.fixture(autouse=True)
def _forgets_similar_cases() -> None:
    """What a process keeps of similar cases goes by their ids, and a test that is rolled back gives its ids to the next."""
    forget_index()


@pytest.fixture(scope="session")
def run_directory() -> Path:
    """The directory of this test run, shared by all its worker processes."""
    return Path(os.environ[servers.RUN_VARIABLE])


@pytest.fixture(scope="session")
def postgres_url(run_directory: Path) -> Callable[[str], str]:
    """Makes an empty PostgreSQL database of a name and gives its URL, whatever the engine of this run."""
    return lambda name: servers.new_database(run_directory, name)


@pytest.fixture
def redis() -> Iterator[None]:
    """The worker's own Redis database, empty before and after."""
    django_rq.get_connection("pipeline").flushdb()
    yield
    django_rq.get_connection("pipeline").flushdb()


@pytest.fixture(scope="module")
def office(
    request: pytest.FixtureRequest,
    django_db_setup: None,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[int]:
    """The demonstration organisation with the module's ``DAYS`` of history, for its tests; the number of its cases."""
    from tests.demo_office import loaded_office  # models are ready only now

    days = request.module.DAYS
    with django_db_blocker.unblock(), loaded_office(tmp_path_factory.mktemp("office"), days=days) as count:
        yield count


@pytest.fixture(scope="session")
def migrated(run_directory: Path) -> Path:
    """A migrated SQLite database, made by whoever asks first, who also collects the static files for all stacks."""
    made = RunningStack(run_directory / "migrated")  # its static files lie beside it, in the directory of all
    with servers.locked(run_directory / "migrated.lock"):
        if not made.data_dir.exists():
            made.manage("migrate", "--verbosity", "0")
            made.manage("collectstatic", "--no-input", "--verbosity", "0")
    return made.data_dir / "countersign.sqlite3"


@pytest.fixture
def launch_stack(tmp_path: Path, run_directory: Path, migrated: Path) -> Iterator[Launch]:
    """``launch_stack(SWEEP_SECONDS="1", arguments=("--demo",))`` starts a stack of one's own; all are stopped at the end.

    It begins with tables, unless it is ``fresh``.
    """
    stacks: list[RunningStack] = []

    def launch(
        *, arguments: tuple[str, ...] = (), wait: bool = True, fresh: bool = False, **environ: str
    ) -> RunningStack:
        environ = {"STATIC_ROOT": str(run_directory / "static"), **environ}
        stack = RunningStack(tmp_path / f"stack-{len(stacks)}", environ, arguments, None if fresh else migrated)
        stacks.append(stack)
        if wait:
            stack.start()
        else:
            stack.launch()
        return stack

    yield launch
    for stack in stacks:
        stack.stop()


@pytest.fixture(scope="session")
def stack(
    run_directory: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, migrated: Path
) -> Iterator[RunningStack]:
    """One running stack for all who only use it: on the engine of this run, with its own embedded Redis."""
    environ = {"STATIC_ROOT": str(run_directory / "static"), "WEBHOOK_ALLOW_PRIVATE": "on"}
    if request.config.getoption("--database") == "postgresql":
        environ |= {"DATABASE_URL": servers.new_database(run_directory, "stack"), "SECRET_KEY": "only for tests, " * 4}
    running = RunningStack(tmp_path_factory.mktemp("stack") / "data", environ)
    try:
        yield running.start()
    finally:
        running.stop()
