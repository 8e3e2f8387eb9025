"""gunicorn as the stack runs it, and a caller that costs little: the load comes from the same two cores."""

from __future__ import annotations

import http.client
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from hitl_project.stack import processes
from tests.servers import wait_until
from tests.stacks import free_port

CSRF = "b" * 32
CONFIG = Path(__file__).resolve().parent.parent / "hitl_project" / "stack" / "web.py"


class Caller:
    """One connection that is kept open, and what goes with every request."""

    def __init__(self, port: int, **headers: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.answered: dict[str, str] = {}
        self.headers = {"Host": "localhost", "Content-Type": "application/json", **headers}

    def get(self, path: str) -> bytes:
        return self._ask("GET", path, None)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = self._ask("POST", path, json.dumps(body).encode())
        return json.loads(answer) if answer else None

    def submit(self, path: str, fields: dict[str, str]) -> tuple[str, str]:
        """Send a form of the desk as its script does; the page that comes next, and its address."""
        form = {"Content-Type": "application/x-www-form-urlencoded", "X-Desk-Swap": "1"}
        content = self._ask("POST", path, urlencode(fields).encode(), form)
        return content.decode(), self.answered.get("X-Desk-Address", path)

    def _ask(self, method: str, path: str, body: bytes | None, more: dict[str, str] | None = None) -> bytes:
        try:
            answer = self._exchange(method, path, body, more or {})
        except ConnectionError:  # most likely quiet for longer than the server keeps a line open
            self.connection.close()
            if method != "GET":
                raise
            answer = self._exchange(method, path, body, more or {})
        content, self.answered = answer.read(), dict(answer.getheaders())
        if answer.status not in (200, 201, 204):
            raise SystemExit(f"{method} {path}: {answer.status} {content[:500]!r}")
        return content

    def _exchange(self, method: str, path: str, body: bytes | None, more: dict[str, str]) -> http.client.HTTPResponse:
        self.connection.request(method, path, body=body, headers=self.headers | more)
        return self.connection.getresponse()


@contextmanager
def website() -> Iterator[int]:
    """Two processes of eight threads, as by default; the port."""
    port = free_port()
    log = (Path(os.environ["DATA_DIR"]) / "web.log").open("ab")
    command = [sys.executable, "-m", "gunicorn", "--config", str(CONFIG), "--bind", f"127.0.0.1:{port}"]
    process = processes.spawn(command, output=log)
    try:
        wait_until(lambda: _answers(port), seconds=60, what="the web server")
        yield port
    finally:
        process.terminate()
        process.wait()


def with_token(port: int, token: str) -> Caller:
    return Caller(port, Authorization=f"Bearer {token}")


def signed_in(port: int, username: str) -> Caller:
    """A caller in the back office, with a session made at the source."""
    from django.conf import settings
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.auth.models import User

    user = User.objects.get(username=username)
    session = import_module(settings.SESSION_ENGINE).SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "hitl_project.accounts.AccountBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    cookies = f"{settings.SESSION_COOKIE_NAME}={session.session_key}; {settings.CSRF_COOKIE_NAME}={CSRF}"
    return Caller(port, Cookie=cookies, **{"X-CSRFToken": CSRF})


def _answers(port: int) -> bool:
    try:
        return b"up" in Caller(port).get("/healthz")
    except OSError:
        return False
