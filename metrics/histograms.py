"""Histograms of durations that can be added up: each bucket is 5 % wider than the one before.

A bucket's number is a logarithm of the duration, so SQL can compute it (`metrics.rollup`), hours add up to days by adding
counts, and a quantile read from the sum is off by at most half a bucket, whatever the number of values.
After Masson, Rim and Lee, DDSketch, PVLDB 12 (2019) 2195–2205, with a fixed growth instead of collapsing buckets.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from metrics import intervals

FLOOR = 0.01  # seconds; anything below is "at once" and falls in bucket 0
GROWTH = 1.05
LAST = 600  # 5e10 s: whatever a broken clock says, the number of buckets stays bounded
BINS = 20  # of a confidence, 0.05 wide each
Numbers = np.ndarray[Any, np.dtype[np.int64]]
PAIR = np.dtype([("bucket", "<u2"), ("count", "<u4")])


def packed(counts: Mapping[int, int]) -> bytes:
    """Counts by bucket as a rollup row keeps them: pairs, the buckets ascending, so that equal ones are equal to the byte."""
    return np.array(sorted((bucket, count) for bucket, count in counts.items() if count), PAIR).tobytes()


def unpacked(stored: bytes) -> Counter[int]:
    """Counts by bucket of what is packed once, or several times behind each other."""
    totals = _totals(stored)
    buckets = np.flatnonzero(totals)
    return Counter(dict(zip(buckets.tolist(), totals[buckets].tolist(), strict=True)))


def _totals(stored: bytes) -> Numbers:
    """The count of every bucket up to the last that has any."""
    pairs = np.frombuffer(stored, PAIR)
    return np.bincount(pairs["bucket"], weights=pairs["count"]).astype(np.int64)


def bucket_of(seconds: float) -> int:
    """Number of the bucket of a duration; negative durations (clocks) count as none."""
    if seconds < FLOOR:
        return 0
    return min(LAST, math.floor(math.log(seconds / FLOOR) / math.log(GROWTH)) + 1)


def bin_of(confidence: float) -> int:
    """Number of the bin of a confidence; 1 falls in the last."""
    return min(BINS - 1, math.floor(confidence * BINS))


def edges(bucket: int) -> tuple[float, float]:
    """Seconds where the bucket begins and ends."""
    return (0.0, FLOOR) if bucket <= 0 else (FLOOR * GROWTH ** (bucket - 1), FLOOR * GROWTH**bucket)


def middle(bucket: int) -> float:
    """The value that stands for the bucket: at most 2.5 % from any value in it (bucket 0 stands for 0)."""
    low, high = edges(bucket)
    return 0.0 if bucket <= 0 else math.sqrt(low * high)


@dataclass(frozen=True, eq=False)
class Histogram:
    """Counts by bucket, kept as rollup rows keep them: packed, several parts behind each other. So adding many is cheap,
    and a page that reads no quantile of a sum never adds it up. Immutable."""

    stored: bytes = b""

    @classmethod
    def of(cls, seconds: Iterable[float]) -> Histogram:
        """The histogram of these durations in seconds."""
        return cls(packed(Counter(bucket_of(value) for value in seconds)))

    @classmethod
    def merged(cls, histograms: Iterable[Histogram]) -> Histogram:
        """The sum of many."""
        return cls.added(histogram.stored for histogram in histograms)

    @classmethod
    def added(cls, stored: Iterable[bytes]) -> Histogram:
        """The sum of many as rollup rows keep them."""
        return cls(b"".join(stored))

    def __add__(self, other: Histogram) -> Histogram:
        return Histogram.merged((self, other))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Histogram) and self.counts == other.counts

    __hash__ = None  # type: ignore[assignment]

    def __len__(self) -> int:
        reached = self._cumulated[1]
        return int(reached[-1]) if reached.size else 0

    @cached_property
    def counts(self) -> Counter[int]:
        """Counts by bucket, the buckets ascending, none of them empty."""
        return unpacked(self.stored)

    @cached_property
    def _cumulated(self) -> tuple[Numbers, Numbers]:
        """The buckets, ascending, and how many values lie up to the end of each."""
        totals = _totals(self.stored)
        buckets = np.flatnonzero(totals)
        return buckets, np.cumsum(totals[buckets])

    def quantile(self, quantile: float) -> float | None:
        """The quantile in seconds, within 2.5 % of the true order statistic; None when empty."""
        if not len(self):
            return None
        return middle(self._bucket_at(max(1, math.ceil(quantile * len(self)))))

    def interval(self, quantile: float, *, confidence: float = intervals.CONFIDENCE) -> intervals.Interval | None:
        """Order-statistics interval of the quantile, widened to the edges of its buckets; None when too few."""
        ranks = intervals.quantile_ranks(len(self), quantile, confidence=confidence)
        if ranks is None:
            return None
        low, high = (self._bucket_at(rank) for rank in ranks)
        return intervals.Interval(edges(low)[0], edges(high)[1])

    def _bucket_at(self, rank: int) -> int:
        """Bucket of the value with this rank, counted from 1."""
        buckets, reached = self._cumulated
        return int(buckets[reached.searchsorted(rank)])
