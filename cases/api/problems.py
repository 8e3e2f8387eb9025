"""Every refusal as RFC 9457 ``application/problem+json``."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from cases.errors import Refused


def problem(
    *, status: int, detail: str, errors: dict[str, list[str]], code: str = "about:blank", title: str = ""
) -> Response:
    body = {
        "type": code,
        "title": title or HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "errors": errors,
    }
    return Response(body, status=status, content_type="application/problem+json")


def problem_handler(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's exception handler: our refusals and DRF's own in one form."""
    if isinstance(error, Refused):
        return problem(status=error.status, detail=error.message, errors=error.errors, code=error.code)
    if isinstance(error, Http404):
        error = exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    answer = exception_handler(error, context)
    if answer is None or not isinstance(error, exceptions.APIException):
        return answer
    return _from_drf(error, answer)


def _from_drf(error: exceptions.APIException, answer: Response) -> Response:
    status = 422 if isinstance(error, exceptions.ValidationError) else answer.status_code
    errors = _flat(error.detail) if isinstance(error, exceptions.ValidationError) else {}
    detail = _("Some fields are not valid; see errors.") if errors else str(error.detail)
    made = problem(status=status, detail=detail, errors=errors, code=str(error.default_code).replace("_", "-"))
    for header in ("WWW-Authenticate", "Retry-After", "Allow"):
        if header in answer:
            made[header] = answer[header]
    return made


def _flat(detail: Any, path: str = "") -> dict[str, list[str]]:
    """DRF's nested error detail as JSON paths."""
    if isinstance(detail, dict):
        return {
            k: v for key, item in detail.items() for k, v in _flat(item, f"{path}.{key}" if path else str(key)).items()
        }
    if isinstance(detail, list) and any(isinstance(item, dict | list) for item in detail):
        return {k: v for index, item in enumerate(detail) for k, v in _flat(item, f"{path}[{index}]").items()}
    texts = detail if isinstance(detail, list) else [detail]
    return {path or "body": [str(text) for text in texts]}
