"""Metrics in Prometheus' own forms, all under one prefix."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

PREFIX = "countersign_"
Values = Iterable[tuple[Sequence[object], float]]


def gauge(name: str, text: str, labels: Sequence[str], values: Values) -> GaugeMetricFamily:
    """A figure that goes up and down."""
    family = GaugeMetricFamily(PREFIX + name, text, labels=labels)
    for key, value in values:
        family.add_metric([str(part) for part in key], float(value))
    return family


def counter(name: str, text: str, labels: Sequence[str], values: Values) -> CounterMetricFamily:
    """A figure that only grows; `_total` is added to its name."""
    family = CounterMetricFamily(PREFIX + name, text, labels=labels)
    for key, value in values:
        family.add_metric([str(part) for part in key], float(value))
    return family
