"""A whole stack with short leases, a classifier and a webhook receiver of its own, and what must hold after every fault."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import httpx2
import psycopg

from tests.http_server import Received, answering
from tests.servers import wait_until
from tests.stacks import ROOT, RunningStack

CASE_TYPE = "letter"
SETTLE_SECONDS = 90.0
ENVIRONMENT = {
    "PIPELINE_LEASE_SECONDS": "3",
    "EFFECT_LEASE_SECONDS": "3",
    "SWEEP_SECONDS": "1",
    "RQ_WORKERS": "2",
    "WEBHOOK_ALLOW_PRIVATE": "on",
}
SCHEMA = {"type": "object", "required": ["label"], "properties": {"label": {"enum": ["yes", "no"]}}}


@dataclass
class Model:
    """The classifier behind a URL. ``before`` sees each batch first and may be slow, or kill whoever asked."""

    before: Callable[[list[dict[str, Any]]], None] = lambda cases: None
    batches: int = 0
    caller: int = 0

    def __call__(self, handler: BaseHTTPRequestHandler, request: Received) -> None:
        cases = json.loads(request.body)["cases"]
        self.batches += 1
        self.caller = handler.client_address[1]
        self.before(cases)
        answers = [{"output": {"label": "yes"}, "confidence": self.confidence(case)} for case in cases]
        answering(200, json.dumps({"answers": answers}).encode(), content_type="application/json")(handler, request)

    def confidence(self, case: dict[str, Any]) -> float:
        """One in four goes to a person."""
        return 0.5 if case["payload"]["number"] % 4 == 0 else 0.95


@dataclass
class Books:
    """A receiver that honours ids: it acts once on each, however often it is told."""

    before: Callable[[], None] = lambda: None
    told: Counter[str] = field(default_factory=Counter)
    acts: dict[str, bytes] = field(default_factory=dict)

    def __call__(self, handler: BaseHTTPRequestHandler, request: Received) -> None:
        key = request.headers["webhook-id"]
        self.told[key] += 1
        assert self.acts.setdefault(key, request.body) == request.body, "the same id with another content"
        self.before()
        answering(204, b"")(handler, request)


@dataclass
class Site:
    """The running stack with everything around it."""

    stack: RunningStack
    model: Model
    books: Books
    database: str = ""
    token: str = ""
    accepted: set[int] = field(default_factory=set)
    sent: int = 0

    def configure(self, webhook: str) -> None:
        path = self.stack.data_dir.parent / "config.yaml"  # JSON is YAML
        policy = {
            "mode": "exception_handler",
            "threshold": 0.8,
            "sample_rate": 0,
            "routing": [{"default": True, "queue": "desk"}],
        }
        letter = {
            "key": CASE_TYPE,
            "name": "Letter",
            "impact": ["customer"],
            "output_schema": SCHEMA,
            "classifier": "http",
        }
        content = {
            "case_types": [letter | {"action": {"backend": "webhook", "endpoint": "crm"}, "policy": policy}],
            "queues": [{"key": "desk", "name": "Desk", "kind": "expert", "groups": ["reviewer"]}],
            "webhooks": [{"key": "crm", "url": webhook, "events": ["case.decided", "case.closed"]}],
        }
        path.write_text(json.dumps(content))
        self.stack.manage("apply_config", str(path))
        self.token = self.stack.manage("create_token", "--user", "sender", "--role", "integration").stdout.strip()

    def client(self, timeout: float = 20) -> httpx2.Client:
        headers = {"Authorization": f"Bearer {self.token}"}
        return httpx2.Client(base_url=f"{self.stack.base_url}/api/v1/", headers=headers, timeout=timeout)

    def bodies(self, count: int, **payload: Any) -> list[dict[str, Any]]:
        first, self.sent = self.sent, self.sent + count
        numbers = range(first, first + count)
        return [
            {
                "case_type": CASE_TYPE,
                "external_id": f"n{number}",
                "payload": {"text": "hello", "number": number, **payload},
            }
            for number in numbers
        ]

    def send(self, count: int, **payload: Any) -> list[int]:
        """Cases in one bulk; their ids count as accepted."""
        with self.client() as api:
            answer = api.post("cases/bulk/", json={"cases": self.bodies(count, **payload)})
        assert answer.status_code == 200, answer.text
        ids = [found["id"] for found in answer.json()["results"]]
        self.accepted.update(ids)
        return ids

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        if self.database:
            with psycopg.connect(self.database) as connection:
                return connection.execute(sql).fetchall()
        with sqlite3.connect(self.stack.data_dir / "countersign.sqlite3", timeout=10) as connection:
            return list(connection.execute(sql))

    def states(self) -> Counter[str]:
        return Counter(dict(self.rows("SELECT state, count(*) FROM cases_case GROUP BY state")))

    def under_way(self) -> int:
        moving = self.states()
        unsent = self.rows("SELECT count(*) FROM cases_effect WHERE status = 'pending'")[0][0]
        return moving["received"] + moving["classified"] + moving["decided"] + int(unsent)

    def settle(self) -> None:
        """Wait until nothing moves any more, then check what must hold whatever happened."""
        wait_until(lambda: self.under_way() == 0, seconds=SETTLE_SECONDS, what=f"the end of {self.states()}")
        self.check()

    def check(self) -> None:
        """Trust, section 2: nothing lost, each decided once, one action id each, told at least once, and the log verifies."""
        found = dict(self.rows("SELECT id, state FROM cases_case"))
        assert {pk for pk in self.accepted if found.get(pk) not in ("closed", "in_review")} == set()
        assert len(self.rows("SELECT DISTINCT external_id FROM cases_case")) == len(found)
        assert self.repeated("review_decision", "case_id, case_version") == []
        decided = {pk for (pk,) in self.rows("SELECT case_id FROM review_decision")}
        assert {pk for pk, state in found.items() if state == "closed"} == decided
        assert self.repeated("cases_effect", "case_id, case_version, event") == []
        assert self.repeated("review_reviewtask", "case_id") == []
        keys = {key for (key,) in self.rows("SELECT key FROM cases_effect")}
        assert set(self.books.acts) == keys, "every id is delivered, and no other"

    def verify(self) -> None:
        """The log of all that happened, every fault included."""
        verdict = self.stack.manage("verify_audit", "--json", check=False)
        assert verdict.returncode == 0, verdict.stdout
        assert json.loads(verdict.stdout)["sealed"] > len(self.accepted)

    def repeated(self, table: str, columns: str) -> list[tuple[Any, ...]]:
        return self.rows(f"SELECT {columns}, count(*) FROM {table} GROUP BY {columns} HAVING count(*) > 1")

    def kill(self, name: str) -> list[int]:
        pids = self.stack.kill(name)
        assert pids, f"no {name} to kill"
        return pids

    def asking_worker(self) -> int:
        """The worker that has the newest connection to the classifier."""
        port = self.model.caller
        owners = [pid for pid in self.stack.pids()["pipeline"] if socket_of(port) & sockets_of(pid)]
        assert owners, f"nobody holds port {port}"
        return owners[0]

    @contextmanager
    def only_a_forking_worker(self) -> Iterator[subprocess.Popen[bytes]]:
        """RQ's own worker, which forks a child for every job, while the stack's are dead and nobody brings them back."""
        assert self.stack.process is not None
        self.stack.process.send_signal(signal.SIGSTOP)
        options = ["--worker-class", "rq.Worker", "--serializer", "rq.serializers.JSONSerializer", "--verbosity", "0"]
        command = [sys.executable, "manage.py", "rqworker", "pipeline", *options]
        with (self.stack.data_dir.parent / "forking.log").open("ab") as log:
            worker = subprocess.Popen(command, cwd=ROOT, env=self.stack.settings(), stdout=log, stderr=log)
        try:
            self.stack.kill("pipeline")
            yield worker
        finally:
            self.stack.process.send_signal(signal.SIGCONT)
            worker.kill()
            worker.wait()


@dataclass
class FirstCall:
    """A classifier that thinks for a while at the first batch, so that something can happen to whoever asked."""

    seconds: float
    came: threading.Event = field(default_factory=threading.Event)

    def __call__(self, cases: list[dict[str, Any]]) -> None:
        if not self.came.is_set():
            self.came.set()
            time.sleep(self.seconds)

    def wait(self, seconds: float) -> bool:
        return self.came.wait(seconds)


def kill_all(pids: Iterable[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def children_of(pid: int) -> list[int]:
    listing = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False)
    return [int(word) for word in listing.stdout.split()]


def socket_of(port: int) -> set[str]:
    """The kernel's number of the socket that talks from a local port."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return {row[9] for row in rows if int(row[1].rpartition(":")[2], 16) == port and row[9] != "0"}


def sockets_of(pid: int) -> set[str]:
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            name = str(link.readlink())
        except OSError:
            continue  # closed in between
        if name.startswith("socket:["):
            found.add(name[8:-1])
    return found
