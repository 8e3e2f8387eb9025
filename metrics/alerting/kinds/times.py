"""Durations that double."""

from __future__ import annotations

import math
from typing import Any

from metrics.alerting import exact
from metrics.alerting.kinds.shares import CALM, bound_of
from metrics.alerting.sequential import Step, Tally, against_past, evidence
from metrics.alerting.shapes import Point, Settings, State, TimeSight, Verdict
from metrics.histograms import Histogram, middle

SLOW = 0.75  # a duration above this quantile of now and before together counts as slow


def doubled(sight: TimeSight, settings: Settings) -> Verdict:
    """The mean is a multiple of the one at the same times before."""
    if settings["trigger"] == "sequential":
        return _sequentially(sight, settings)
    size = 1 + settings["window"]
    now, usual = Histogram.merged(sight.now[-size:]), Histogram.merged(sight.usual[-size:])
    if min(len(now), len(usual)) < settings["least"]:
        return Verdict(State.UNKNOWN)
    mean, past = mean_of(now), mean_of(usual)
    step = slow_share(now, usual)
    chance = exact.at_least(step.now, step.usual.share or 0.0)
    certain = settings["chance"] is None or chance <= settings["chance"]
    factor = settings["factor"]
    state = State.RAISE if mean > factor * past and certain else State.BETWEEN
    state = State.WELL if mean <= (1 + CALM * (factor - 1)) * past else state
    return Verdict(state, _figures(now, usual, chance=chance), _series(sight), factor * past)


def _sequentially(sight: TimeSight, settings: Settings) -> Verdict:
    """Doubled times are mostly slow ones: the share of slow ones is tested as any other share.

    Slow is what exceeds a quantile of both together, so that under no change each is as likely to be slow as any other.
    """
    now, usual = Histogram.merged(sight.now), Histogram.merged(sight.usual)
    if min(len(now), len(usual)) < settings["least"]:
        return Verdict(State.UNKNOWN)
    logs = [against_past(slow_share(a, b)) for a, b in zip(sight.now, sight.usual, strict=True)]
    found, bound = evidence(logs), math.log(bound_of(settings, sight.season))
    state = State.RAISE if found >= bound else State.WELL if found < CALM * bound else State.BETWEEN
    figures = _figures(now, usual, evidence=max(found, -bound), bound=bound)
    return Verdict(state, figures, _series(sight))


def mean_of(histogram: Histogram) -> float:
    """In seconds, from the middles of the buckets."""
    size = len(histogram)
    return sum(middle(bucket) * count for bucket, count in histogram.counts.items()) / size if size else 0.0


def slow_share(now: Histogram, usual: Histogram) -> Step:
    """How many are slow, now and before."""
    edge = (now + usual).quantile(SLOW)
    if edge is None:
        return Step(Tally(), Tally())
    return Step(_above(now, edge), _above(usual, edge))


def _above(histogram: Histogram, edge: float) -> Tally:
    return Tally(sum(n for bucket, n in histogram.counts.items() if middle(bucket) > edge), len(histogram))


def _figures(now: Histogram, usual: Histogram, **more: float) -> dict[str, Any]:
    return {"seconds": mean_of(now), "usual": mean_of(usual), "whole": len(now), **more}


def _series(sight: TimeSight) -> tuple[Point, ...]:
    rows = zip(sight.starts, sight.now, sight.usual, strict=True)
    return tuple(Point(start, _mean(now), _mean(usual), len(now)) for start, now, usual in rows)


def _mean(histogram: Histogram) -> float | None:
    return mean_of(histogram) if len(histogram) else None
