"""One machine, one command: prepare, start, watch, stop."""

from __future__ import annotations

import http.client
import signal
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

import structlog
from django.conf import settings

from hitl_project.health import check_database
from hitl_project.stack import lock, plan, processes, redis_server, static_files
from hitl_project.stack.supervisor import StopRequested, Supervisor

logger = structlog.get_logger("stack")

REDIS_SECONDS = 10.0
GRACE_SECONDS = 6.5  # of the 10 s that a stop may take
REDIS_GRACE_SECONDS = 1.5


class CannotStart(Exception):
    """One line that says what is in the way."""


@dataclass
class Stack:
    """Everything that runs below one supervisor."""

    host: str
    port: int
    demo: bool = False
    supervisor: Supervisor = field(default_factory=Supervisor)

    def run(self, when_ready: Callable[[str], None]) -> None:
        """Start, call ``when_ready`` with the address once /readyz answers 200, and watch until told to stop.

        Raises: CannotStart
        """
        held = self._hold_data_directory()
        listener = self._listen()
        self.supervisor.listen_to_signals()
        try:
            self._prepare()
            self._start(listener)
            self._watch(when_ready)
        except StopRequested:
            logger.info("stopping")
        finally:
            self._stop()
            listener.close()
            held.close()

    @property
    def address(self) -> str:
        host = "127.0.0.1" if self.host in {"0.0.0.0", "::", ""} else self.host  # noqa: S104 - compared, not bound
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/"

    def _hold_data_directory(self) -> IO[str]:
        try:
            return lock.take(settings.DATA_DIR / "stack.lock")
        except lock.AlreadyRunning as error:
            message = f"A stack is running on {settings.DATA_DIR} already (process {error.pid or 'unknown'})."
            raise CannotStart(f"{message} Stop it, or set DATA_DIR to another directory.") from None

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((self.host, self.port))
            listener.listen(2048)
        except OSError as error:
            listener.close()
            raise CannotStart(f"PORT {self.port} on {self.host} cannot be used: {error.strerror}.") from None
        self.port = listener.getsockname()[1]
        return listener

    def _prepare(self) -> None:
        if settings.EMBEDDED_REDIS:
            self._start_redis()
        if "migrations" in self._wait_for_database():
            self._run_to_end(["migrate", "--no-input", "--verbosity", "0"])
        collect = [["collectstatic", "--no-input", "--verbosity", "0"]] if static_files.are_stale() else []
        self._run_to_end(*collect, *([["load_demo"]] if self.demo else []))

    def _start_redis(self) -> None:
        try:
            self.supervisor.add(plan.redis())
        except FileNotFoundError as error:
            raise CannotStart(f"REDIS_URL is not set and {error}.") from None
        deadline = time.monotonic() + REDIS_SECONDS
        while not redis_server.answers(settings.REDIS_URL):
            if time.monotonic() > deadline:
                raise CannotStart(f"The embedded Redis does not answer on {settings.REDIS_SOCKET}.")
            self.supervisor.tick()

    def _wait_for_database(self) -> dict[str, str]:
        """What is missing in a database that answers; a server that starts beside us may need a moment."""
        deadline = time.monotonic() + settings.DATABASE_WAIT_SECONDS
        while "database" in (missing := check_database()):
            if time.monotonic() > deadline:
                raise CannotStart(f"DATABASE_URL: the database {missing['database']}.")
            logger.warning("waiting_for_the_database")
            for _ in range(10):
                self.supervisor.tick()
        return missing

    def _run_to_end(self, *commands: list[str]) -> None:
        """Run management commands beside each other, in processes of their own, so that a stop need not wait for them."""
        running = {command[0]: processes.spawn(plan.manage(*command)) for command in commands}
        if running:
            logger.info("running", commands=", ".join(running))
        try:
            while any(process.poll() is None for process in running.values()):
                self.supervisor.tick()
        finally:
            for process in running.values():
                processes.signal_group(process.pid, signal.SIGKILL)
                process.wait()
        for name, process in running.items():
            if process.returncode:
                raise CannotStart(f"`manage.py {name}` failed with code {process.returncode}.")

    def _start(self, listener: socket.socket) -> None:
        self.supervisor.add(plan.website(listener.fileno()), *plan.workers(), plan.scheduler())

    def _watch(self, when_ready: Callable[[str], None]) -> None:
        while not _ready(self.address):
            for _ in range(3):
                self.supervisor.tick()
        if self.demo:
            self.supervisor.add(plan.live_cases())
        when_ready(self.address)
        while True:
            self.supervisor.tick()

    def _stop(self) -> None:
        began = time.monotonic()
        self.supervisor.stop(grace=GRACE_SECONDS, last_grace=REDIS_GRACE_SECONDS)
        if settings.EMBEDDED_REDIS:
            settings.REDIS_SOCKET.unlink(missing_ok=True)
        logger.info("all_stopped", seconds=round(time.monotonic() - began, 1))


def _ready(address: str) -> bool:
    host = address.removeprefix("http://").rstrip("/")
    connection = http.client.HTTPConnection(host, timeout=3)
    try:
        connection.request("GET", "/readyz", headers={"Host": "localhost"})
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
