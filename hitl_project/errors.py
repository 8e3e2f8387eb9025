"""Answers to what went wrong before or outside a view: problems for the API, pages for people."""

from __future__ import annotations

import sys
from http import HTTPStatus

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views import defaults
from django.views.csrf import csrf_failure

RETRY_AFTER_SECONDS = 5


def wants_json(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


def problem(status: int, detail: str) -> JsonResponse:
    """An RFC 9457 problem document."""
    content = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": {},
    }
    return JsonResponse(content, status=status, content_type="application/problem+json")


def unavailable(request: HttpRequest) -> HttpResponse:
    """503 without a query, a session or a template that needs one."""
    detail = _("The database cannot be reached. Try again in a moment.")
    response = (
        problem(503, detail) if wants_json(request) else HttpResponse(detail, status=503, content_type="text/plain")
    )
    response["Retry-After"] = str(RETRY_AFTER_SECONDS)
    return response


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if wants_json(request):
        return problem(400, _("The request cannot be read."))
    return defaults.bad_request(request, exception)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    if wants_json(request):
        return problem(403, _("You may not do this."))
    return defaults.permission_denied(request, exception)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if wants_json(request):
        return problem(404, _("There is nothing at this address."))
    return defaults.page_not_found(request, exception)


def failed(request: HttpRequest) -> HttpResponse:
    # Middleware that asks for the session is answered here, not in process_exception.
    if isinstance(sys.exc_info()[1], OperationalError | InterfaceError):
        return unavailable(request)
    if wants_json(request):
        return problem(500, _("Something went wrong on our side. It has been logged."))
    return defaults.server_error(request)


def csrf_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    if wants_json(request):
        return problem(403, _("The CSRF token is missing or wrong."))
    return csrf_failure(request, reason)
