"""What Prometheus reads, and the Grafana dashboard that reads that."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import django_rq
import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from redis import RedisError
from rq.job import Job
from rq.registry import FailedJobRegistry

from cases.models import Case, Effect, EffectAttempt, Prediction
from hitl_project.prometheus import Figures
from metrics import rollup
from tests.metrics_history import MINUTE, History

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("redis")]
DASHBOARD = Path(settings.BASE_DIR) / "docs" / "grafana-dashboard.json"
MONITORING = Path(settings.BASE_DIR) / "docs" / "monitoring.md"
MOST_QUERIES = 16


@pytest.fixture(autouse=True)
def _it_is_noon() -> Iterator[None]:
    """Of yesterday: what happened minutes ago happened on the same day, and lies in the past of the database's clock."""
    noon = datetime.now(UTC).replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=1)
    with time_machine.travel(noon, tick=False):
        yield


def scraped() -> str:
    registry = CollectorRegistry()
    registry.register(Figures())
    return generate_latest(registry).decode()


def samples(text: str) -> dict[str, float]:
    return {
        sample.name + json.dumps(sample.labels, sort_keys=True): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def names_in(text: str) -> set[str]:
    return {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}


def a_busy_day() -> History:
    """Something of everything, now."""
    past = History()
    now = datetime.now(UTC) - timedelta(seconds=90)
    made = past.automated(now - 10 * MINUTE)
    past.decide(past.waiting(now - 10 * MINUTE, due=MINUTE), now, seconds=20, waited=2 * MINUTE, override=True)
    past.waiting(now - 20 * MINUTE, due=MINUTE)
    Prediction.objects.update(latency_ms=400, model="m", cost="0.25", tokens={"input": 10, "output": 2})
    for status in ("pending", "dead"):
        named = {"event": "case.decided", "action": "log", "key": status, "status": status, "created_at": now}
        effect = Effect.objects.create(case=made.case, **named)
        EffectAttempt.objects.create(effect=effect, number=1, at=now, succeeded=status == "pending", elapsed_ms=120)
    rollup.roll_up()
    return past


def test_what_stands_and_waits_is_told_with_its_age() -> None:
    a_busy_day()
    found = samples(scraped())
    assert found['countersign_cases_standing{"state": "in_review"}'] == 1
    assert found['countersign_oldest_case_seconds{"state": "in_review"}'] > 20 * 60
    assert found['countersign_tasks_open{"queue": "desk"}'] == found['countersign_tasks_overdue{"queue": "desk"}'] == 1
    assert found['countersign_oldest_task_seconds{"queue": "desk"}'] > 19 * 60
    assert found['countersign_effects{"status": "dead"}'] == 1
    assert found['countersign_oldest_effect_seconds{"status": "dead"}'] >= 0


def test_counters_tell_all_that_has_happened() -> None:
    a_busy_day()
    found = samples(scraped())
    kind = '"case_type": "support-email"'
    assert found[f"countersign_cases_received_total{{{kind}}}"] == 3
    assert found[f'countersign_cases_escalated_total{{{kind}, "mode": "exception_handler"}}'] == 2
    assert found[f'countersign_cases_routed_total{{{kind}, "mode": "exception_handler", "reason": ""}}'] == 1
    assert found[f'countersign_decisions_total{{"by": "person", {kind}}}'] == 1
    assert found[f'countersign_decisions_total{{"by": "policy", {kind}}}'] == 1
    assert found[f"countersign_overrides_total{{{kind}}}"] == 1
    assert found[f'countersign_model_answers_total{{{kind}, "model": "m", "outcome": "answered"}}'] == 3
    assert found[f'countersign_model_cost_usd_total{{{kind}, "model": "m"}}'] == 0.75
    assert found[f'countersign_model_tokens_total{{{kind}, "direction": "read", "model": "m"}}'] == 30


def test_counters_never_go_down_when_cases_are_reopened_or_erased() -> None:
    past = a_busy_day()
    before = {name: value for name, value in samples(scraped()).items() if "_total{" in name}
    case = Case.objects.filter(state="closed").earliest("pk")
    Case.objects.filter(pk=case.pk).update(state="in_review", version=2, closed_at=None, payload={})
    past.note(case, "case.in_review", datetime.now(UTC))
    past.note(case, "case.erased", datetime.now(UTC))
    rollup.roll_up()
    after = samples(scraped())
    assert before
    assert all(after[name] >= value for name, value in before.items())


def test_durations_are_histograms_of_the_day() -> None:
    a_busy_day()
    found = samples(scraped())
    kind = '"case_type": "support-email"'
    assert found[f'countersign_classification_seconds_bucket{{{kind}, "le": "0.25"}}'] == 0
    assert found[f'countersign_classification_seconds_bucket{{{kind}, "le": "0.5"}}'] == 3
    assert found[f"countersign_classification_seconds_count{{{kind}}}"] == 3
    assert found['countersign_review_seconds_bucket{"le": "10.0", "queue": "desk"}'] == 0
    assert found['countersign_review_seconds_bucket{"le": "30.0", "queue": "desk"}'] == 1
    assert found['countersign_review_seconds_sum{"queue": "desk"}'] == pytest.approx(20, rel=0.03)
    assert found['countersign_waiting_seconds_count{"queue": "desk"}'] == 1
    assert found['countersign_delivery_seconds{"quantile": "0.5"}'] == 0.12
    assert found['countersign_delivery_attempts_recent{"outcome": "failed"}'] == 1


def test_the_machinery_tells_how_it_is() -> None:
    past = a_busy_day()
    queue = django_rq.get_queue("pipeline")
    job = Job.create("cases.jobs.sweep", connection=queue.connection, serializer=queue.serializer)
    job.save()
    FailedJobRegistry(queue=queue).add(job, ttl=100)
    past.note(Case.objects.earliest("pk"), "case.viewed", datetime.now(UTC) - timedelta(seconds=30))
    found = samples(scraped())
    assert found['countersign_jobs_failed{"queue": "pipeline"}'] == 1
    assert found["countersign_redis_up{}"] == 1
    assert 29 < found["countersign_rollup_lag_seconds{}"] < 90
    assert found['countersign_worker_alive{"queue": "effects"}'] == 0


def test_a_redis_that_is_away_is_told_and_the_rest_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def away(name: str) -> None:
        raise RedisError(name)

    monkeypatch.setattr("hitl_project.prometheus.machinery.django_rq.get_queue", away)
    found = samples(scraped())
    assert found["countersign_redis_up{}"] == 0
    assert 'countersign_cases_standing{"state": "received"}' in found


def test_a_scrape_takes_few_queries_however_much_there_is() -> None:
    a_busy_day()
    for key in ("refunds", "invoices"):
        other = History(key)
        other.waiting(datetime.now(UTC) - 5 * MINUTE, due=MINUTE)
    rollup.roll_up()
    with CaptureQueriesContext(connection) as queries:
        scraped()
    assert len(queries) <= MOST_QUERIES


def test_every_metric_has_a_help_text_and_a_line_in_the_documentation() -> None:
    a_busy_day()
    text = scraped()
    documented = MONITORING.read_text(encoding="utf-8")
    for family in text_string_to_metric_families(text):
        assert family.documentation.endswith((".", "day.", "today."))
        assert family.name.startswith("countersign_")
        stem = family.name.removeprefix("countersign_tasks")  # one row of the table names three
        assert stem in documented, family.name


def test_the_dashboard_is_one_that_grafana_can_import() -> None:
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert (board["title"], board["uid"], board["schemaVersion"]) == ("Countersign", "countersign", 39)
    ids = [panel["id"] for panel in board["panels"]]
    assert len(ids) == len(set(ids))
    for panel in board["panels"]:
        assert {"type", "title", "gridPos"} <= panel.keys()
        assert panel["gridPos"].keys() == {"h", "w", "x", "y"}
        assert panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24
        assert panel["type"] == "row" or panel["targets"]


def test_the_dashboard_asks_only_for_metrics_and_labels_that_exist() -> None:
    a_busy_day()
    text = scraped()
    exist, labels = names_in(text), set(re.findall(r"(\w+)=\"", text))
    board = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in board["panels"] for target in panel.get("targets", [])]
    asked += [variable["definition"] for variable in board["templating"]["list"] if "definition" in variable]
    assert len(asked) > 20
    for query in asked:
        names = set(re.findall(r"countersign_\w+", query))
        assert names
        assert names <= exist, names - exist
        grouped = re.findall(r"by \(([^)]*)\)", query)
        assert {name.strip() for group in grouped for name in group.split(",")} <= labels
