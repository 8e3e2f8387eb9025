"""Filters of the desk's templates."""

from __future__ import annotations

from typing import Any

from django import template

from review.desk import why

register = template.Library()


@register.filter
def percent(share: Any) -> str:
    """A share for people: 83 %."""
    return why.percent(share)


@register.filter
def plain_number(value: Any) -> str:
    """A number for an attribute of HTML, which knows no decimal comma."""
    return f"{float(value):.4f}" if isinstance(value, int | float) else "0"
