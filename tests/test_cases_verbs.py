"""What is done with one case through the API: its timeline, withdrawal, an outside model's answer, opening with a reason."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models.functions import Now

from cases.envelope import case_of
from cases.erase import erase
from cases.ingest import ingest
from cases.models import Attachment, AuditEvent, Case, CaseType, Effect, Prediction
from tests.callers import Api
from tests.factories import make_case, make_case_type, make_endpoint, make_prediction, make_task, make_user

pytestmark = [pytest.mark.django_db, pytest.mark.postgres_too]

GIVEN = {"output": {"label": "refund"}, "confidence": 0.9, "model": "m", "model_version": "3"}


@pytest.fixture
def case_type() -> CaseType:
    return make_case_type(key="mail", classifier="supplied")


@pytest.fixture
def api() -> Api:
    return Api(make_user("integration", username="sender"))


@pytest.fixture
def case(api: Api, case_type: CaseType) -> Case:
    item = case_of({"case_type": "mail", "payload": {"text": "my card 1234"}, "requester": "c-1", "external_id": "m-1"})
    [outcome] = ingest([item], sender=api.user, origin="api")
    return Case.objects.get(pk=outcome.case_id or 0)


@pytest.mark.parametrize("state", ["received", "classified", "in_review"])
def test_what_is_not_decided_can_be_withdrawn(api: Api, case_type: CaseType, state: str) -> None:
    make_endpoint(events=["case.cancelled"])
    case = make_case(case_type, state=state, sender=api.user)
    task = make_task(case) if state == "in_review" else None
    answer = api.post(f"/cases/{case.pk}/cancel/", {"reason": "sent by mistake"})
    assert (answer.status_code, answer.json()["state"]) == (200, "cancelled")
    assert AuditEvent.objects.get(action="case.cancelled", case_id=case.pk).data == {"reason": "sent by mistake"}
    assert Effect.objects.get(case=case).event == "case.cancelled"
    if task:
        task.refresh_from_db()
        assert task.ending == "cancelled"


def test_withdrawing_again_changes_nothing(api: Api, case: Case) -> None:
    for _time in range(2):
        assert api.post(f"/cases/{case.pk}/cancel/", {"reason": "mistake"}).status_code == 200
    assert AuditEvent.objects.filter(action="case.cancelled").count() == 1


@pytest.mark.parametrize("state", ["decided", "closed"])
def test_what_is_decided_cannot_be_withdrawn(api: Api, case_type: CaseType, state: str) -> None:
    case = make_case(case_type, state=state, sender=api.user)
    assert api.post(f"/cases/{case.pk}/cancel/", {"reason": "mistake"}).status_code == 409
    case.refresh_from_db()
    assert case.state == state


def test_a_withdrawal_needs_a_reason(api: Api, case: Case) -> None:
    answer = api.post(f"/cases/{case.pk}/cancel/", {})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["reason"])


@pytest.mark.parametrize("verb", ["cancel", "prediction"])
def test_somebody_elses_case_does_not_exist(case: Case, verb: str) -> None:
    stranger = Api(make_user("integration"))
    body = {"reason": "x"} if verb == "cancel" else GIVEN
    assert stranger.post(f"/cases/{case.pk}/{verb}/", body).status_code == 404
    assert stranger.get(f"/cases/{case.pk}/events/").status_code == 404


def test_one_may_see_a_case_and_still_not_withdraw_it(case: Case) -> None:
    assert Api(make_user("supervisor")).post(f"/cases/{case.pk}/cancel/", {"reason": "x"}).status_code == 403


def test_a_waiting_case_takes_an_outside_models_answer_at_once(api: Api, case: Case) -> None:
    assert not Case.objects.filter(pk=case.pk, lease_until__lte=Now()).exists()
    Case.objects.filter(pk=case.pk).update(lease_token="a worker's")
    answer = api.post(f"/cases/{case.pk}/prediction/", GIVEN)
    assert (answer.status_code, answer.json()["label"]) == (201, "refund")
    assert Case.objects.filter(pk=case.pk, lease_until__lte=Now(), lease_token="").exists()


def test_the_same_answer_twice_is_one_prediction(api: Api, case: Case) -> None:
    assert [api.post(f"/cases/{case.pk}/prediction/", GIVEN).status_code for _time in range(2)] == [201, 200]
    assert Prediction.objects.count() == 1


def test_in_review_the_newest_answer_counts_and_the_earlier_one_is_kept(api: Api, case_type: CaseType) -> None:
    case = make_case(case_type, state="in_review", sender=api.user, label="other", confidence=0.2)
    make_prediction(case, label="other", confidence=0.2)
    assert api.post(f"/cases/{case.pk}/prediction/", GIVEN).status_code == 201
    case.refresh_from_db()
    assert (case.label, case.confidence, case.predictions.count()) == ("refund", 0.9, 2)


@pytest.mark.parametrize("state", ["decided", "closed", "cancelled"])
def test_an_answer_that_comes_too_late_is_a_conflict(api: Api, case_type: CaseType, state: str) -> None:
    case = make_case(case_type, state=state, sender=api.user)
    assert api.post(f"/cases/{case.pk}/prediction/", GIVEN).status_code == 409
    assert not Prediction.objects.exists()


def test_an_answer_outside_the_schema_is_refused_by_its_path(api: Api, case: Case) -> None:
    answer = api.post(f"/cases/{case.pk}/prediction/", {**GIVEN, "output": {"label": "bribe"}})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["output.label"])


def test_the_timeline_tells_what_happened_in_order(api: Api, case: Case) -> None:
    api.post(f"/cases/{case.pk}/prediction/", GIVEN)
    api.post(f"/cases/{case.pk}/cancel/", {"reason": "mistake"})
    rows = api.get(f"/cases/{case.pk}/events/").json()["results"]
    assert [row["action"] for row in rows] == ["case.received", "case.predicted", "case.cancelled"]
    assert rows[0]["actor"] == "sender"


def test_a_blind_reader_learns_nothing_of_the_machines_answer(case_type: CaseType) -> None:
    case = make_case(case_type, state="in_review", label="refund", confidence=0.3, reason="low_confidence")
    make_task(case, blind=True)
    AuditEvent.objects.create(
        action="case.classified", actor="pipeline", origin="worker", case_id=case.pk, data={"label": "refund"}
    )
    reader = Api(make_user("reviewer"))
    [row] = reader.get("/cases/").json()["results"]
    assert (row["label"], row["confidence"], row["reason"]) == (None, None, None)
    assert reader.get("/cases/?label=refund").json()["results"] == []
    assert reader.get("/cases/?reason=low_confidence").json()["results"] == []
    assert "refund" not in str(reader.get(f"/cases/{case.pk}/events/").json())


def test_the_sender_may_see_the_answer_that_is_concealed_from_readers(api: Api, case_type: CaseType) -> None:
    case = make_case(case_type, state="in_review", label="refund", confidence=0.3, sender=api.user)
    make_task(case, blind=True)
    assert api.get("/cases/?label=refund").json()["results"][0]["label"] == "refund"


def test_an_administrator_opens_a_case_with_a_reason_that_is_noted(case: Case) -> None:
    admin = Api(make_user("administrator", username="root"))
    refused = admin.get(f"/cases/{case.pk}/events/")
    assert (refused.status_code, refused.json()["type"]) == (403, "reason-needed")
    assert admin.get(f"/cases/{case.pk}/events/", **{"X-Reason": "ticket 7"}).status_code == 200
    event = AuditEvent.objects.get(action="case.viewed")
    assert (event.actor, event.case_id, event.data) == ("root", case.pk, {"reason": "ticket 7"})


def test_erasure_empties_a_requesters_cases_and_keeps_their_digests(case: Case, case_type: CaseType) -> None:
    other = make_case(case_type, requester="c-2")
    make_prediction(case, rationale="says card 1234", evidence=[{"field": "payload.text", "start": 0, "end": 2}])
    done = erase("c-1", actor="test", origin="test")
    digest = case.content_digest
    case.refresh_from_db()
    assert (done.cases, done.waiting) == (1, 0)
    assert (case.payload, case.context, case.metadata, case.salt) == ({}, [], {}, "")
    assert (case.content_digest, case.state) == (digest, "cancelled")
    row = Prediction.objects.get(case=case)
    assert (row.output, row.rationale, row.evidence, row.label) == ({"label": "refund"}, "", [], "refund")
    assert AuditEvent.objects.get(action="case.erased").data == {"digest": digest}
    other.refresh_from_db()
    assert other.payload


def test_erasure_waits_for_what_is_on_its_way_out(case_type: CaseType) -> None:
    make_case(case_type, state="decided", requester="c-1")
    make_case(case_type, state="closed", requester="c-1")
    with pytest.raises(CommandError, match="1 cases still"):
        call_command("erase", requester="c-1")
    assert Case.objects.exclude(salt="").count() == 1


def test_erasure_names_somebody(case: Case) -> None:
    with pytest.raises(CommandError):
        call_command("erase", requester="")


def test_erasing_twice_is_harmless(case: Case) -> None:
    assert [erase("c-1", actor="test", origin="test").cases for _time in range(2)] == [1, 0]
    assert not Attachment.objects.exists()


def test_many_cases_of_one_requester_are_erased_in_batches(api: Api, case_type: CaseType, monkeypatch: Any) -> None:
    items = [case_of({"case_type": "mail", "payload": {"text": "x"}, "requester": "c-9"}) for _number in range(450)]
    ingest(items, sender=api.user, origin="api")
    assert erase("c-9", actor="test", origin="test").cases == 450


def test_a_reopened_case_whose_decision_was_sent_out_cannot_be_withdrawn(api: Api, case_type: CaseType) -> None:
    case = make_case(case_type, state="in_review", sender=api.user, version=2)
    sent = Effect.objects.create(case=case, event="case.decided", action="log", key="k", status=Effect.Status.DELIVERED)
    assert api.post(f"/cases/{case.pk}/cancel/", {"reason": "late"}).status_code == 409
    Effect.objects.filter(pk=sent.pk).update(status=Effect.Status.CANCELLED)
    assert api.post(f"/cases/{case.pk}/cancel/", {"reason": "undone before it left"}).status_code == 200
