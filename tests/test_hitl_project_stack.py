"""The supervisor on a real stack: what dies comes back, what stops leaves nothing."""

from __future__ import annotations

import json
import os
import signal
import socket
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.conftest import Launch
from tests.servers import wait_until
from tests.stacks import RunningStack

pytestmark = pytest.mark.timeout(240)


def alive(pids: list[int]) -> list[int]:
    states = {pid: Path(f"/proc/{pid}/stat") for pid in pids}
    return [
        pid for pid, path in states.items() if path.exists() and path.read_text().rpartition(")")[2].split()[0] != "Z"
    ]


def everyone(stack: RunningStack) -> list[int]:
    return [pid for pids in stack.pids().values() for pid in pids]


def test_every_child_that_is_killed_comes_back_and_sigterm_leaves_nothing(launch_stack: Launch) -> None:
    stack = launch_stack(RQ_WORKERS="2")
    before = stack.pids()
    assert {name: len(pids) for name, pids in before.items()} == {
        "web": 2, "pipeline": 2, "effects": 1, "learning": 1, "scheduler": 1, "redis": 1,
    }  # fmt: skip
    killed = [pid for name in list(before) for pid in stack.kill(name)]
    wait_until(lambda: not alive(killed), seconds=5, what="the end of the killed")
    wait_until(lambda: len(everyone(stack)) == len(killed), seconds=30, what="every child's return")
    stack.wait_until_ready(30)

    children = everyone(stack)
    assert stack.stop() == 0
    assert alive(children) == []
    assert not (stack.data_dir / "redis.sock").exists()
    assert stack.status("/healthz") == 0
    assert "child=worker-effects" in stack.log
    assert "died" in stack.log


def test_a_killed_supervisor_takes_its_children_along_and_the_next_start_finds_a_clear_way(
    launch_stack: Launch,
) -> None:
    stack = launch_stack()
    children = everyone(stack)
    assert stack.process is not None
    stack.process.kill()
    stack.process.wait()
    wait_until(lambda: not alive(children), seconds=5, what="the end of the orphans")
    assert (stack.data_dir / "redis.sock").exists()

    stack.start()
    assert stack.status("/readyz") == 200


@pytest.mark.postgres_too
def test_a_second_stack_on_the_same_data_is_refused_with_one_line(stack: RunningStack) -> None:
    assert stack.process is not None
    done = stack.manage("runstack", "--port", "0", check=False)
    assert done.returncode == 1
    assert (
        done.stderr.strip().splitlines()[-1].startswith(f"CommandError: A stack is running on {stack.data_dir} already")
    )
    assert str(stack.process.pid) in done.stderr
    assert stack.status("/readyz") == 200


def test_a_port_in_use_is_one_clear_line(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        stack = RunningStack(tmp_path / "data", port=other.getsockname()[1])
        done = stack.manage("runstack", check=False)
    assert done.returncode == 1
    assert (
        done.stderr.strip() == f"CommandError: PORT {stack.port} on 127.0.0.1 cannot be used: Address already in use."
    )


def test_a_database_that_never_answers_is_one_clear_line(tmp_path: Path) -> None:
    away = {
        "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
        "SECRET_KEY": "only for tests, " * 4,
        "DATABASE_WAIT_SECONDS": "1",
    }
    stack = RunningStack(tmp_path / "data", environ=away)
    done = stack.manage("runstack", check=False)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == "CommandError: DATABASE_URL: the database cannot be reached."
    assert "Traceback" not in done.stderr
    assert not (stack.data_dir / "redis.sock").exists()


@pytest.mark.parametrize("step", ["migrate", "collectstatic"])
def test_sigterm_while_it_is_still_preparing_stops_it_at_once(launch_stack: Launch, step: str) -> None:
    stack = launch_stack(wait=False, fresh=step == "migrate", STATIC_ROOT="")
    wait_until(lambda: f"commands={step}" in stack.log, seconds=60, what=step)
    children = everyone(stack)
    assert stack.process is not None
    os.kill(stack.process.pid, signal.SIGTERM)
    assert stack.process.wait(timeout=10) == 0, stack.log
    assert alive(children) == []


def test_a_data_directory_with_a_very_long_path_works(tmp_path: Path, run_directory: Path, migrated: Path) -> None:
    environ = {"RQ_WORKERS": "1", "STATIC_ROOT": str(run_directory / "static")}
    stack = RunningStack(tmp_path / ("long" * 30), environ=environ, database=migrated)
    try:
        stack.start()
        assert stack.status("/readyz") == 200
    finally:
        stack.stop()


def test_readyz_names_what_is_missing_and_recovers(launch_stack: Launch) -> None:
    stack = launch_stack(RQ_WORKERS="1")
    assert stack.process is not None
    os.kill(stack.process.pid, signal.SIGSTOP)  # so that nothing comes back for the moment
    try:
        stack.kill("redis")
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(f"{stack.base_url}/readyz", timeout=5)
    finally:
        os.kill(stack.process.pid, signal.SIGCONT)
    assert refusal.value.code == 503
    assert json.load(refusal.value)["missing"] == {"redis": "cannot be reached"}
    stack.wait_until_ready(30)
