"""How often one caller may call: a counter per minute, at the same cost for the first and the hundred-thousandth call."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from django.core.cache import cache
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle

if TYPE_CHECKING:  # rest_framework.views imports this module
    from rest_framework.views import APIView

WINDOW_SECONDS = 60


class CallerRate(BaseThrottle):
    """Counts by account, or by address where nobody is signed in. Counters live in the web process."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        known = request.user.is_authenticated
        caller = f"user:{request.user.pk}" if known else f"address:{self.get_ident(request)}"
        key = f"rate:{caller}:{int(time.time()) // WINDOW_SECONDS}"
        cache.add(key, 0, timeout=2 * WINDOW_SECONDS)
        return cache.incr(key) <= self._limit("caller" if known else "stranger")

    def wait(self) -> float:
        """Seconds until the next minute begins."""
        return WINDOW_SECONDS - time.time() % WINDOW_SECONDS

    @staticmethod
    def _limit(scope: str) -> int:
        return int(str(api_settings.DEFAULT_THROTTLE_RATES[scope]).split("/")[0])
