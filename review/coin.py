"""The coins. A draw depends on a salt and on ids alone: never on what the model says, and never on how often it is asked."""

from __future__ import annotations

import hashlib
import hmac

from django.conf import settings

from review.models import ReviewTask


def draw(case_id: int) -> float:
    """A uniform number in [0, 1), the same for a case whenever it is asked: which cases are read blind."""
    return _uniform(str(case_id))


def draw_in(name: str, case_id: int) -> float:
    """A uniform number in [0, 1), the same for a case whenever it is asked under this name: who is drawn in a round."""
    return _uniform(f"{name} {case_id}")


def asks_reason(task: ReviewTask) -> bool:
    """Whether an approval under this claim is to say why: the policy's share of them, the same on every reload.

    A later claim of the task draws anew.
    """
    rate = task.policy.reason_rate
    return rate > 0 and _uniform(f"reason {task.pk} {task.lease_token}") < rate


def second_read(decision_id: int, use: str = "draw") -> float:
    """A uniform number in [0, 1) of a decision's second read, another one for each use."""
    return _uniform(f"second read {use} {decision_id}")


def _uniform(name: str) -> float:
    digest = hmac.new(settings.COIN_SALT.encode(), name.encode(), hashlib.sha256).digest()
    return int.from_bytes(digest[:7], "big") / 2**56
