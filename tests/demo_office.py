"""The demonstration organisation, loaded once for all the tests of a module; each test's own changes are rolled back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction
from django.test import override_settings

from hitl_project.demo import loading

NOW = datetime(2026, 6, 10, 15, 0, tzinfo=UTC)  # the same moment and coin every time: the same history every time


@contextmanager
def own_ground(directory: Path) -> Iterator[None]:
    """Model files in a directory of one's own, and a coin that always falls alike."""
    storages: Any = settings.STORAGES
    default: dict[str, Any] = {**storages["default"], "OPTIONS": {"location": directory}}
    with override_settings(COIN_SALT="for the demo", STORAGES={**storages, "default": default}):
        yield


def load(*, days: int) -> int:
    return loading.load(now=NOW, tell=lambda _message: None, days=days)


@contextmanager
def loaded_office(directory: Path, *, days: int) -> Iterator[int]:
    """The number of its cases."""
    with own_ground(directory), transaction.atomic():
        yield load(days=days)
        transaction.set_rollback(True)
