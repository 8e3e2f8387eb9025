"""Request bodies read raw: the right kind, not packed, not too large. Checked before a byte is parsed."""

from __future__ import annotations

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from django.utils.translation import gettext as _
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.request import Request

from cases.errors import Refused, TooLarge

CASE_OVERHEAD = 4  # a body may be this many times the payload limit: escapes, white space, context, prediction
MOST_DRAINED = 64 * 1024 * 1024
PIECE = 256 * 1024


class LengthNeeded(Refused):
    """A body that comes in pieces of unannounced length."""

    status = 411
    code = "length-needed"


def raw_json(request: Request, *, limit: int = 0) -> bytes:
    """The body of a JSON request. ``limit`` is in bytes; without one it is what a single case may need.

    Raises: UnsupportedMediaType, TooLarge, LengthNeeded.
    """
    http: HttpRequest = request._request  # noqa: SLF001 - DRF's own name for it
    if http.META.get("CONTENT_LENGTH") not in (None, "", "0"):  # of nothing, the kind does not matter
        _check_kind(http)
    most = limit or CASE_OVERHEAD * settings.PAYLOAD_MAX_BYTES
    check_size(request, most=most)
    try:
        return http.body
    except RequestDataTooBig as error:
        raise _too_large(most) from error


def check_size(request: Request, *, most: int) -> None:
    """Refuse by the announced length, before anything is read into memory.

    Raises: TooLarge, LengthNeeded.
    """
    http: HttpRequest = request._request  # noqa: SLF001 - DRF's own name for it
    try:
        length = int(http.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        length = 0
    if http.headers.get("Transfer-Encoding") and not http.META.get("CONTENT_LENGTH"):
        raise LengthNeeded(_("Send a Content-Length; bodies in chunks are not taken."))
    if length > most:
        _drain(http, length)
        raise _too_large(most)


def _check_kind(http: HttpRequest) -> None:
    if http.headers.get("Content-Encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType("", detail=_("Compressed bodies are not taken; send the JSON as it is."))
    charset = (http.content_params or {}).get("charset", "utf-8").strip("\"'").lower()
    if http.content_type != "application/json" or charset not in ("utf-8", "utf8", "us-ascii"):
        raise UnsupportedMediaType("", detail=_("Send the body as application/json in UTF-8."))


def _drain(http: HttpRequest, length: int) -> None:
    """Read on for a while, so that the sender gets to hear the answer instead of a broken connection."""
    left = min(length, MOST_DRAINED)
    while left > 0 and (piece := http.read(min(left, PIECE))):
        left -= len(piece)


def _too_large(most: int) -> TooLarge:
    message = _("At most %(limit)d bytes in one request.") % {"limit": most}
    return TooLarge(_("The request is too large."), errors={"body": [message]})
