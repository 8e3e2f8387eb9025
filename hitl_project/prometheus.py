"""What Prometheus reads: figures taken from the database and Redis at the moment of asking.

Nothing is counted inside a web process, so any number of them tell the same story.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator

import django_rq
from django.conf import settings
from django.db.models import Count, Min
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from redis import RedisError

from cases.access import can
from cases.models import Case, Effect
from cases.models.choices import State
from cases.tokens import account_of
from hitl_project.workers import alive_key
from review.models import ReviewTask

STANDING = [
    State.RECEIVED,
    State.CLASSIFIED,
    State.IN_REVIEW,
    State.DECIDED,
]  # the closed ones are millions, and in the reports


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
    def collect(self) -> Iterator[Metric]:
        yield _gauge("cases_standing", "Cases by the state they stand in.", "state", _cases())
        yield _gauge("tasks_open", "Open review tasks by queue.", "queue", _tasks(ReviewTask.objects.open()))
        yield _gauge(
            "tasks_overdue", "Open review tasks past their due moment.", "queue", _tasks(ReviewTask.objects.overdue())
        )
        yield _gauge("oldest_task_seconds", "Age of the oldest open task.", "queue", _oldest())
        yield _gauge("effects", "Effects not delivered, by status.", "status", _effects())
        yield from _redis_figures()


def _gauge(name: str, text: str, label: str, values: Iterable[tuple[str, float]]) -> GaugeMetricFamily:
    family = GaugeMetricFamily(f"countersign_{name}", text, labels=[label])
    for key, value in values:
        family.add_metric([key], value)
    return family


def _cases() -> list[tuple[str, float]]:
    counts = dict(Case.objects.filter(state__in=STANDING).order_by().values_list("state").annotate(Count("pk")))
    return [(str(state), counts.get(state, 0)) for state in STANDING]


def _tasks(tasks: Iterable[ReviewTask]) -> Iterable[tuple[str, float]]:
    return tasks.order_by().values_list("queue__key").annotate(Count("pk"))  # type: ignore[attr-defined,no-any-return]


def _oldest() -> list[tuple[str, float]]:
    now = timezone.now()
    rows = ReviewTask.objects.open().order_by().values_list("queue__key").annotate(Min("opened_at"))
    return [(queue, (now - opened).total_seconds()) for queue, opened in rows]


def _effects() -> list[tuple[str, float]]:
    pending = Effect.objects.unfinished()
    return [
        ("pending", pending.count()),
        ("due", pending.filter(next_attempt_at__lte=Now()).count()),
        ("dead", Effect.objects.filter(status=Effect.Status.DEAD).count()),
    ]


def _redis_figures() -> Iterator[Metric]:
    up = GaugeMetricFamily("countersign_redis_up", "Whether Redis answers.")
    try:
        jobs = [(name, float(django_rq.get_queue(name).count)) for name in settings.RQ_QUEUES]
        alive = [(name, float(django_rq.get_connection(name).exists(alive_key(name)))) for name in settings.RQ_QUEUES]
    except RedisError:
        up.add_metric([], 0)
        yield up
        return
    up.add_metric([], 1)
    yield up
    yield _gauge("jobs_waiting", "Jobs on an RQ queue.", "queue", jobs)
    yield _gauge("worker_alive", "Whether a worker serves the queue.", "queue", alive)
