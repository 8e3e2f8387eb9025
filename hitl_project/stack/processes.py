"""Child processes that never outlive their parent."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import IO, Any

PR_SET_PDEATHSIG = 1


def spawn(
    command: list[str], *, output: int | IO[Any] | None = None, pass_fds: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    """Start a child in a session of its own, so that Ctrl-C reaches only the supervisor, who stops the rest in order."""
    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        start_new_session=True,
        pass_fds=pass_fds,
        preexec_fn=dying_with(os.getpid()),  # noqa: PLW1509 - two system calls, in a process without threads
    )


def dying_with(parent: int) -> Callable[[], None]:
    """What a new child runs first. On Linux the kernel then kills it with ``parent``, however that one dies."""
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def ask_the_kernel() -> None:
        if prctl is not None:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return ask_the_kernel


def signal_group(pid: int, number: signal.Signals) -> None:
    """Signal a child and everything it started; nobody left is fine."""
    try:
        os.killpg(pid, number)
    except (ProcessLookupError, PermissionError):
        pass
