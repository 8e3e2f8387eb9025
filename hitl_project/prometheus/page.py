"""What Prometheus reads: figures taken from the database and Redis at the moment of asking.

Nothing is counted inside a web process, so any number of them tell the same story.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import Metric
from prometheus_client.registry import Collector

from cases.access import can
from cases.tokens import account_of
from hitl_project.prometheus import latencies, machinery, standing, totals


@never_cache
def exposition(request: HttpRequest) -> HttpResponse:
    """For METRICS_TOKEN, or the API token of an account that may see reports."""
    if not _may_read(request.headers.get("Authorization", "")):
        answer = HttpResponse("A bearer token is needed.\n", status=401, content_type="text/plain")
        answer["WWW-Authenticate"] = "Bearer"
        return answer
    registry = CollectorRegistry()
    registry.register(Figures())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_read(authorization: str) -> bool:
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        return False
    if settings.METRICS_TOKEN and secrets.compare_digest(token.strip().encode(), settings.METRICS_TOKEN.encode()):
        return True
    found = account_of(token.strip())
    return found is not None and can(found[0], "metrics.view_report")


class Figures(Collector):
    """Every metric there is; what a part of the product does not have is left out."""

    def collect(self) -> Iterator[Metric]:
        for part in (standing.figures, totals.figures, latencies.figures, machinery.figures):
            yield from part()
