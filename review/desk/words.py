"""Values and shares in words, for people."""

from __future__ import annotations

import json
from typing import Any

from django.utils.translation import gettext as _


def plain(value: Any) -> str:
    """A value of an output in one line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def percent(share: Any) -> str:
    """A share: 83 %, and never 100 % for what is less."""
    if not isinstance(share, int | float) or isinstance(share, bool):
        return "–"
    whole = int(share * 100) if share < 1 else 100
    return f"{max(whole, round(share * 100) if share < 0.99 else whole)} %"  # noqa: PLR2004 - two figures


def sureness(confidence: float) -> str:
    """A confidence in a word, for those who do not read bars."""
    words = ((0.95, _("very sure")), (0.8, _("sure")), (0.6, _("leaning")), (0.4, _("unsure")))
    return next((word for least, word in words if confidence >= least), _("guessing"))
