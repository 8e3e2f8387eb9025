"""Filters of the desk's templates."""

from __future__ import annotations

import re
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe

from review.desk import marking, words
from review.desk.fields import Field

register = template.Library()
# What stands in a text area is a value, white space or not.
BETWEEN_TAGS = re.compile(r">\s+<(?!/textarea)")


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


@register.simple_block_tag
def tight(content: str) -> SafeString:
    """A part of a page without the white space between its tags: in tables of many rows it would be half of the bytes."""
    return mark_safe(BETWEEN_TAGS.sub("><", content))  # noqa: S308 - rendered by templates already
