"""Figures of alerts in templates."""

from __future__ import annotations

from django import template

from metrics.measures import Unit
from metrics.wording import duration, figure, plain

register = template.Library()


@register.filter
def share(value: float | None) -> str:
    return figure(value, Unit.SHARE)


@register.filter
def number(value: float) -> str:
    """One decimal where it matters."""
    return plain(value)


@register.filter
def time(seconds: float) -> str:
    return duration(seconds)
