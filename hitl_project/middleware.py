"""What happens to every request: an identity, a content policy, and a calm answer while the database is away."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import structlog
from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.http.response import HttpResponseBase
from django.middleware.common import CommonMiddleware
from django.utils.deprecation import MiddlewareMixin
from django_structlog.middlewares import RequestMiddleware

from hitl_project import errors

Answer = Callable[[HttpRequest], HttpResponse]
QUIET = frozenset({"/healthz", "/readyz", "/metrics"})
SANE_IDENTITY = re.compile(r"[A-Za-z0-9._-]{8,64}")


class RequestIdentity:
    """Every answer carries ``X-Request-ID``: the caller's where it is a plain short word, else a new one."""

    def __init__(self, get_response: Answer) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        identity = given if SANE_IDENTITY.fullmatch(given) else uuid.uuid4().hex
        request.META["HTTP_X_REQUEST_ID"] = identity
        response = self.get_response(request)
        response["X-Request-ID"] = identity
        return response


class KeptRedirect(HttpResponsePermanentRedirect):
    """Unlike 301, it keeps the method and the body: a POST without the last slash must not become a GET."""

    status_code = 308


class LastSlash(CommonMiddleware):
    response_redirect_class = KeptRedirect


class RequestLog(RequestMiddleware):
    """One line per request with who and what, except for those that ask every few seconds whether we are alive."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info in QUIET:
            return self.get_response(request)  # type: ignore[return-value]  # sync only
        return super().__call__(request)  # type: ignore[return-value]  # sync only

    def prepare(self, request: HttpRequest) -> None:
        """Lines and audit events carry the identity that the answer carries; theirs would be another one."""
        super().prepare(request)
        structlog.contextvars.bind_contextvars(request_id=request.META["HTTP_X_REQUEST_ID"])


class ContentPolicy(CSPMiddleware):
    """The strict policy everywhere; style attributes only on pages that others wrote."""

    def get_policy_parts(
        self,
        request: HttpRequest,
        response: HttpResponseBase,
        report_only: bool = False,  # noqa: FBT001, FBT002 - theirs
    ) -> PolicyParts:
        parts = super().get_policy_parts(request, response, report_only)
        if request.path_info.startswith(settings.CSP_INLINE_STYLES):
            parts.replace = {**(parts.replace or {}), "style-src": settings.CSP_INLINE_STYLE_SOURCES}
        return parts


class DatabaseAway(MiddlewareMixin):
    """A database that is away, full or stopping is 503 with Retry-After, for pages and the API alike, never 500."""

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if isinstance(exception, OperationalError | InterfaceError):
            return errors.unavailable(request)
        return None
