"""How often alerts are false, and how soon they are true: months of made-up traffic, each with its seed. No database.

    python -m benchmarks.alerts [--months 200] [--looks 10]

The test looks as the product does: at the hour under way too, `looks` times while it lasts; the same hours of the last 7 days
are its past, and end where an alert was raised; it is resolved when half of the bound, as a logarithm, is gone.
Ends with 1 when an aim of docs/alerts.md is missed.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
from collections.abc import Iterator, Sequence

import numpy as np

from metrics.alerting import exact
from metrics.alerting.drift import drift
from metrics.alerting.sequential import ODDS, TABLE, Tally

USUAL, CHANGED = 0.15, 0.30
EVERY_DAYS = 90  # the rule's own setting: days between false alarms
BOUND = math.log(EVERY_DAYS * 24)
DAY, REPEATS = 24, 7
LEARN = REPEATS * DAY  # hours before the first look
LONGEST = 24  # hours within which a change is waited for
WITHIN = 4
NEVER = 10**9


def traffic(rate: float, *, hours: int, rng: np.random.Generator, wavy: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Cases an hour and the share of them that is escalated; wavy: both go up and down with the time of day."""
    clock = np.arange(hours)
    wave = np.sin(2 * np.pi * clock / DAY) if wavy else np.zeros(hours)
    return rng.poisson(rate * (1 + 0.8 * wave)), USUAL * (1 + 0.5 * wave)


def false_alarms(
    rate: float, seeds: Sequence[int], *, days: int = 30, looks: int = 1, wavy: bool = False
) -> np.ndarray:
    """Alerts of the sequential test in months in which nothing changes, one for each seed."""
    return _watched(_months(rate, seeds, hours=LEARN + days * DAY, looks=looks, wavy=wavy), looks)[0]


def delays(rate: float, seeds: Sequence[int], *, looks: int = 10) -> np.ndarray:
    """Hours from a change to the alert, one for each seed; infinite where it was not seen within a day.

    An alert that stood before the change, a false one, is not counted as having seen it.
    """
    change = LEARN + DAY
    months = _months(rate, seeds, hours=change + LONGEST, looks=looks, change=change)
    return _watched(months, looks, change=change)[1]


Months = tuple[np.ndarray, np.ndarray]  # cases and hits by month, hour and look, cumulated within the hour


def _months(
    rate: float, seeds: Sequence[int], *, hours: int, looks: int, wavy: bool = False, change: int | None = None
) -> Months:
    made = [_month(rate, seed, hours, looks, wavy=wavy, change=change) for seed in seeds]
    return np.stack([counts for counts, _hits in made]), np.stack([hits for _counts, hits in made])


def _month(rate: float, seed: int, hours: int, looks: int, *, wavy: bool, change: int | None) -> Months:
    rng = np.random.default_rng([seed, int(rate)])
    counts, shares = traffic(rate, hours=hours, rng=rng, wavy=wavy)
    if change is not None:
        shares = np.where(np.arange(hours) < change, USUAL, CHANGED)
    parts = np.stack([rng.multinomial(count, [1 / looks] * looks) for count in counts])
    return parts.cumsum(axis=1), rng.binomial(parts, shares[:, None]).cumsum(axis=1)


def _watched(months: Months, looks: int, change: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """How many alerts were raised in each month, and how long after the change the first was."""
    counts, hits = months
    size, hours = counts.shape[:2]
    raised, seen = np.zeros(size, int), np.full(size, np.inf)
    opened = np.full(size, NEVER)
    logs = np.zeros((0, size, len(ODDS)))
    for hour in range(LEARN, hours):
        usual, usual_hits = _past(months, hour, opened)
        for look in range(looks):
            step = logs_of(hits[:, hour, look], counts[:, hour, look], usual_hits, usual)
            found = evidence_of(np.concatenate([logs[1 - DAY :], step[None]]))
            new = (opened == NEVER) & (found >= BOUND)
            raised += new
            if change is not None and hour >= change:
                seen = np.where(new & np.isinf(seen), hour - change + (look + 1) / looks, seen)
            opened = np.where(new, hour, np.where(found < BOUND / 2, NEVER, opened))
        logs = np.concatenate([logs, step[None]])
    return raised, seen


def logs_of(x: np.ndarray, n: np.ndarray, y: np.ndarray, m: np.ndarray) -> np.ndarray:
    """`sequential.against_past` for many at once; a test holds the two together."""
    total, drawn = (x + y)[:, None], n[:, None]
    found = np.arange(int(n.max()) + 1)[None, :]
    possible = (found <= np.minimum(drawn, total)) & (found >= total - m[:, None])
    law = _choose(total, found) + _choose((n + m)[:, None] - total, drawn - found)
    law = np.where(possible, law, -np.inf)
    law -= _log_sums(law)[:, None]
    ratios = np.log(np.asarray(ODDS))
    expected = np.stack([_log_sums(law + ratio * found) for ratio in ratios], axis=1)
    found_beyond: np.ndarray = x[:, None] * ratios - expected
    return found_beyond


def _log_sums(logs: np.ndarray) -> np.ndarray:
    highest = logs.max(axis=1)
    sums: np.ndarray = highest + np.log(np.exp(logs - highest[:, None]).sum(axis=1))
    return sums


def evidence_of(steps: np.ndarray) -> np.ndarray:
    """`sequential.evidence` for many at once."""
    stretches = np.cumsum(steps[::-1], axis=0)
    mean: np.ndarray = np.log(np.exp(np.minimum(stretches, 600)).sum(axis=(0, 2))) - math.log(len(ODDS))
    return mean


def _choose(whole: np.ndarray, parts: np.ndarray) -> np.ndarray:
    whole, parts = np.maximum(whole, 0), np.clip(parts, 0, np.maximum(whole, 0))
    ways: np.ndarray = TABLE[whole] - TABLE[parts] - TABLE[whole - parts]
    return ways


def _past(months: Months, hour: int, opened: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Cases and hits of the same hours of the last seven days, or of the days before an alert was raised."""
    counts, hits = months
    latest = np.full(len(opened), hour - DAY)
    while (later := latest >= opened).any():
        latest = np.where(later, latest - DAY, latest)
    before = latest[:, None] - DAY * np.arange(REPEATS)[None, :]
    rows, known = np.arange(len(opened))[:, None], before >= 0
    at = np.maximum(before, 0)
    return (counts[rows, at, -1] * known).sum(axis=1), (hits[rows, at, -1] * known).sum(axis=1)


def plain_alarms(rate: float, *, seed: int, days: int = 30, known: bool = False) -> tuple[int, int]:
    """Hours of an unchanged month that exceed the usual by 20 % of it: bare, and with an exact binomial p <= 0.001 beside it.

    The usual is what the same hours of the last seven days say, or, if `known`, the truth.
    """
    rng = np.random.default_rng([seed, int(rate), 2])
    hours = LEARN + days * DAY
    counts = rng.poisson(rate, hours)
    hits = rng.binomial(counts, USUAL)
    bare = tested = 0
    for hour in range(LEARN, hours):
        before = [hour - DAY * n for n in range(1, REPEATS + 1)]
        usual = USUAL if known else hits[before].sum() / counts[before].sum()
        now = Tally(int(hits[hour]), int(counts[hour]))
        if now.share is not None and now.share > 1.2 * usual:
            bare += 1
            tested += exact.at_least(now, usual) <= 0.001
    return bare, tested


def drift_alarms(size: int, *, runs: int = 2_000, seed: int = 5) -> dict[str, float]:
    """Share of unchanged comparisons that alarm: by the critical value at 1 %, and by the limits of folklore."""
    rng = np.random.default_rng([seed, size])
    shares = rng.dirichlet(np.full(10, 5.0))
    found = [
        drift(list(rng.multinomial(size, shares)), list(rng.multinomial(size, shares)), chance=0.01)
        for _ in range(runs)
    ]
    return {
        "chi-square, 1 %": sum(each.found for each in found) / runs,
        "PSI > 0.1": sum(each.index > 0.1 for each in found) / runs,
        "PSI > 0.25": sum(each.index > 0.25 for each in found) / runs,
    }


def _rows(months: int, looks: int) -> Iterator[tuple[str, str, bool | None]]:
    for rate in (100, 500):
        for wavy in (False, True):
            counts = false_alarms(rate, range(months), looks=looks, wavy=wavy)
            quiet = float((counts <= 1).mean())
            told = f"{counts.mean():.2f} a month; at most one in {quiet:.1%} of the months"
            yield f"sequential, false alarms, {rate}/h{', daily waves' if wavy else ''}", told, quiet >= 0.8
        seen = delays(rate, range(months), looks=looks)
        soon = float((seen <= WITHIN).mean())
        fresh = seen[np.isfinite(seen)]  # in the other months a false alert stood already
        told = f"within {WITHIN} h in {soon:.1%}; median {np.median(fresh):.1f} h, longest {fresh.max():.1f} h"
        yield f"sequential, 15 → 30 % seen, {rate}/h", told, soon >= 0.95
        for known in (True, False):
            found = [plain_alarms(rate, seed=seed, known=known) for seed in range(months)]
            bare, tested = (statistics.mean(each) for each in zip(*found, strict=True))
            past = "the true share" if known else "the last 7 days"
            told = f"{bare:.0f} hours a month; with exact binomial p ≤ 0.001 beside it {tested:.2f}"
            yield f"plain, +20 % relative to {past}, {rate}/h", told, None
    for size in (100, 1_000, 10_000):
        words = ", ".join(f"{name}: {share:.1%}" for name, share in drift_alarms(size).items())
        yield f"drift of nothing, {size} against {size} cases", words, None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--months", type=int, default=200)
    parser.add_argument("--looks", type=int, default=10)
    options = parser.parse_args()
    missed = False
    for name, told, good in _rows(options.months, options.looks):
        missed |= good is False
        print(f"| {name} | {told} | {'' if good is None else 'met' if good else 'MISSED'} |", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
