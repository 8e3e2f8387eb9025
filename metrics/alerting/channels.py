"""Channels of alerts: what makes one right. The same rule for the admin and the configuration file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from cases.addresses import RefusedUrl
from metrics.models import AlertChannel

MOST_ADDRESSES = 20
LONGEST_URL = 1000
Found = Iterator[tuple[str, str]]


def check_addresses(value: Any) -> Found:
    """A list of mail addresses."""
    if not isinstance(value, list) or not 0 < len(value) <= MOST_ADDRESSES:
        yield "addresses", _("From 1 to %(limit)d e-mail addresses are needed.") % {"limit": MOST_ADDRESSES}
        return
    for address in value:
        try:
            validate_email(address if isinstance(address, str) else "")
        except ValidationError:
            yield "addresses", _("One of the addresses is not an e-mail address.")
            return


def check_url(value: Any) -> Found:
    """An address that the backend understands and may call. What is wrong is said without repeating it."""
    if not isinstance(value, str) or not value.strip() or len(value) > LONGEST_URL or "\0" in value:
        yield "url", _("An address of at most %(limit)d characters is needed.") % {"limit": LONGEST_URL}
        return
    entry = settings.ACTIONS["apprise"]
    try:
        import_string(entry["BACKEND"])(**entry.get("OPTIONS", {})).check(value.strip())
    except RefusedUrl as refusal:
        yield "url", str(refusal)


def check(*, kind: str, addresses: Any, endpoint: Any, url: Any) -> Found:
    """What a channel of a kind needs, by field."""
    if kind == AlertChannel.Kind.MAIL:
        yield from check_addresses(addresses)
    elif kind == AlertChannel.Kind.WEBHOOK:
        if not endpoint:
            yield "endpoint", _("Choose the endpoint that is called.")
    else:
        yield from check_url(url)
