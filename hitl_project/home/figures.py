"""Who leads by the numbers: a few of the report's figures with their watch words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.cache import cache
from django.http import QueryDict
from django.utils.translation import get_language

from cases.access import can
from metrics import cards, periods, report
from metrics.loading import MEASURES

HEADLINES = (
    "throughput_clock",
    "escalation_rate",
    "override_rate_sampled",
    "automated_error",
    "sla_attainment",
    "backlog",
)
SECONDS = 60


@dataclass(frozen=True, slots=True)
class Headline:
    """One figure in words: how it stands by its watch band, and what to do where it stands badly."""

    key: str
    name: str
    value: str
    state: str
    word: str
    shape: str
    advice: str


def blocks(user: User, *, at_the_desk: bool) -> dict[str, Any]:
    """Not for those at the desk: they have the queues, and the report is one step away."""
    return {"headlines": headlines() if not at_the_desk and can(user, "metrics.view_report") else []}


def headlines() -> list[Headline]:
    """Built at most once a minute and language: they are counted by the hour, so a minute's age tells no difference."""
    return cache.get_or_set(f"home-headlines-{get_language()}", _headlines, SECONDS) or []


def _headlines() -> list[Headline]:
    now = datetime.now(UTC)
    made = report.build(periods.read(QueryDict(), now=now), now=now, needs=MEASURES)
    found = [cards.card(reading, made) for reading in made.readings if reading.measure.key in HEADLINES]
    return [_headline(card) for card in found]


def _headline(card: cards.Card) -> Headline:
    return Headline(
        key=card.measure.key,
        name=str(card.measure.name),
        value=card.value,
        state=str(card.state),
        word=str(card.word or ""),
        shape=card.shape,
        advice=str(card.advice or ""),
    )
