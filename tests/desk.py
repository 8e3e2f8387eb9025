"""The desk as a signed-in person meets it: their client, a task with its prediction, and what its form sends."""

from __future__ import annotations

import re
from typing import Any

from django.test import Client
from django.urls import reverse

from cases.models.choices import State
from review.models import ReviewTask
from tests import factories as make


def signed_in(role: str = "reviewer", **fields: Any) -> tuple[Client, Any]:
    user = make.make_user(role, is_staff=True, **fields)
    client = Client()
    client.force_login(user)
    return client, user


def a_task(
    *, prediction: dict[str, Any] | None = None, case: dict[str, Any] | None = None, **fields: Any
) -> ReviewTask:
    case_type = fields.pop("case_type", None) or make.make_case_type()
    one = make.make_case(case_type, state=State.IN_REVIEW, **(case or {}))
    make.make_prediction(one, **(prediction or {}))
    return make.make_task(one, **fields)


def page_of(task: ReviewTask) -> str:
    return reverse("desk:review", args=[task.pk])


def hidden(html: str, name: str) -> str:
    found = re.search(rf'name="{name}"\s+value="([^"]*)"', html)
    assert found, f"no hidden {name}"
    return found.group(1)


def submission(client: Client, task: ReviewTask, **fields: Any) -> dict[str, Any]:
    html = client.get(page_of(task)).content.decode()
    bound = {name: hidden(html, name) for name in ("lease_token", "digest")}
    return {**bound, "output.label": "refund", "output.amount": "", "active_seconds": "1", **fields}
