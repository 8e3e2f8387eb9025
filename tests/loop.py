"""One mode of oversight, end to end on the running stack: what a sender, a reviewer and a receiver see of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx2
from standardwebhooks.webhooks import Webhook

from tests.factories import SCHEMA
from tests.http_server import Receiver, answering, receiver
from tests.servers import wait_until
from tests.stacks import RunningStack

QUEUES = [
    {"key": "loop-desk", "name": "Desk", "kind": "general", "groups": ["reviewer"]},
    {"key": "loop-quality", "name": "Quality", "kind": "quality", "groups": ["auditor"]},
]
ROLES = ("integration", "reviewer", "auditor", "supervisor", "manager")
# What an operator does with one command each; one process for all of it is quicker.
SET_UP = """
import json
from django.contrib.auth.models import Group, User
from cases.models import WebhookEndpoint
from cases.tokens import issue_token
tokens = {{}}
for role in {roles}:
    user = User.objects.create_user("{key}-" + role)
    user.groups.add(Group.objects.get(name=role))
    tokens[role] = issue_token(user, expires_days=1, actor="test", origin="test")
print("made:" + json.dumps([WebhookEndpoint.objects.get(key="{key}").secret, tokens]))
"""


@dataclass
class Loop:
    """A case type of its own in one mode, with a receiver of its own."""

    stack: RunningStack
    crm: Receiver
    mode: str
    secret: str = ""
    tokens: dict[str, str] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return "loop-" + self.mode.replace("_", "-")

    def configure(self, **policy: Any) -> None:
        routing = [{"default": True, "queue": "loop-desk"}, {"reason": "sample", "queue": "loop-quality"}]
        case_type = {
            "key": self.key,
            "name": self.key,
            "impact": ["internal"],
            "reversible": True,
            "idempotent": True,
            "output_schema": SCHEMA,
            "classifier": "supplied",
            "action": {"backend": "webhook", "endpoint": self.key},
            "policy": {"mode": self.mode, "threshold": 0.8, "sample_rate": 0, "routing": routing[::-1], **policy},
        }
        webhooks = [{"key": self.key, "url": f"{self.crm.url}/hooks", "events": ["case.closed"]}]
        path = self.stack.data_dir.parent / f"{self.key}.yaml"  # JSON is YAML
        path.write_text(json.dumps({"case_types": [case_type], "queues": QUEUES, "webhooks": webhooks}))
        self.stack.manage("apply_config", str(path))
        told = self.stack.manage("shell", "-c", SET_UP.format(key=self.key, roles=ROLES)).stdout
        self.secret, self.tokens = json.loads(told.partition("made:")[2])

    def api(self, role: str) -> httpx2.Client:
        """A caller in a role."""
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        return httpx2.Client(base_url=f"{self.stack.base_url}/api/v1/", headers=headers, timeout=20)

    def post(self, role: str, path: str, body: dict[str, Any] | None = None, *, status: int = 200) -> dict[str, Any]:
        with self.api(role) as client:
            answer = client.post(path, json=body or {})
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def get(self, role: str, path: str) -> dict[str, Any]:
        with self.api(role) as client:
            answer = client.get(path)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def send(self, *, confidence: float = 0.9, label: str = "refund") -> int:
        body = {
            "case_type": self.key,
            "source": self.key,
            "external_id": f"{self.key}-{confidence}-{label}",
            "payload": {"text": "I was charged twice"},
            "prediction": {"output": {"label": label}, "confidence": confidence, "model": "m", "model_version": "1"},
        }
        return int(self.post("integration", "cases/", body, status=201)["id"])

    def case(self, case_id: int) -> dict[str, Any]:
        return self.get("supervisor", f"cases/{case_id}/")

    def wait(self, case_id: int, state: str) -> dict[str, Any]:
        wait_until(lambda: self.case(case_id)["state"] == state, seconds=30, what=f"case {case_id} {state}")
        return self.case(case_id)

    def decide(self, role: str, **answer: Any) -> dict[str, Any]:
        """Claim the next task, and decide it."""
        desk: dict[str, Any] = {}

        def claimed() -> bool:
            with self.api(role) as client:
                told = client.post("tasks/claim/", json={})
            desk.update(told.json() if told.status_code == 200 else {})
            return bool(desk)

        wait_until(claimed, seconds=30, what="a task")
        body = {"lease_token": desk["lease_token"], "digest": desk["digest"], **answer}
        self.post(role, f"tasks/{desk['id']}/decide/", body)
        return desk

    def heard(self, case_id: int) -> list[dict[str, Any]]:
        """What the receiver was told of a case, every signature checked."""
        told = [Webhook(self.secret).verify(request.body, request.headers) for request in list(self.crm.received)]
        return [message for message in told if message["data"]["case"]["id"] == case_id]

    def wait_heard(self, case_id: int, *events: str) -> list[dict[str, Any]]:
        wait_until(lambda: len(self.heard(case_id)) >= len(events), seconds=30, what=f"the webhooks {events}")
        told = self.heard(case_id)
        assert [message["type"] for message in told] == list(events)
        return told

    def wait_measured(self, measure: str, denominator: float) -> dict[str, Any]:
        """The measure of this case type, once the reports have caught up."""

        def figure() -> dict[str, Any]:
            found: dict[str, Any] = self.get("manager", f"metrics/?case_type={self.key}")["measures"][measure]
            return found

        wait_until(lambda: figure()["denominator"] == denominator, seconds=40, what=f"{measure} of {denominator}")
        return figure()


@contextmanager
def running(stack: RunningStack, mode: str, **policy: Any) -> Iterator[Loop]:
    with receiver(answering(200)) as crm:
        loop = Loop(stack, crm, mode)
        loop.configure(**policy)
        yield loop
