"""The tag ``{% icon "home" %}``, for every template: a symbol of our sprite. A page shows dozens, so it is no template."""

from __future__ import annotations

from django import template
from django.templatetags.static import static
from django.utils.html import format_html
from django.utils.safestring import SafeString

register = template.Library()


@register.simple_tag
def icon(name: str, size: int = 18) -> SafeString:
    """Of so many pixels a side; the words beside it say what it means."""
    return format_html(
        '<svg class="cs-icon" width="{size}" height="{size}" aria-hidden="true" focusable="false">'
        '<use href="{sprite}#{name}"></use></svg>',
        size=size,
        sprite=static("countersign/icons/sprite.svg"),
        name=name,
    )
