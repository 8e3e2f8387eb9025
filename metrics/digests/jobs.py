"""RQ entry points."""

from __future__ import annotations

from metrics.digests import sending


def send() -> int:
    """Send the weekly mails that are due."""
    return sending.send_due()
