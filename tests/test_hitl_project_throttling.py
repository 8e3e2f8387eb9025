"""A caller is counted, others are not held up, and a new minute starts anew."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser, User
from django.core.cache import cache
from django.test import RequestFactory
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from hitl_project.throttling import CallerRate


@pytest.fixture(autouse=True)
def low_limits(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setitem(api_settings.DEFAULT_THROTTLE_RATES, "caller", "3/min")
    monkeypatch.setitem(api_settings.DEFAULT_THROTTLE_RATES, "stranger", "1/min")
    cache.clear()
    yield
    cache.clear()


def allowed(user: User | AnonymousUser, address: str = "192.0.2.1") -> bool:
    request = Request(RequestFactory().get("/", REMOTE_ADDR=address))
    request.user = user
    return CallerRate().allow_request(request, APIView())


def test_a_caller_is_stopped_at_the_limit_and_another_is_not() -> None:
    with time_machine.travel("2026-01-01T10:00:10Z", tick=False):
        assert [allowed(User(pk=1)) for _ in range(5)] == [True, True, True, False, False]
        assert allowed(User(pk=2))
        assert CallerRate().wait() == 50
    with time_machine.travel("2026-01-01T10:01:00Z", tick=False):
        assert allowed(User(pk=1))


def test_strangers_are_counted_by_address() -> None:
    with time_machine.travel("2026-01-01T10:00:10Z", tick=False):
        assert allowed(AnonymousUser())
        assert not allowed(AnonymousUser())
        assert allowed(AnonymousUser(), "192.0.2.2")
