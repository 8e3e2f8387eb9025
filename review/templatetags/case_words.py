"""Filters of the case page."""

from __future__ import annotations

from typing import Any

from django import template
from django.utils.safestring import SafeString

from cases.admin.base import badge
from cases.admin.words import STATUS_KINDS
from cases.models import Effect
from review.admin import words
from review.desk import machine

register = template.Library()


@register.filter
def state_badge(state: str) -> SafeString:
    return words.state_badge(state)


@register.filter
def priority_badge(number: int) -> SafeString:
    return words.priority(number)


@register.filter
def effect_badge(status: str) -> SafeString:
    return badge(Effect.Status(status).label, STATUS_KINDS[status])


@register.filter
def rows_of(output: Any) -> list[tuple[str, str]]:
    return machine.rows_of(output)


@register.filter
def event_words(action: str) -> str:
    """An action of the audit log in words: ``case.in_review`` becomes “case in review”."""
    return action.replace(".", " ").replace("_", " ").capitalize()
