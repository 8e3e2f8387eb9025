"""The demonstration in the tables: complete, consistent, and a place where the real verbs go on working."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db.models import F, Q

from cases import outbox, schemas, seals
from cases.classify import classify_batch
from cases.models import AuditEvent, Case, CaseType, Effect
from cases.models.choices import State
from feedback.examples import learnable
from feedback.models import Correction, OutcomeReport, Sample
from feedback.registry import active_model
from hitl_project.demo.feeding import feed
from hitl_project.demo.rows import SOURCES
from metrics.models import FlowRollup
from review import claims, coin
from review.decide import Answer, decide
from review.models import Approval, Decision, Policy, ReviewTask
from review.route import route_batch
from review.shown import digest_of, newest_prediction
from tests.demo_office import NOW

DAYS = 6
pytestmark = [
    pytest.mark.django_db,
    pytest.mark.postgres_too,
    pytest.mark.usefixtures("redis", "office"),
    pytest.mark.xdist_group("office"),
]


def test_what_is_loaded_is_whole_and_consistent(office: int) -> None:
    assert office == Case.objects.count() > 300
    assert set(Case.objects.values_list("case_type__key", flat=True)) == set(SOURCES)

    settled = Case.objects.filter(state__in=[State.DECIDED, State.CLOSED])
    assert not settled.exclude(decisions__case_version=F("version")).exists()
    in_review = Case.objects.filter(state=State.IN_REVIEW)
    assert in_review.count() == in_review.filter(tasks__closed_at=None).distinct().count() > 5
    assert not Case.objects.filter(state=State.CLOSED, closed_at=None).exists()
    closing = Case.objects.filter(state=State.CLOSED, tasks__closed_at=None).exclude(tasks__reason="sample")
    assert not closing.filter(tasks__closed_at=None, tasks__reason__in=["low_confidence", "validation"]).exists()

    unsent = Q(effects__blocking=True) & ~Q(effects__status=Effect.Status.DELIVERED)
    assert not Case.objects.filter(unsent, state=State.CLOSED).exists()
    for decision in Decision.objects.exclude(output=None).select_related("case__case_type"):
        assert not schemas.problems(decision.case.case_type.output_schema, decision.output)


def test_every_page_of_the_demo_has_something_to_show() -> None:
    waiting = set(ReviewTask.objects.open().values_list("queue__key", flat=True))
    assert {"front-desk", "experts", "supervisors", "quality"} <= waiting
    sources = set(Correction.objects.values_list("source", flat=True))
    assert Correction.Source.OVERRIDE in sources
    assert set(OutcomeReport.objects.values_list("correct", flat=True)) == {True, False}
    assert set(Sample.objects.values_list("automated", flat=True)) == {True, False}
    assert {"approve", "amend"} <= set(Decision.objects.values_list("outcome", flat=True))
    assert Decision.objects.filter(held=True).count() >= Approval.objects.count() > 0
    assert ReviewTask.objects.filter(ending=ReviewTask.Ending.RAISED).exists()
    assert Case.objects.filter(version=2).exists()
    assert Effect.objects.dead().exists()
    assert FlowRollup.objects.filter(span="day").exists()
    assert set(Policy.objects.values_list("mode", flat=True)) == {"validator", "exception_handler", "teacher"}


def test_history_is_backdated_and_its_audit_chain_verifies() -> None:
    begin = NOW - timedelta(days=DAYS)
    assert begin < Case.objects.earliest("created_at").created_at < begin + timedelta(hours=8)
    assert not Decision.objects.filter(decided_at__lt=F("case__created_at")).exists()
    assert not ReviewTask.objects.filter(claimed_at__lt=F("opened_at")).exists()
    assert not Case.objects.filter(created_at__gt=NOW).exists()
    moments = list(AuditEvent.objects.exclude(case_id=None).order_by("pk").values_list("at", flat=True))
    assert moments == sorted(moments)
    seals.seal()
    verdict = seals.verify()
    assert (verdict.broken, verdict.sealed) == (None, AuditEvent.objects.count())


def test_the_real_verbs_go_on_where_the_history_ends() -> None:
    rita = User.objects.get(username="rita")
    task = claims.claim_next(rita, origin="api", queue="front-desk")
    assert task is not None
    prediction = newest_prediction(task.case)
    answer = Answer(outcome="amend", output=_another(task), active_seconds=12)
    digest = digest_of(task, task.case, prediction)
    decision = decide(task.pk, user=rita, lease_token=task.lease_token, digest=digest, answer=answer, origin="api")
    assert decision is not None
    assert decision.decided_by == rita

    sanjay = User.objects.get(username="sanjay")
    dead = Effect.objects.dead()
    assert outbox.retry(dead, actor=sanjay, origin="admin") > 0
    assert not Effect.objects.dead().exists()


def test_live_cases_are_answered_by_the_models_that_were_trained() -> None:
    assert active_model("support-email") is not None
    assert len(learnable(CaseType.objects.get(key="support-email"))) > 150
    known = set(Case.objects.values_list("pk", flat=True))
    feed(threading.Event(), every=0.001, limit=12)
    classify_batch()
    route_batch()
    fresh = Case.objects.exclude(pk__in=known)
    assert set(fresh.values_list("state", flat=True)) <= {State.IN_REVIEW, State.DECIDED}
    said = {prediction.model for case in fresh for prediction in case.predictions.all()}
    assert said <= {"local", "refund-engine", "receipt-reader", "draft-writer"}
    assert not fresh.exclude(predictions__error="").exists()


def test_the_coin_of_the_history_is_the_coin_of_the_product() -> None:
    rates = {policy.case_type_id: policy.sample_rate for policy in Policy.objects.all()}
    for case in Case.objects.exclude(routed_at=None):
        assert case.sampled is (coin.draw(case.pk) < rates[case.case_type_id])


def _another(task: ReviewTask) -> dict[str, object]:
    if task.case.case_type.key == "refund-request":
        return {"label": "partial", "amount": 1.23, "reason": "Agreed by phone"}
    labels = schemas.labels_of(task.case.case_type.output_schema)
    return {"label": next(label for label in labels if label != task.case.label)}
