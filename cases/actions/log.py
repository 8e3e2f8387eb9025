"""An action that writes a line to the log: for trying things out, and for teams that read their events there."""

from __future__ import annotations

from typing import Any

import structlog
from django.utils.translation import gettext as _

from cases.actions.base import Delivery, Receipt

logger = structlog.get_logger(__name__)


class LogAction:
    """Logs what happened, not the case's content: logs outlive erasure. ``include_body`` overrides that."""

    def __init__(self, *, include_body: bool = False) -> None:
        self.include_body = include_body

    def deliver(self, delivery: Delivery) -> Receipt:
        wanted = delivery.options.get("include_body", self.include_body) is True
        content: dict[str, Any] = {"body": dict(delivery.body)} if wanted else {}
        logger.info("effect_logged", effect=delivery.effect_id, key=delivery.key, kind=delivery.event, **content)
        return Receipt(None, _("written to the log"))
