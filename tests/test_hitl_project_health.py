"""Up, ready, and how it is doing."""

from __future__ import annotations

import time

import django_rq
import pytest
from django.conf import settings
from django.db import connection
from django.test import Client
from pytest_django import Settings as SettingsWrapper

from cases import tokens
from hitl_project import health
from hitl_project.workers import alive_key
from tests.factories import make_user

pytestmark = pytest.mark.django_db(transaction=True)


def all_workers_alive() -> None:
    for queue in settings.RQ_QUEUES:
        django_rq.get_connection(queue).set(alive_key(queue), "1", ex=15)


def test_healthz_asks_nobody(client: Client, settings: SettingsWrapper) -> None:
    settings.REDIS_URL = "unix:///nowhere.sock"
    assert client.get("/healthz").json() == {"status": "up"}


@pytest.mark.postgres_too
@pytest.mark.usefixtures("redis")
def test_readyz_is_200_when_everything_is_there(client: Client) -> None:
    all_workers_alive()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


@pytest.mark.usefixtures("redis")
def test_readyz_names_the_queue_that_nobody_works_on(client: Client) -> None:
    all_workers_alive()
    django_rq.get_connection("effects").delete(alive_key("effects"))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["missing"] == {"workers": "none alive for effects"}
    assert answer["Retry-After"] == "5"


def test_a_redis_that_is_away_says_nothing_about_workers(client: Client, settings: SettingsWrapper) -> None:
    settings.REDIS_URL = "unix:///nowhere.sock"
    assert client.get("/readyz").json()["missing"] == {"redis": "cannot be reached"}


@pytest.mark.postgres_too
@pytest.mark.usefixtures("redis")
def test_readyz_names_a_migration_that_is_not_applied(client: Client) -> None:
    all_workers_alive()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE django_migrations SET name = 'x' || name WHERE app = 'review'")
    try:
        assert client.get("/readyz").json()["missing"]["migrations"].endswith("first review.0001_tables")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("UPDATE django_migrations SET name = substr(name, 2) WHERE app = 'review'")


def test_readyz_does_not_wait_for_what_hangs(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang() -> dict[str, str]:
        time.sleep(3)
        return {}

    monkeypatch.setitem(health.CHECKS, "database", hang)
    began = time.monotonic()
    answer = client.get("/readyz")
    assert time.monotonic() - began < 2.5
    assert answer.json()["missing"]["database"] == "does not answer within 1.5 s"


def test_prometheus_needs_a_token_that_may_see_reports(client: Client, settings: SettingsWrapper) -> None:
    settings.METRICS_TOKEN = "the scraper's own"
    reviewer, manager = (
        tokens.issue_token(make_user(role), expires_days=1, actor="tests", origin="test")
        for role in ("reviewer", "manager")
    )

    def ask(token: str) -> int:
        return int(client.get("/metrics", headers={"Authorization": f"Bearer {token}"}).status_code)

    assert client.get("/metrics").status_code == 401
    assert [ask("wrong"), ask(reviewer), ask(manager), ask("the scraper's own")] == [401, 401, 200, 200]


@pytest.mark.usefixtures("redis")
def test_prometheus_reads_figures_whatever_process_answers(client: Client, settings: SettingsWrapper) -> None:
    settings.METRICS_TOKEN = "the scraper's own"
    text = client.get("/metrics", headers={"Authorization": "Bearer the scraper's own"}).content.decode()
    assert 'countersign_cases_standing{state="received"} 0.0' in text
    assert 'countersign_effects{status="dead"} 0.0' in text
    assert 'countersign_worker_alive{queue="learning"} 0.0' in text
    assert "countersign_redis_up 1.0" in text
