"""What every answer carries, and what an answer looks like when the database is away."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from hitl_project import errors
from hitl_project.middleware import DatabaseAway


def test_a_sane_request_id_comes_back_and_another_is_replaced(client: Client) -> None:
    assert client.get("/healthz", headers={"X-Request-ID": "order-4711.a"})["X-Request-ID"] == "order-4711.a"
    for hostile in ("short", "x" * 65, "a b c d e f g h", "<script>alert(1)</script>"):
        answer = client.get("/healthz", headers={"X-Request-ID": hostile})["X-Request-ID"]
        assert answer != hostile
        assert len(answer) == 32


def test_the_content_policy_is_strict_everywhere_but_for_style_attributes_on_foreign_pages(client: Client) -> None:
    strict = client.get("/healthz")["Content-Security-Policy"]
    assert "default-src 'self'" in strict
    assert "frame-ancestors 'none'" in strict
    assert "unsafe" not in strict
    foreign = client.get("/api/v1/docs/")["Content-Security-Policy"]
    assert "style-src 'self' 'unsafe-inline'" in foreign
    assert "unsafe" not in foreign.replace("style-src 'self' 'unsafe-inline'", "")


def test_answers_carry_the_security_headers(client: Client) -> None:
    answer = client.get("/healthz")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("error", [OperationalError("gone"), InterfaceError("closed")])
@pytest.mark.parametrize(("path", "kind"), [("/api/v1/cases/", "application/problem+json"), ("/admin/", "text/plain")])
def test_a_database_that_is_away_is_503_with_retry_after(
    rf: RequestFactory, error: Exception, path: str, kind: str
) -> None:
    answer = DatabaseAway(lambda request: HttpResponse()).process_exception(rf.get(path), error)
    assert answer is not None
    assert (answer.status_code, answer["Retry-After"], answer["Content-Type"]) == (503, "5", kind)


def test_other_errors_are_left_to_others(rf: RequestFactory) -> None:
    assert DatabaseAway(lambda request: HttpResponse()).process_exception(rf.get("/"), ValueError("x")) is None


def test_an_error_inside_middleware_is_answered_in_the_same_way(rf: RequestFactory) -> None:
    def lose_the_database() -> None:
        raise OperationalError("gone")

    try:
        lose_the_database()
    except OperationalError:
        assert errors.failed(rf.get("/api/v1/cases/")).status_code == 503


def bad_request(request: HttpRequest) -> HttpResponse:
    return errors.bad_request(request, ValueError())


def forbidden(request: HttpRequest) -> HttpResponse:
    return errors.forbidden(request, PermissionError())


def not_found(request: HttpRequest) -> HttpResponse:
    return errors.not_found(request, LookupError())


@pytest.mark.parametrize(
    ("handler", "status"),
    [(bad_request, 400), (forbidden, 403), (errors.csrf_refused, 403), (not_found, 404), (errors.failed, 500)],
)
def test_errors_are_problems_on_the_api_and_pages_elsewhere(
    rf: RequestFactory, handler: Callable[[HttpRequest], HttpResponse], status: int
) -> None:
    problem = handler(rf.get("/api/v1/cases/"))
    assert (problem.status_code, problem["Content-Type"]) == (status, "application/problem+json")
    page = handler(rf.get("/reports/"))
    assert (page.status_code, page["Content-Type"].partition(";")[0]) == (status, "text/html")


def test_an_unknown_api_address_is_a_problem(client: Client) -> None:
    answer = client.get("/api/v1/nothing-here/")
    assert answer.status_code == 404
    assert answer.json()["status"] == 404


@pytest.mark.django_db
def test_a_post_without_the_last_slash_is_sent_on_as_a_post(client: Client) -> None:
    answer = client.post("/api/v1/cases", {}, content_type="application/json")
    assert (answer.status_code, answer["Location"]) == (308, "/api/v1/cases/")
