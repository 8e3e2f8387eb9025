"""How long things take: histograms of today (UTC) from the rollups' buckets, and the latest deliveries.

The histograms begin anew at midnight. For Prometheus that is a counter reset like that of a restart: `rate` and
`histogram_quantile` take it in their stride. A rollup's bucket counts as below a bound when its middle is; that is
exact to 2.5 %.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import timedelta

from django.utils import timezone
from prometheus_client.core import HistogramMetricFamily, Metric

from cases.models import EffectAttempt
from hitl_project.prometheus.families import PREFIX, gauge
from metrics.histograms import Histogram, middle
from metrics.models import MachineRollup, Span, WorkRollup
from metrics.periods import floor
from review.models import Queue

BOUNDS = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 4 * 3600, 24 * 3600)
LATEST = 1000
LATELY = timedelta(minutes=15)
QUANTILES = (0.5, 0.95, 0.99)
Groups = Mapping[str, list[Histogram]]


def figures() -> Iterator[Metric]:
    today = {"span": Span.DAY, "start": floor(timezone.now(), Span.DAY)}
    answers = MachineRollup.objects.filter(**today).values_list("case_type__key", "latency")
    text = "Seconds until a model answered; today."
    yield _histogram("classification_seconds", text, "case_type", _by_key(answers))
    names = dict(Queue.objects.values_list("pk", "key"))
    rows = list(WorkRollup.objects.filter(**today).values_list("queue_id", "active", "waiting"))
    active = _by_key((names.get(queue, ""), counts) for queue, counts, _waiting in rows)
    waiting = _by_key((names.get(queue, ""), counts) for queue, _active, counts in rows)
    text = "Active seconds of people on a shown output; today."
    yield _histogram("review_seconds", text, "queue", active)
    yield _histogram("waiting_seconds", "Seconds that tasks waited until claimed; today.", "queue", waiting)
    yield from _deliveries()


def _by_key(rows: Iterable[tuple[str, bytes]]) -> Groups:
    found: dict[str, list[Histogram]] = {}
    for key, counts in rows:
        found.setdefault(key, []).append(Histogram.added([counts]))
    return found


def _histogram(name: str, text: str, label: str, groups: Groups) -> HistogramMetricFamily:
    family = HistogramMetricFamily(PREFIX + name, text, labels=[label])
    for key, parts in sorted(groups.items()):
        counts = Histogram.merged(parts).counts
        below = [(bound, sum(n for bucket, n in counts.items() if middle(bucket) <= bound)) for bound in BOUNDS]
        whole = [*((str(float(bound)), float(n)) for bound, n in below), ("+Inf", float(counts.total()))]
        family.add_metric([key], buckets=whole, sum_value=sum(middle(bucket) * n for bucket, n in counts.items()))
    return family


def _deliveries() -> Iterator[Metric]:
    """From the newest attempts alone: the table of all of them is long and has no rollup."""
    newest = EffectAttempt.objects.order_by("-pk").values_list("at", "succeeded", "elapsed_ms")[:LATEST]
    since = timezone.now() - LATELY
    recent = [(succeeded, elapsed / 1000) for at, succeeded, elapsed in newest if at >= since]
    taken = sorted(seconds for _succeeded, seconds in recent)
    quantiles = [([share], taken[min(len(taken) - 1, int(share * len(taken)))]) for share in QUANTILES if taken]
    text = f"Seconds that attempts to deliver took: the latest {LATEST:,} of the last 15 minutes."
    yield gauge("delivery_seconds", text, ["quantile"], quantiles)
    counts = [
        ([outcome], sum(ok is good for ok, _taken in recent)) for outcome, good in (("ok", True), ("failed", False))
    ]
    yield gauge("delivery_attempts_recent", "How many of these attempts went well or failed.", ["outcome"], counts)
