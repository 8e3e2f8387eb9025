"""How a lower app wakes a higher one: dotted paths in ``settings.HOOKS``, called inside the caller's transaction."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.utils.module_loading import import_string


def call(event: str, /, **arguments: object) -> None:
    """Call every hook of an event in order. A hook's exception rolls the caller back: both happen or neither does."""
    for path in settings.HOOKS.get(event, ()):
        import_string(path)(**arguments)


def ask(event: str, /, **arguments: object) -> list[Any]:
    """What the hooks of an event answer, one list after the other; empty where nobody listens."""
    return [answer for path in settings.HOOKS.get(event, ()) for answer in import_string(path)(**arguments)]
