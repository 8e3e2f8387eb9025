"""Shares that jump, fall, leave their band or break their promise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from metrics import intervals
from metrics.alerting import exact
from metrics.alerting.parameters import RELATIVE
from metrics.alerting.sequential import ODDS, Tally, against_past, against_promise, evidence
from metrics.alerting.shapes import DAY, Point, Season, Settings, ShareSight, State, Verdict, total

FALLING = tuple(1 / ratio for ratio in ODDS)
CALM = 0.5  # a change is over when less than this part of it is left
SURE = 0.95
HALF = 0.5


def rising(sight: ShareSight, settings: Settings) -> Verdict:
    """More than at the same times before."""
    return _changed(sight, settings, up=True)


def falling(sight: ShareSight, settings: Settings) -> Verdict:
    """Less than at the same times before."""
    return _changed(sight, settings, up=False)


def above_promise(sight: ShareSight, settings: Settings) -> Verdict:
    """More than what is promised; nothing is said where nothing is."""
    whole = total([step.now for step in sight.steps])
    if sight.promise is None or whole.whole < settings["least"]:
        return Verdict(State.UNKNOWN)
    if settings["trigger"] == "sequential" and sight.interval is None:
        logs = [against_promise(step.now, sight.promise) for step in sight.steps]
        return _weighed(sight, settings, whole, logs)
    low, high = sight.interval or _bounds(whole)
    state = State.RAISE if low > sight.promise else State.WELL if (whole.share or 0) <= sight.promise else State.BETWEEN
    figures = {"low": low, "high": high, "limit": sight.promise, **_counted(whole)}
    return Verdict(state, figures, series(sight), sight.promise)


def out_of_band(sight: ShareSight, settings: Settings) -> Verdict:
    """Surely above the upper or below the lower end."""
    whole = total([step.now for step in sight.steps])
    low, high = settings["low"], settings["high"]
    if whole.whole < settings["least"]:
        return Verdict(State.UNKNOWN)
    above = (whole.share or 0) > high
    limit = high if above else low
    if settings["trigger"] == "sequential":
        tests = [_logs_of_band(step.now, low, high) for step in sight.steps]
        return _weighed(sight, settings, whole, tests, limit=limit)
    bounds = _bounds(whole)
    state = State.RAISE if bounds[0] > high or bounds[1] < low else State.BETWEEN
    state = State.WELL if low <= (whole.share or 0) <= high else state
    figures = {"low": bounds[0], "high": bounds[1], "limit": limit, **_counted(whole)}
    return Verdict(state, figures, series(sight), limit)


def above_level(sight: ShareSight, settings: Settings) -> Verdict:
    """More than a fixed level, by more than chance explains."""
    whole = total([step.now for step in sight.steps])
    limit = float(settings["limit"])
    if whole.whole < settings["least"]:
        return Verdict(State.UNKNOWN)
    sure = exact.at_least(whole, limit) <= settings["chance"]
    share = whole.share or 0
    state = State.RAISE if share > limit and sure else State.WELL if share <= limit * SURE else State.BETWEEN
    low, high = _bounds(whole)
    return Verdict(state, {"limit": limit, "low": low, "high": high, **_counted(whole)}, series(sight), limit)


def series(sight: ShareSight) -> tuple[Point, ...]:
    """The steps as the chart shows them."""
    return tuple(
        Point(start, step.now.share, step.usual.share, step.now.whole)
        for start, step in zip(sight.starts, sight.steps, strict=True)
    )


def _changed(sight: ShareSight, settings: Settings, *, up: bool) -> Verdict:
    if settings["trigger"] == "sequential":
        whole, usual = total([s.now for s in sight.steps]), total([s.usual for s in sight.steps])
        if min(whole.whole, usual.whole) < settings["least"]:
            return Verdict(State.UNKNOWN)
        logs = [against_past(step, ODDS if up else FALLING) for step in sight.steps]
        recent = _worst(sight, logs)
        return _weighed(sight, settings, recent[0], logs, usual=recent[1])
    recent_steps = sight.steps[-1 - settings["window"] :]  # the step under way, and so many full ones
    now, usual = total([step.now for step in recent_steps]), total([step.usual for step in recent_steps])
    if min(now.whole, usual.whole) < settings["least"]:
        return Verdict(State.UNKNOWN)
    return _plainly(sight, settings, now, usual, up=up)


def _plainly(sight: ShareSight, settings: Settings, now: Tally, usual: Tally, *, up: bool) -> Verdict:
    share, past = now.share or 0.0, usual.share or 0.0
    allowed = settings["change"] * (past if settings["measured"] == RELATIVE else 1)
    moved = share - past if up else past - share
    known = (usual.part + HALF) / (usual.whole + 2 * HALF)  # what never happened before is rare, not impossible
    chance = exact.at_least(now, known) if up else exact.at_most(now, known)
    certain = settings["chance"] is None or chance <= settings["chance"]
    state = State.RAISE if moved > allowed and certain else State.BETWEEN
    state = State.WELL if moved <= CALM * allowed else state
    figures = {"usual": past, "chance": chance, **_counted(now)}
    return Verdict(state, figures, series(sight), past + allowed if up else past - allowed)


def _weighed(
    sight: ShareSight,
    settings: Settings,
    now: Tally,
    logs: Sequence[Sequence[float]],
    *,
    usual: Tally | None = None,
    limit: float | None = None,
) -> Verdict:
    """The verdict of the sequential test: raised at the bound, over when half of it (as a logarithm) is gone."""
    found, bound = evidence(logs), math.log(bound_of(settings, sight.season))
    state = State.RAISE if found >= bound else State.WELL if found < CALM * bound else State.BETWEEN
    limit = limit if limit is not None else sight.promise
    figures: dict[str, Any] = {"evidence": max(found, -bound), "bound": bound, **_counted(now)}
    figures |= {"usual": usual.share} if usual else {}
    figures |= {"limit": limit} if limit is not None else {}
    return Verdict(state, figures, series(sight), limit)


def bound_of(settings: Settings, season: Season) -> float:
    """The average run length, in steps, that is asked for."""
    return max(2.0, float(settings["false_alarm_days"]) * (DAY / season.step))


def _worst(sight: ShareSight, logs: Sequence[Sequence[float]]) -> tuple[Tally, Tally]:
    """Now and before over the stretch, up to now, that speaks most for a change: that is what the sentence tells of."""
    best, sums, at = -math.inf, [0.0] * len(logs[0]), len(logs) - 1
    for place in range(len(logs) - 1, -1, -1):
        sums = [before + more for before, more in zip(sums, logs[place], strict=True)]
        if max(sums) > best and sight.steps[place].now.whole:
            best, at = max(sums), place
    chosen = sight.steps[at:]
    return total([step.now for step in chosen]), total([step.usual for step in chosen])


def _logs_of_band(now: Tally, low: float, high: float) -> list[float]:
    """Evidence against both ends, the lower one by its complement."""
    missed = Tally(now.whole - now.part, now.whole)
    return [*against_promise(now, high), *against_promise(missed, 1 - low)]


def _bounds(tally: Tally) -> tuple[float, float]:
    found = intervals.clopper_pearson(tally.part, tally.whole)
    return found.low, found.high


def _counted(tally: Tally) -> dict[str, Any]:
    return {"share": tally.share, "part": tally.part, "whole": tally.whole}
