"""Queues that fill, tasks that fall due, deliveries and workers that are dead, confidence that drifts."""

from __future__ import annotations

from metrics.alerting import exact
from metrics.alerting.drift import drift
from metrics.alerting.shapes import (
    DAY,
    HOUR,
    BinSight,
    CountSight,
    DueSight,
    Point,
    QueueSight,
    Settings,
    State,
    Verdict,
)

EVEN = 0.05  # a surplus that chance explains this well is none


def saturated(sight: QueueSight, settings: Settings) -> Verdict:
    """Arrivals outrun decisions by more than chance explains, and what waits is worth a word."""
    chance = exact.more_than(sight.arrived, sight.finished)
    growth = (sight.arrived - sight.finished) / sight.hours
    breach = (sight.first_late - sight.now) / HOUR if sight.first_late else None
    figures = {
        "open": sight.open,
        "arrived": sight.arrived / sight.hours,
        "finished": sight.finished / sight.hours,
        "growth": growth,
        "hours": sight.hours,
        "breach_hours": None if breach is None else max(0.0, breach),
        "late": sight.late,
        "chance": chance,
    }
    fills = growth > 0 and chance <= settings["chance"] and sight.open >= settings["least"]
    state = State.RAISE if fills else State.BETWEEN
    state = State.WELL if growth <= 0 or chance > EVEN or not sight.open else state
    points = tuple(Point(start, float(level), None, level) for start, level in sight.backlog)
    return Verdict(state, figures, points)


def due_soon(sight: DueSight, settings: Settings) -> Verdict:
    """Tasks that fall due within minutes."""
    figures = {
        "soon": sight.soon,
        "overdue": sight.overdue,
        "minutes": settings["minutes"],
        "next_due": sight.next_due.isoformat() if sight.next_due else None,
    }
    state = State.RAISE if sight.soon >= settings["least"] else State.BETWEEN
    return Verdict(State.WELL if not sight.soon else state, figures)


def any_at_all(sight: CountSight, settings: Settings) -> Verdict:
    """Something is there that should not be."""
    state = State.RAISE if sight.count >= settings["least"] else State.BETWEEN
    state = State.WELL if not sight.count else state
    return Verdict(state, {"count": sight.count, "names": list(sight.names)})


def drifted(sight: BinSight, settings: Settings) -> Verdict:
    """The answers' confidence is spread otherwise than at the same hours before.

    Blocks of time do not overlap, so a block's chance of a false alarm is its share of the days between two of them.
    """
    if min(sum(sight.now), sum(sight.usual)) < settings["least"]:
        return Verdict(State.UNKNOWN)
    chance = min(0.5, settings["window"] * HOUR / (settings["false_alarm_days"] * DAY))
    found = drift(sight.now, sight.usual, chance=chance)
    figures = {
        "psi": found.index,
        "critical": found.critical,
        "bins": found.bins,
        "whole": sum(sight.now),
        "usual_whole": sum(sight.usual),
        "now_bins": list(sight.now),
        "usual_bins": list(sight.usual),
        "window": settings["window"],
        "since": sight.start.isoformat(),
    }
    return Verdict(State.RAISE if found.found else State.WELL, figures)
