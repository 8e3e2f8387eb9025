"""The coin: which cases are read blind. It depends on a salt and the case's id alone, never on what the model says."""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings


def draw(case_id: int) -> float:
    """A uniform number in [0, 1), the same for a case whenever it is asked."""
    digest = hmac.new(settings.COIN_SALT.encode(), str(case_id).encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:7], "big") / 2**56
