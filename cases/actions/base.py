"""The one shape of every action: one delivery in, a receipt out, or an OutboundError that says whether to try again.

Undoing is no second verb: a compensation is a delivery with event ``effect.compensate`` under a key of its own, whose
body names the key it takes back as ``compensates``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

COMPENSATE = "effect.compensate"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One try to send one effect.

    ``key`` is the idempotency id, the same at every try. ``endpoint`` holds ``url`` and ``secret`` of a webhook.
    ``options`` are the case type's own settings of the action. ``body`` is JSON. ``attempt`` counts from 1.
    """

    effect_id: int
    key: str
    event: str
    body: Mapping[str, Any]
    occurred_at: datetime
    attempt: int = 1
    endpoint: Mapping[str, Any] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof of a delivery: the HTTP status where there was one, what happened in a few words, and how long it took."""

    status: int | None
    detail: str
    elapsed_ms: int = 0


class Action(Protocol):
    """A plug-in: ``{"BACKEND": dotted path, "OPTIONS": {}}``; OPTIONS become keyword arguments of its constructor."""

    def deliver(self, delivery: Delivery) -> Receipt:
        """Send it, within 15 seconds. It may run twice for one key.

        Raises: cases.outbound.OutboundError when it did not arrive; ``gone`` means never send there again.
        """
        ...
