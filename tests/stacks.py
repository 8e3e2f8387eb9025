"""A whole running stack for end-to-end tests: `manage.py runstack` in a process of its own, as a user would start it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from tests.servers import wait_until

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 90.0
STOP_SECONDS = 12.0
NAMES = {"rqworker pipeline": "pipeline", "rqworker effects": "effects", "rqworker learning": "learning"} | {
    "manage.py schedule": "scheduler", "redis-server": "redis", "-m gunicorn": "web", "feed_demo": "feed",
}  # fmt: skip


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class RunningStack:
    """``environ`` adds settings; without DATABASE_URL it runs on SQLite, without REDIS_URL on its embedded Redis.

    ``database`` is a migrated SQLite file to begin with, for who does not test the first start.
    """

    data_dir: Path
    environ: dict[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] = ()
    database: Path | None = None
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self.data_dir.parent / f"{self.data_dir.name}.log").read_text(errors="replace")

    def settings(self) -> dict[str, str]:
        """The environment of the stack: the machine's own, without what would change the settings."""
        unwanted = ("DATABASE_URL", "REDIS_URL", "SECRET_KEY", "DJANGO_SETTINGS_MODULE", "LOG_LEVEL")
        clean = {name: value for name, value in os.environ.items() if name not in unwanted}
        own = {
            "DATA_DIR": str(self.data_dir),
            "PORT": str(self.port),
            "ENV_FILE": "",
            "WEB_WORKERS": "1",
            "SWEEP_SECONDS": "2",
        }
        return {**clean, **own, "STATIC_ROOT": str(self.data_dir.parent / "static"), **self.environ}

    def launch(self) -> None:
        if self.database and not self.data_dir.exists():
            self.data_dir.mkdir()
            shutil.copy(self.database, self.data_dir)
        log = (self.data_dir.parent / f"{self.data_dir.name}.log").open("ab")
        command = [sys.executable, "manage.py", "runstack", *self.arguments]
        self.process = subprocess.Popen(
            command, cwd=ROOT, env=self.settings(), stdout=log, stderr=log, stdin=subprocess.DEVNULL
        )

    def start(self) -> RunningStack:
        self.launch()
        self.wait_until_ready()
        return self

    def wait_until_ready(self, seconds: float = READY_SECONDS) -> None:
        assert self.process is not None
        wait_until(
            lambda: self.status("/readyz") == 200 or self.process is None or self.process.poll() is not None,
            seconds=seconds,
            what="a ready stack",
        )
        assert self.process.poll() is None, f"the stack ended with {self.process.returncode}:\n{self.log[-3000:]}"

    def status(self, path: str) -> int:
        """The status of an answer to GET, 0 where nobody answers."""
        try:
            with urllib.request.urlopen(self.base_url + path, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def manage(self, *arguments: str, stdin: str = "", check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a management command with the settings of this stack."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=self.settings(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert not check or done.returncode == 0, f"{arguments}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
        return done

    def pids(self) -> dict[str, list[int]]:
        """Process ids by name: web (master first), pipeline, effects, learning, scheduler, redis, feed."""
        found: dict[str, list[int]] = defaultdict(list)
        for pid, command in _family(self.process.pid if self.process else 0):
            for part, name in NAMES.items():
                if part in command:
                    found[name].append(pid)
        return found

    def kill(self, name: str) -> list[int]:
        """``kill -9`` every process of a name; the ids killed."""
        pids = self.pids()[name]
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        return pids

    def stop(self) -> int:
        """SIGTERM, and the exit code. AssertionError when it takes longer than it may."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise AssertionError(f"the stack did not stop within {STOP_SECONDS} s:\n{self.log[-3000:]}") from None


def _family(root: int) -> list[tuple[int, str]]:
    """Every descendant of a process, with its command line."""
    listing = subprocess.run(
        ["ps", "-ewwo", "pid=,ppid=,stat=,args="], capture_output=True, text=True, check=True
    ).stdout
    rows = [line.split(None, 3) for line in listing.splitlines()]
    children: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for pid, parent, state, *command in rows:
        if not state.startswith("Z"):
            children[int(parent)].append((int(pid), command[0] if command else ""))
    family: list[tuple[int, str]] = []
    waiting = [root]
    while waiting:
        below = children.get(waiting.pop(), [])
        family += below
        waiting += [pid for pid, _ in below]
    return family
