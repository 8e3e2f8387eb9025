"""Whether the machinery itself is well: Redis, workers, jobs, the rollups, alerts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import django_rq
from django.apps import apps
from django.conf import settings
from prometheus_client.core import Metric
from redis import RedisError
from rq.registry import FailedJobRegistry

from hitl_project.prometheus.families import gauge
from hitl_project.workers import alive_key
from metrics import rollup
from metrics.models import StaleSpan


def figures() -> Iterator[Metric]:
    text = "Age of the oldest event that the reports do not know yet."
    yield gauge("rollup_lag_seconds", text, [], [([], rollup.lag().total_seconds())])
    text = "Minutes and hours of the reports that are to be summed again."
    yield gauge("rollup_spans_waiting", text, [], [([], StaleSpan.objects.count())])
    yield from _alerts()
    yield from _redis()


def _alerts() -> Iterator[Metric]:
    """Open alerts, where this installation has any such thing."""
    alert = apps.all_models["metrics"].get("alert")
    manager: Any = getattr(alert, "objects", None)
    if hasattr(manager, "open"):
        yield gauge("alerts_open", "Alerts that are open.", [], [([], manager.open().count())])


def _redis() -> Iterator[Metric]:
    names = list(settings.RQ_QUEUES)
    try:
        waiting = [([name], float(django_rq.get_queue(name).count)) for name in names]
        failed = [([name], float(FailedJobRegistry(queue=django_rq.get_queue(name)).count)) for name in names]
        alive = [([name], float(django_rq.get_connection(name).exists(alive_key(name)))) for name in names]
    except RedisError:
        yield gauge("redis_up", "Whether Redis answers.", [], [([], 0)])
        return
    yield gauge("redis_up", "Whether Redis answers.", [], [([], 1)])
    yield gauge("jobs_waiting", "Jobs on an RQ queue.", ["queue"], waiting)
    yield gauge("jobs_failed", "Jobs that failed and are kept for a day.", ["queue"], failed)
    yield gauge("worker_alive", "Whether a worker serves the queue.", ["queue"], alive)
