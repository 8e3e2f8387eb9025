"""Callers of the API with a token of their own."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.auth.models import User
from django.test import Client

from cases.tokens import issue_token


class Api:
    """An account that calls. Bodies are JSON unless they are bytes; an exception on our side comes out as status 500."""

    def __init__(self, user: User) -> None:
        self.user = user
        token = issue_token(user, expires_days=None, actor="test", origin="test")
        self.headers = {"Authorization": f"Bearer {token}"}
        self.client = Client(raise_request_exception=False)

    def post(self, path: str, body: Any = None, *, kind: str = "application/json", **headers: str) -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body if body is not None else {})
        return self.client.post(f"/api/v1{path}", data, content_type=kind, headers={**self.headers, **headers})

    def send_file(self, path: str, file: Any) -> Any:
        return self.client.post(f"/api/v1{path}", {"file": file}, headers=self.headers)

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"/api/v1{path}", headers={**self.headers, **headers})
