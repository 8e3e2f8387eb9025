"""Starts children, brings back those that die, and stops them all."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import FrameType

import structlog

from hitl_project.stack import processes

logger = structlog.get_logger("stack")

FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 15.0
STEADY_SECONDS = 30.0  # who ran this long starts again without a pause
TICK_SECONDS = 0.1


@dataclass
class Child:
    """A process that should be running. ``last`` children stop after all the others."""

    name: str
    command: list[str]
    pass_fds: tuple[int, ...] = ()
    last: bool = False
    before: Callable[[], None] | None = None
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    started_at: float = 0.0
    pause: float = FIRST_PAUSE_SECONDS
    due_at: float = 0.0

    def start(self) -> None:
        if self.before:
            self.before()
        self.process = processes.spawn(self.command, pass_fds=self.pass_fds)
        self.started_at = time.monotonic()
        logger.info("started", child=self.name, pid=self.process.pid)

    def tend(self) -> None:
        """Notice a death, and start again when the pause is over."""
        if self.process is not None and self.process.poll() is not None:
            self._mourn(self.process)
        if self.process is None and time.monotonic() >= self.due_at:
            self.start()

    def _mourn(self, process: subprocess.Popen[bytes]) -> None:
        lived = time.monotonic() - self.started_at
        self.pause = FIRST_PAUSE_SECONDS if lived > STEADY_SECONDS else min(self.pause * 2, LONGEST_PAUSE_SECONDS)
        self.due_at = time.monotonic() + self.pause
        processes.signal_group(process.pid, signal.SIGKILL)  # what it may have left behind
        self.process = None
        logger.warning("died", child=self.name, pid=process.pid, code=process.returncode, restart_in=self.pause)


class StopRequested(Exception):
    """SIGTERM, SIGHUP or Ctrl-C came."""


@dataclass
class Supervisor:
    children: list[Child] = field(default_factory=list)
    stop_requested: bool = False

    def listen_to_signals(self) -> None:
        """From now on a signal to stop makes the next tick raise StopRequested.

        The handler raises nothing itself: an exception from a handler is lost where it lands in a destructor.
        """
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, self._note)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.stop_requested = True

    def add(self, *children: Child) -> None:
        for child in children:
            self.children.append(child)
            child.start()

    def tick(self) -> None:
        """Look after every child, then rest for a moment.

        Raises: StopRequested
        """
        if self.stop_requested:
            raise StopRequested
        for child in self.children:
            child.tend()
        time.sleep(TICK_SECONDS)

    def stop(self, *, grace: float, last_grace: float) -> None:
        """Ask, wait ``grace`` seconds, insist; then the same for the ``last`` ones."""
        _stop([child for child in self.children if not child.last], grace)
        _stop([child for child in self.children if child.last], last_grace)


def _stop(children: Iterable[Child], grace: float) -> None:
    running = [(child, child.process) for child in children if child.process is not None]
    for _, process in running:
        if process.poll() is None:
            process.terminate()
    deadline = time.monotonic() + grace
    while any(process.poll() is None for _, process in running) and time.monotonic() < deadline:
        time.sleep(TICK_SECONDS / 2)
    for child, process in running:
        forced = process.poll() is None
        processes.signal_group(process.pid, signal.SIGKILL)
        process.wait()
        child.process = None
        logger.info(
            "stopped", child=child.name, pid=process.pid, code=process.returncode, forced=forced, by=os.getpid()
        )
