"""Filters of the desk's templates."""

from __future__ import annotations

from typing import Any

from django import template

from review.desk import marking, words
from review.desk.fields import Field

register = template.Library()


@register.filter
def percent(share: Any) -> str:
    """A share for people: 83 %."""
    return words.percent(share)


@register.filter
def plain_number(value: Any) -> str:
    """A number for an attribute of HTML, which knows no decimal comma."""
    return f"{float(value):.4f}" if isinstance(value, int | float) else "0"


@register.filter
def doubtful(fields: list[Field]) -> list[Field]:
    """The fields to look at first."""
    return marking.doubtful(fields)
